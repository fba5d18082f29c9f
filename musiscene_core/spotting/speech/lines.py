"""The lines of a scene: what subtitles say, and what a model hears where they say nothing.

Subtitles cost nothing and were read by people, so they go first. Speech under which a subtitle
stands is not transcribed again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

import msgspec
import numpy as np

from musiscene_core.brief import DialogueRegion, SpokenLine, StageReport, mark_of
from musiscene_core.errors import EngineError
from musiscene_core.progress import Progress, silent
from musiscene_core.spotting.lines import is_spoken
from musiscene_core.spotting.soundtrack import SAMPLE_RATE, Soundtrack
from musiscene_core.spotting.speech.kept import GRID_S, KeptSpeech, Stretch, stretches
from musiscene_core.spotting.speech.model import Diariser, Floats, Segment, Span, Transcriber
from musiscene_core.spotting.speech.speakers import METHOD, tell_apart
from musiscene_core.timeline import TimelineRange

WINDOW_S = 300.0
"""Seconds of soundtrack held at once."""
MARGIN_S = 0.2
"""Before and after speech: a word's first and last sounds are quiet."""
_AROUND_S = MARGIN_S + float(GRID_S)
_COVERED = 0.5
"""Share of speech under subtitles from which they say it all."""
_TRANSCRIBING = "Writing down what is said"
_GUESSED = "Speakers were told apart by how they sound, without a model: turns may be wrong."


class Heard(NamedTuple):
    """What is said, and what became of hearing it.

    Attributes:
        lines: in order of time.
        reports: of the stages speech and speakers.
    """

    lines: tuple[SpokenLine, ...]
    reports: tuple[StageReport, ...]


def subtitle_lines(timeline: TimelineRange) -> tuple[SpokenLine, ...]:
    """What the subtitles of a range say, in order of time; noises and songs left out."""
    lines = []
    for subtitle in timeline.subtitles:
        shown = subtitle.record.overlap(timeline.record)
        if shown is None or not is_spoken(subtitle.text):
            continue
        start_s, end_s = (
            round(float(timeline.rate.seconds(frame - timeline.record.start)), 3)
            for frame in (shown.start, shown.end)
        )
        lines.append(
            SpokenLine(
                start_s=start_s,
                end_s=end_s,
                text=" ".join(subtitle.text.split()),
                speaker=subtitle.speaker,
            )
        )
    return tuple(sorted(lines, key=lambda line: line.start_s))


def spoken_lines(
    timeline: TimelineRange,
    regions: Sequence[DialogueRegion],
    transcriber: Transcriber | None = None,
    diariser: Diariser | None = None,
    progress: Progress = silent,
    kept: KeptSpeech | None = None,
) -> Heard:
    """What is said in a range.

    Args:
        timeline: the range, with its subtitles.
        regions: where someone speaks.
        transcriber: hears what no subtitle says; None where none is set up.
        diariser: tells speakers apart; None has their sound tell.
        progress: hears how far it is.
        kept: knows what the transcriber heard before, and keeps what it hears now.

    Raises:
        CancelledError: `progress` raised it.
    """
    read = subtitle_lines(timeline)
    unread = [region for region in regions if _covered(region, read) < _COVERED]
    if not unread:
        by = "subtitles" if read else ""
        return Heard(read, (StageReport(stage="speech", state="done", by=by),) if read else ())
    if transcriber is None:
        return Heard(
            read,
            (
                StageReport(
                    stage="speech",
                    state="skipped",
                    by="subtitles" if read else "",
                    message="Someone speaks and nobody wrote it down. Add subtitles, or set up a "
                    "speech model: musiscene watching use --speech FOLDER.",
                ),
            ),
        )
    hearing = _Hearing(timeline, transcriber, diariser, progress, kept)
    try:
        heard = hearing.lines(unread)
    except EngineError as error:
        failed = StageReport(
            stage="speech", state="failed", by=transcriber.name, message=error.message
        )
        return Heard(read, (failed,))
    lines = tuple(sorted((*read, *heard), key=lambda line: line.start_s))
    done = StageReport(stage="speech", state="done", by=transcriber.name)
    return Heard(lines, (done, hearing.report()) if heard else (done,))


def _covered(region: DialogueRegion, lines: Sequence[SpokenLine]) -> float:
    """The share of a region over which lines stand."""
    under = sum(
        max(0.0, min(region.end_s, line.end_s) - max(region.start_s, line.start_s))
        for line in lines
    )
    return under / max(1e-9, region.end_s - region.start_s)


class _Hearing:
    """One range being heard, a window of its soundtrack at a time."""

    def __init__(
        self,
        timeline: TimelineRange,
        transcriber: Transcriber,
        diariser: Diariser | None,
        progress: Progress,
        kept: KeptSpeech | None,
    ) -> None:
        self._kept = kept
        self._timeline = timeline
        self._transcriber = transcriber
        self._diariser = diariser
        self._progress = progress
        self._failed = ""

    def lines(self, regions: Sequence[DialogueRegion]) -> list[SpokenLine]:
        """What is said in `regions`, each line with its speaker."""
        found: list[SpokenLine] = []
        sounds: list[Floats] = []
        named: list[str] = []
        length_s = self._timeline.length_seconds
        spoken = stretches(self._timeline, regions, MARGIN_S)
        for begin_s, samples, within in _windows(self._timeline, regions):
            part, spoken = spoken[: len(within)], spoken[len(within) :]
            segments = list(self._segments(begin_s, samples, part))
            found += [_line(segment, begin_s, length_s) for segment in segments]
            sounds += [_cut(samples, segment) for segment in segments]
            named += self._named(samples, segments, len(set(named)))
        if self._diariser is None:
            named = [_speaker(number) for number in tell_apart(sounds)]
        return [
            msgspec.structs.replace(line, speaker=speaker)
            for line, speaker in zip(found, named, strict=True)
        ]

    def report(self) -> StageReport:
        """How speakers were told apart."""
        if self._diariser is not None:
            return StageReport(stage="speakers", state="done", by=self._diariser.name)
        message = " ".join(filter(None, (self._failed, _GUESSED)))
        return StageReport(stage="speakers", state="done", by=METHOD, message=message)

    def _segments(
        self, begin_s: float, samples: Floats, spoken: Sequence[Stretch]
    ) -> Iterator[Segment]:
        length_s = self._timeline.length_seconds
        self._progress(_TRANSCRIBING, begin_s / length_s)
        spans = _spans(self._timeline, begin_s, samples, spoken)
        known = [self._known(one, span) for one, span in zip(spoken, spans, strict=True)]
        unheard = [place for place, found in enumerate(known) if found is None]
        heard: dict[int, list[Segment]] = {place: [] for place in unheard}
        asked = [spans[place] for place in unheard]
        if asked:
            for segment in self._transcriber.transcribe(samples, asked):
                self._progress(_TRANSCRIBING, min(1.0, (begin_s + segment.end_s) / length_s))
                within = _within(segment, asked)
                if within is not None:
                    heard[unheard[_nearest(within, asked)]].append(within)
        for place, found in enumerate(known):
            start_s = spans[place][0]
            if found is not None:
                yield from (_later(segment, start_s) for segment in found)
            else:
                if self._kept:
                    self._kept.put(spoken[place], [_later(one, -start_s) for one in heard[place]])
                yield from heard[place]
        if self._kept and unheard:
            self._kept.prune()

    def _known(self, stretch: Stretch, span: Span) -> list[Segment] | None:
        if span[0] >= span[1]:
            return []
        return self._kept.get(stretch) if self._kept else None

    def _named(self, samples: Floats, segments: Sequence[Segment], known: int) -> list[str]:
        """Who speaks each segment, by the diariser. It knows a speaker for one window only."""
        if self._diariser is None or not segments:
            return []
        try:
            turns = self._diariser.turns(samples)
        except EngineError as error:
            self._failed, self._diariser = str(error), None
            return []
        numbers: dict[str, int] = {}
        names = []
        for segment in segments:
            shared: dict[str, float] = {}
            for turn in turns:
                both = min(turn.end_s, segment.end_s) - max(turn.start_s, segment.start_s)
                shared[turn.speaker] = shared.get(turn.speaker, 0.0) + max(0.0, both)
            who = max(shared, key=lambda name: shared[name], default="")
            names.append(_speaker(numbers.setdefault(who, known + len(numbers))))
        return names


def _windows(
    timeline: TimelineRange, regions: Sequence[DialogueRegion]
) -> Iterator[tuple[float, Floats, list[DialogueRegion]]]:
    """The soundtrack where someone speaks: where it begins in cue seconds, its samples, and who.

    A window ends between two regions, once it is WINDOW_S long.
    """
    groups: list[list[DialogueRegion]] = []
    for region in regions:
        if groups and region.end_s - groups[-1][0].start_s <= WINDOW_S:
            groups[-1].append(region)
        else:
            groups.append([region])
    edges: list[tuple[int, int]] = []
    for group in groups:
        begins_s = max(0.0, group[0].start_s - _AROUND_S)
        first = max(int(begins_s * SAMPLE_RATE), edges[-1][1] if edges else 0)
        edges.append((first, max(first, int((group[-1].end_s + _AROUND_S) * SAMPLE_RATE))))
    parts: list[Floats] = []
    place = 0
    blocks = Soundtrack(timeline).blocks()
    try:
        for block in blocks:
            heard: Floats | None = None
            while place < len(groups) and edges[place][0] < block.start + block.length:
                if heard is None:
                    heard = np.clip(block.sum("dialogue", "mixed"), -1.0, 1.0)
                first, last = edges[place]
                parts.append(heard[max(0, first - block.start) : last - block.start])
                if last > block.start + block.length:
                    break
                yield first / SAMPLE_RATE, np.concatenate(parts), groups[place]
                parts, place = [], place + 1
    finally:
        blocks.close()
    if parts:
        yield edges[place][0] / SAMPLE_RATE, np.concatenate(parts), groups[place]


def _spans(
    timeline: TimelineRange, begin_s: float, samples: Floats, spoken: Sequence[Stretch]
) -> list[Span]:
    """Stretches of the timeline in seconds of a window that begins at cue second `begin_s`."""
    begins = float(timeline.rate.seconds(timeline.record.start)) + begin_s
    length_s = len(samples) / SAMPLE_RATE

    def inside(edge: Fraction) -> float:
        return min(length_s, max(0.0, float(edge) - begins))

    return [(inside(one.start), inside(one.end)) for one in spoken]


def _nearest(segment: Segment, spans: Sequence[Span]) -> int:
    """The span that a segment shares most with."""

    def shared(place: int) -> float:
        first, last = spans[place]
        return min(segment.end_s, last) - max(segment.start_s, first)

    return max(range(len(spans)), key=shared)


def _later(segment: Segment, by_s: float) -> Segment:
    words_s = tuple(word_s + by_s for word_s in segment.words_s)
    return segment._replace(
        start_s=segment.start_s + by_s, end_s=segment.end_s + by_s, words_s=words_s
    )


def _within(segment: Segment, spans: Sequence[Span]) -> Segment | None:
    """The segment as far as speech was there; None where it was not, or it has no words.

    Speech models imagine lines in what is no speech, and times after its end.
    """
    shared = [
        (max(segment.start_s, first), min(segment.end_s, last))
        for first, last in spans
        if min(segment.end_s, last) > max(segment.start_s, first)
    ]
    if not shared or not is_spoken(segment.text):
        return None
    start_s, end_s = shared[0][0], shared[-1][1]
    words_s = tuple(min(end_s, max(start_s, word_s)) for word_s in segment.words_s)
    return segment._replace(start_s=start_s, end_s=end_s, words_s=words_s)


def _cut(samples: Floats, segment: Segment) -> Floats:
    first = int(max(0.0, segment.start_s) * SAMPLE_RATE)
    return samples[first : int(segment.end_s * SAMPLE_RATE)]


def _line(segment: Segment, begin_s: float, length_s: float) -> SpokenLine:
    def cue(time_s: float) -> float:
        return round(min(length_s, max(0.0, begin_s + time_s)), 3)

    return SpokenLine(
        start_s=cue(segment.start_s),
        end_s=cue(segment.end_s),
        text=segment.text,
        language=segment.language,
        origin="model",
        written=mark_of(segment.text),
        words_s=tuple(map(cue, segment.words_s)),
    )


def _speaker(number: int) -> str:
    return f"Speaker {number:02d}"
