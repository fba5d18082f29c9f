"""Each kind of job: what a client hands over for it, and what the queue must know of that.

The one place that knows every kind; whoever queues, forecasts or limits jobs asks here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

import msgspec

from musiscene_core.captioning.request import ListenRequest, SoundPart
from musiscene_core.errors import InputError
from musiscene_core.intended_use import intended_use
from musiscene_core.protocol.admission import (
    check,
    check_captioning,
    check_critic,
    check_listening,
)
from musiscene_core.protocol.licensing import check_licences
from musiscene_core.protocol.state import BrokenEngine, CaptionerInfo, EngineInfo, JobKind
from musiscene_core.request import (
    SIGNALS,
    CaptionRequest,
    ComposeRequest,
    ConformRequest,
    MusicWish,
    ScoreRequest,
)
from musiscene_core.timeline import Role, TimelineRange

Work: TypeAlias = (
    TimelineRange | ScoreRequest | ComposeRequest | CaptionRequest | ConformRequest | ListenRequest
)

PAYLOADS: Mapping[JobKind, type[Work]] = MappingProxyType(
    {
        "spot": TimelineRange,
        "score": ScoreRequest,
        "compose": ComposeRequest,
        "caption": CaptionRequest,
        "conform": ConformRequest,
        "listen": ListenRequest,
    }
)
"""What the payload of a job of each kind is, in msgpack."""

MUSICAL: frozenset[JobKind] = frozenset({"score", "compose", "conform"})
"""The kinds that an engine works for, and that make takes."""

ENGAGED: frozenset[JobKind] = MUSICAL | {"listen"}
"""The kinds that an engine or a captioner works for."""


class Wish(NamedTuple):
    """A job as the queue sees it.

    Attributes:
        kind: what it does.
        cue: the cue it is about.
        length_s: of its range, in seconds; 0 where only the media knows.
        engine: who scores, or listens; empty where neither is done.
        wanted: how many takes; 0 where nothing is scored.
    """

    kind: JobKind
    cue: str
    length_s: float
    engine: str = ""
    wanted: int = 0


def describe(work: Work) -> Wish:
    """What the queue must know of `work`."""
    match work:
        case ScoreRequest(engine=engine, takes=takes):
            cue = work.brief.timeline.cue
            return Wish("score", cue, work.length_seconds, engine, takes)
        case ComposeRequest(engine=engine, takes=takes):
            return Wish("compose", work.cue or work.mood, work.length_seconds, engine, takes)
        case ConformRequest(request=request, timeline=timeline):
            wish = Wish("conform", timeline.cue, timeline.length_seconds)
            return wish._replace(engine=request.engine, wanted=request.takes)
        case CaptionRequest(brief=brief, captioner=captioner):
            # What goes by measurements alone needs no worker of its own.
            engine = "" if captioner == SIGNALS else captioner
            return Wish("caption", brief.timeline.cue, brief.timeline.length_seconds, engine)
        case ListenRequest(sounds=sounds, captioner=captioner):
            name = sounds[0].media.name or PurePath(sounds[0].media.path).name
            return Wish("listen", name, work.length_s, captioner)
        case TimelineRange():
            return Wish("spot", work.cue, work.length_seconds)


def admit(
    work: Work,
    engines: Sequence[EngineInfo],
    captioners: Sequence[CaptionerInfo],
    broken: Sequence[BrokenEngine],
) -> None:
    """Refuse work that its engine or captioner cannot do.

    Raises:
        EngineError: there is no such engine or captioner, or it does not load.
        RequestError: it cannot do what is asked, or may not for what its music is for.
    """
    if isinstance(work, ListenRequest):
        check_listening(work, captioners, broken)
    elif isinstance(work, CaptionRequest):
        check_captioning(work, captioners, broken)
    elif isinstance(work, ConformRequest):
        check(work.request, engines, broken, length_s=work.timeline.length_seconds)
        check_critic(work.request, engines, captioners, broken)
    elif isinstance(work, ScoreRequest | ComposeRequest):
        check(work, engines, broken)
        check_critic(work, engines, captioners, broken)
    check_licences(work, engines, captioners, intended_use())


def read(kind: JobKind, payload: bytes) -> Work:
    """The work in a payload that this daemon, or one before it, accepted."""
    work: Work = msgspec.msgpack.decode(payload, type=PAYLOADS[kind])
    return work


def covered_s(kind: JobKind, payload: bytes) -> float:
    """Seconds of film or sound that a job covers, every take or question counted.

    For the worker: it looks into files where a request leaves their length to them.
    """
    work = read(kind, payload)
    if isinstance(work, ListenRequest):
        return sum(map(_heard_s, work.sounds)) * len(work.asked)
    wish = describe(work)
    # A range is spotted before its music is conformed.
    return wish.length_s * (wish.wanted + (kind == "conform") or 1)


def _heard_s(sound: SoundPart) -> float:
    """Seconds of a stretch of sound; 0 where not even its file can say."""
    if sound.end_s is not None:
        return sound.length_s
    # The socket process, which knows jobs too, need not load what reads media.
    from musiscene_core.media import probe

    try:
        return max(0.0, float(probe(sound.media.path).duration) - sound.start_s)
    except InputError:
        return 0.0


def files_of(work: Work) -> tuple[tuple[str, ...], str]:
    """The files that doing `work` reads, and the folder of an earlier take; empty for none."""
    paths: list[str] = []
    folder = ""
    match work:
        case ListenRequest(sounds=sounds):
            paths += [sound.media.path for sound in sounds]
        case CaptionRequest(brief=brief):
            paths += _paths(brief.timeline, "temp_track", "mixed")
        case TimelineRange():
            paths += _paths(work)
        case ConformRequest(request=request, timeline=timeline):
            paths += [*_paths(timeline), *_heard(request), *_given(request)]
            folder = work.earlier
        case ScoreRequest():
            paths += [*_heard(work), *_given(work)]
        case ComposeRequest():
            paths += _given(work)
    return tuple(dict.fromkeys(filter(None, paths))), folder


def _paths(timeline: TimelineRange, *roles: Role) -> list[str]:
    clips = timeline.by_role(*roles) if roles else timeline.clips
    return [clip.media.path for clip in clips]


def _heard(request: ScoreRequest) -> list[str]:
    """What engines listen to: the temp track, beside all that sounds where they follow it."""
    timeline = request.brief.timeline
    if request.melody == "temp":
        return _paths(timeline, "temp_track", "dialogue", "effects", "mixed")
    return _paths(timeline, "temp_track")


def _given(wish: MusicWish) -> list[str]:
    return [wish.sounds, wish.music.media.path if wish.music is not None else ""]
