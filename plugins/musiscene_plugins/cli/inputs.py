"""Arguments into nouns: the host, the range, the key, the hits."""

from __future__ import annotations

import argparse
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec

from musiscene_core.brief import Mode, blank_brief
from musiscene_core.errors import RequestError
from musiscene_core.intended_use import intended_use
from musiscene_core.keys import read_key
from musiscene_core.request import (
    ALTERNATES,
    AlternateName,
    LicenceNeed,
    ScoreRequest,
    engine_and_model,
)
from musiscene_core.sampling import Sampling
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import TimelineRange
from musiscene_plugins.choosing import record_frame
from musiscene_plugins.host import EditorHost, RangeChoice
from musiscene_plugins.otio import HostSettings, open_timeline
from musiscene_plugins.roles import parse_overrides

_DURATION = re.compile(r"^(?:(\d{1,4}):(?=[0-5]?\d(?:\.|$)))?(\d{1,7}(?:\.\d{1,9})?)$", re.ASCII)


def opened_host(arguments: argparse.Namespace, output: Path | None = None) -> EditorHost:
    """The host that the arguments name; scored copies go to `output`."""
    return open_timeline(
        Path(arguments.file),
        HostSettings(
            rate=FrameRate.parse(arguments.rate) if arguments.rate else None,
            drop_frame=arguments.drop_frame,
            roles=parse_overrides(arguments.role),
            timeline_name=arguments.timeline,
            output=output,
            format=getattr(arguments, "format", None),
            subtitles=_subtitles(arguments),
        ),
    )


def _subtitles(arguments: argparse.Namespace) -> Path | None:
    name = getattr(arguments, "subtitles", None)
    return Path(name).expanduser().absolute() if name else None


def range_choice(arguments: argparse.Namespace) -> RangeChoice:
    """The range that the arguments name."""
    return RangeChoice(
        record_in=arguments.record_in,
        record_out=arguments.record_out,
        marker=arguments.marker,
        cue=arguments.cue,
    )


def request_for(arguments: argparse.Namespace, timeline: TimelineRange) -> ScoreRequest:
    """The request that the arguments ask for, its brief still blank: checked before long work.

    Raises:
        RequestError: a number out of range, no key, or a hit outside the range.
        TimecodeError: a hit is not a timecode.
    """
    return ScoreRequest(
        brief=blank_brief(timeline),
        caption_strategy=arguments.steer,
        **music_wishes(arguments, timeline.rate, timeline.record.start),
    )


def music_wishes(arguments: argparse.Namespace, rate: FrameRate, start: int) -> dict[str, Any]:
    """The fields of a MusicWish that the arguments ask for.

    Args:
        arguments: with the options of `score` about the music.
        rate: the frame rate in which hits count.
        start: the record frame that is cue frame 0.

    Raises:
        RequestError: not a key.
        TimecodeError: a hit is not a timecode.
        MediaError: the sounds are no SoundFont.
    """
    tonic, mode = parse_key(arguments.key) if arguments.key else (None, None)
    hits = tuple(sorted({record_frame(text, rate) for text in arguments.hit}))
    engine, model = engine_and_model(arguments.engine)
    return {
        "engine": engine,
        "model": model,
        "takes": arguments.takes,
        "seed": arguments.seed,
        "tempo_bpm": arguments.tempo,
        "tonic": tonic,
        "mode": mode,
        "hits": tuple(frame - start for frame in hits) or None,
        "loudness_lufs": arguments.loudness,
        "sounds": _font(arguments.sounds) if arguments.sounds else "",
        "idiom": arguments.idiom,
        "stems": arguments.stems,
        "loop": arguments.loop,
        "alternates": parse_alternates(arguments.alternates),
        "alternate_stems": arguments.alternate_stems,
        "sketch": arguments.sketch,
        "melody": arguments.melody,
        "sampling": Sampling(
            guidance=arguments.guidance,
            temperature=arguments.temperature,
            top_k=arguments.top_k,
            top_p=arguments.top_p,
        ),
        "critic": "" if arguments.critic == "none" else arguments.critic,
        "licence": licence_for(arguments),
    }


def licence_for(arguments: argparse.Namespace) -> LicenceNeed:
    """What the music is for: as said, or as the folder says in which the timeline lies."""
    if getattr(arguments, "licence", "any") == "commercial":
        return "commercial"
    named = getattr(arguments, "file", None) or getattr(arguments, "folder", None) or Path.cwd()
    return intended_use(Path(named).expanduser())


def for_its_use(request: ScoreRequest, arguments: argparse.Namespace) -> ScoreRequest:
    """`request`, of music that was made before, for what the music of its timeline is for now."""
    if licence_for(arguments) == "any":
        return request
    return msgspec.structs.replace(request, licence="commercial")


def parse_alternates(text: str) -> tuple[AlternateName, ...]:
    """Read "all", or names such as "no-melody,30s".

    Raises:
        RequestError: no alternate of ours.
    """
    named = [word.strip().lower() for word in text.split(",") if word.strip()]
    if named == ["all"]:
        return ALTERNATES
    for name in named:
        if name not in ALTERNATES:
            raise RequestError(
                f"There is no alternate {name!r}.",
                hint=f"They are {', '.join(ALTERNATES)}; or write all.",
            )
    return tuple(known for known in ALTERNATES if known in named)


def _font(name: str) -> str:
    """The absolute path of a SoundFont, opened once: better told now than after the spotting."""
    from musiscene_core.composing.sound.sampler.font import SoundFont

    path = Path(name).absolute()
    SoundFont(path).close()
    return str(path)


def parse_duration(text: str) -> Fraction:
    """Read "60", "12.5" or "1:30" into seconds, exact.

    Raises:
        RequestError: not a length.
    """
    match = _DURATION.match(text.strip())
    if match is None:
        raise RequestError(f"{text!r} is not a length.", hint="Write it in seconds, or as 1:30.")
    return 60 * int(match[1] or 0) + Fraction(match[2])


def parse_key(text: str) -> tuple[int, Mode | None]:
    """Read "D minor", "F#m", "Bb" into a pitch class and a mode; no mode leaves it open.

    Raises:
        RequestError: not a key.
    """
    key = read_key(text)
    if key is None:
        raise RequestError(
            f"{text!r} is not a key.", hint='Write it like "D minor", "F# major" or "Bb".'
        )
    return key
