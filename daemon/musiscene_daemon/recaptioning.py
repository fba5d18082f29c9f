"""The captions of a brief written anew: by rules, a captioner that hears the temp track, a scribe.

Runs in the worker. Captions are written in the order in which they build on each other, and each
goes by the others as they stand, a user's words included.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from musiscene_core.brief import Caption, Captions, SceneBrief, music_words
from musiscene_core.captioning.directing import directed
from musiscene_core.captioning.generation import PROFILES
from musiscene_core.captioning.heard import OnText, Section
from musiscene_core.captioning.language.model import OnPiece
from musiscene_core.captioning.prompts import DESCRIBE, SCENE
from musiscene_core.captioning.strategies import (
    conditions_prompt,
    fusion_prompt,
    imagination_prompt,
    scene_words,
)
from musiscene_core.errors import MediaError, RequestError
from musiscene_core.progress import Portion, Progress
from musiscene_core.protocol.admission import check_captioning
from musiscene_core.protocol.licensing import intended_for
from musiscene_core.request import NANO, SIGNALS, CaptionRequest, CaptionStrategy
from musiscene_core.spotting.describe import clock
from musiscene_core.spotting.described import picture_caption
from musiscene_core.spotting.recaption import by_rules, kept
from musiscene_core.timeline import MediaReference
from musiscene_daemon.engines.registry import Registry
from musiscene_daemon.hearing import check_answers
from musiscene_daemon.rewriting import Pieces
from musiscene_daemon.scribe import Scribe
from musiscene_daemon.separating import write_music_of

ORDER: tuple[CaptionStrategy, ...] = (
    *("video", "music", "scene_imagination"),
    *("fusion", "music_conditions"),
)
_ASKED: Mapping[CaptionStrategy, str] = MappingProxyType(
    {"music": DESCRIBE, "scene_imagination": SCENE}
)
"""What the captioner is asked for each caption that it hears."""
_OURS = (SIGNALS, NANO)
"""Captioners that come with MusiScene: nobody need have named them. Where they can hear nothing
no scene is written unasked, and a language model, where there is one, imagines scenes better."""
_SLOWEST, _FASTEST = 0.5, 2.0
"""Speeds at which a retimed temp track is listened to."""


def recaption(
    request: CaptionRequest, engines: Registry, on_text: OnText, progress: Progress
) -> SceneBrief:
    """The brief with the captions that were asked for written anew.

    Raises:
        EngineError: the captioner or a language model is not there, or fails.
        RequestError: it cannot do what is asked, or the brief says too little.
        MediaError: a caption was asked for by name that takes hearing a temp track, and none can
            be heard.
    """
    check_captioning(request, engines.captioner_infos, tuple(engines.broken))
    made = request.brief.captions
    wanted = [
        name for name in request.only or ORDER if not (request.keep_edited and kept(made, name))
    ]
    with TemporaryDirectory(prefix="musiscene-") as scratch:
        work = _Recaptioning(request, wanted, engines, on_text, progress, Path(scratch))
        for name in sorted(wanted, key=ORDER.index):
            caption = work.caption(name, made)
            if caption is not None:
                made = msgspec.structs.replace(made, **{name: caption})
    return msgspec.structs.replace(request.brief, captions=made)


class _Stretch(NamedTuple):
    """Music under a range.

    Attributes:
        begins_s: the cue second at which it begins.
        speed: at which the range plays it.
        section: what is heard of its file.
        mixed: whether dialogue and music are one recording there.
    """

    begins_s: float
    speed: float
    section: Section
    mixed: bool


class _Recaptioning:
    """One request at work."""

    def __init__(
        self,
        request: CaptionRequest,
        wanted: Sequence[CaptionStrategy],
        engines: Registry,
        on_text: OnText,
        progress: Progress,
        scratch: Path,
    ) -> None:
        self._request = request
        self._scratch = scratch
        self._brief = request.brief
        # By signals, what was measured when the range was spotted says what the music is like.
        heard = ("scene_imagination",) if request.captioner == SIGNALS else tuple(_ASKED)
        self._asked = {name: _ASKED[name] for name in heard if name in wanted}
        self._sections = list(_temp_track(request.brief))
        self._engines = engines
        self._on_text = on_text
        self._progress = progress
        self._rules = by_rules(request.brief)
        commercial = intended_for(request) == "commercial"
        self._scribe = Scribe(
            request.language, engines.residents, request.seed, commercial=commercial
        )
        self._heard: dict[CaptionStrategy, Caption] = {}

    def caption(self, name: CaptionStrategy, made: Captions) -> Caption | None:
        """The caption called `name`, given the others; None where nobody named one to be had."""
        place = ORDER.index(name)
        self._progress(f"Writing {name.replace('_', ' ')}", place / len(ORDER))

        piece = Pieces(self._on_text, 0, place)
        part = Portion(self._progress, place / len(ORDER), (place + 1) / len(ORDER))
        video, music = made.video.text, music_words(made, self._brief.temp_track)
        match name:
            case "video":
                return picture_caption(self._brief) or self._rules.video
            case "music":
                return self._music()
            case "scene_imagination":
                return self._imagined(video, music, piece, part)
            case "fusion":
                return self._scribe.write(
                    lambda: fusion_prompt(video, music),
                    lambda note: self._ruled(self._rules.fusion, note),
                    piece,
                    part,
                )
            case "music_conditions":
                described = msgspec.structs.replace(self._brief, captions=made)
                return self._scribe.write(
                    lambda: conditions_prompt(scene_words(described)),
                    lambda note: self._ruled(self._rules.music_conditions, note),
                    piece,
                    part,
                    asking=partial(directed, length_s=self._brief.timeline.length_seconds),
                )

    def _music(self) -> Caption:
        if self._request.captioner == SIGNALS:
            return self._rules.music
        try:
            return self._heard_of("music") or self._rules.music
        except (MediaError, RequestError) as error:
            if self._request.captioner != NANO:
                raise
            return self._ruled(self._rules.music, f"{error.message} What was measured stands.")

    def _imagined(self, video: str, music: str, piece: OnPiece, part: Progress) -> Caption | None:
        if self._request.captioner not in _OURS or not (self._scribe.has_model and music):
            return self._heard_of("scene_imagination")
        return self._scribe.write(
            lambda: imagination_prompt(video, music),
            lambda note: self._ruled(self._hear("scene_imagination"), note),
            piece,
            part,
        )

    def _heard_of(self, name: CaptionStrategy) -> Caption | None:
        """What the captioner hears; None where nobody asked by name and there is no music."""
        if name in self._request.only:
            return self._hear(name)
        if not (self._sections and self._brief.temp_track.present):
            return None
        try:
            return self._hear(name)
        except MediaError:
            if self._request.captioner not in _OURS:
                raise
            return None

    def _hear(self, name: CaptionStrategy) -> Caption:
        """What the captioner says of the temp track, which is heard once for all captions."""
        if not self._heard:
            self._heard = self._listened()
        return self._heard[name]

    def _listened(self) -> dict[CaptionStrategy, Caption]:
        if not self._sections:
            raise RequestError(
                "There is no temp track to listen to.",
                hint="Put one under the range and spot it again, or write this caption yourself.",
            )
        request, names = self._request, tuple(self._asked)

        def grown(section: int, question: int, piece: str, *, anew: bool = False) -> None:
            self._on_text(section, ORDER.index(names[question]), piece, anew=anew)

        stretches = [self._without_dialogue(one) for one in self._sections]
        if request.captioner != SIGNALS:
            stretches = [part for one in stretches for part in self._cut(one)]
        sections = [one.section for one in stretches]
        answers = self._engines.captioner(request.captioner).answer(
            sections,
            tuple(self._asked.values()),
            msgspec.structs.replace(PROFILES[request.profile], seed=request.seed),
            adapters=request.adapters,
            on_text=grown,
            progress=Portion(self._progress, 1 / len(ORDER), 3 / len(ORDER)),
        )
        check_answers(answers, sections, len(names), request.captioner)
        placed = zip(stretches, answers, strict=True)
        good = [(stretch.begins_s, one) for stretch, one in placed if one.captions]
        if not good:
            raise MediaError(answers[0].problem)
        return {
            name: _joined([(at, one.captions[place]) for at, one in good])
            for place, name in enumerate(names)
        }

    def _without_dialogue(self, stretch: _Stretch) -> _Stretch:
        """A stretch of mixed sound without what is said in it; any other as it is."""
        if not stretch.mixed:
            return stretch
        whole = stretch.section
        target = self._scratch / f"music-{round(1000 * stretch.begins_s)}.wav"
        part = Portion(self._progress, 1 / len(ORDER), 1 / len(ORDER))
        spans = [
            (
                whole.start_s + (region.start_s - stretch.begins_s) * stretch.speed,
                whole.start_s + (region.end_s - stretch.begins_s) * stretch.speed,
            )
            for region in self._brief.dialogue
        ]
        try:
            if not write_music_of(whole, spans, target, self._engines.residents, part):
                return stretch
        except MediaError:
            # The captioner meets the same, and says which file it is.
            return stretch
        parted = Section(
            media=MediaReference(path=str(target), name=whole.media.name),
            start_s=0.0,
            end_s=whole.end_s - whole.start_s,
        )
        return stretch._replace(section=parted)

    def _cut(self, stretch: _Stretch) -> list[_Stretch]:
        """A long stretch where its music changes; whole where it cannot be heard, which is told."""
        from musiscene_core.spotting.sections import find_sections

        whole = stretch.section
        try:
            spans = find_sections(
                whole.media.path,
                whole.start_s,
                whole.end_s,
                stream=whole.media.audio_stream,
                progress=Portion(self._progress, 1 / len(ORDER), 1 / len(ORDER)),
            )
        except MediaError:
            return [stretch]
        return [
            stretch._replace(
                begins_s=stretch.begins_s + (start_s - whole.start_s) / stretch.speed,
                section=msgspec.structs.replace(whole, start_s=start_s, end_s=end_s),
            )
            for start_s, end_s in spans
        ]

    @staticmethod
    def _ruled(caption: Caption, note: str) -> Caption:
        if not note or caption.how is None:
            return caption
        how = msgspec.structs.replace(caption.how, notes=(*caption.how.notes, note))
        return msgspec.structs.replace(caption, how=how)


def _temp_track(brief: SceneBrief) -> Iterator[_Stretch]:
    """The stretches of music under a range."""
    timeline = brief.timeline
    for clip in timeline.by_role("temp_track") or timeline.by_role("mixed"):
        shown = clip.mapping.record.overlap(timeline.record)
        if shown is None or not clip.media.path:
            continue
        if not _SLOWEST <= clip.mapping.speed <= _FASTEST:
            continue
        start, end = clip.mapping.source_span(shown)
        begins = float(timeline.rate.seconds(shown.start - timeline.record.start))
        section = Section(media=clip.media, start_s=float(start), end_s=float(end))
        yield _Stretch(begins, float(clip.mapping.speed), section, clip.role == "mixed")


def _joined(parts: list[tuple[float, Caption]]) -> Caption:
    """One caption of several stretches, each told with when it begins; of one, its own."""
    first = parts[0][1]
    if len(parts) == 1:
        return first
    text = " ".join(f"From {clock(at)}: {caption.text}" for at, caption in parts)
    how = first.how
    if how is not None:
        raws = [one.how.raw or one.text for _, one in parts if one.how is not None]
        how = msgspec.structs.replace(how, raw="\n\n".join(raws), wrote=text)
    return Caption(text, first.origin, how=how)
