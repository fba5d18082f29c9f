"""Which source frame shows at every cue frame, decoded once, in record order.

Cue frame n shows the last source frame whose time is at or before the source time that the clip's
mapping gives for it. Only changes are told: a frame that is held is not repeated. Knows where the
pictures come from, not what they look like.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from musiscene_core.errors import MediaOfflineError
from musiscene_core.media import VideoFrame, read_frames
from musiscene_core.spotting.likeness import Image
from musiscene_core.spotting.measures import Measure
from musiscene_core.spotting.pictures_kept import KeptClip, KeptPictures
from musiscene_core.spotting.visible import Stretch, media_name
from musiscene_core.timeline import TimelineClip

READ_WIDTH = 128
"""Pixels across of the decoded pictures: all that spotting looks at."""
CLOCK_SLACK = Fraction(1, 1000)
"""Matroska and Flash count milliseconds, so a frame's time may be up to 1/2 ms late."""
_REVERSE_CHUNK = 120
"""Cue frames kept at once where a clip runs backwards: 3 MB of pictures."""
_HELD_TOO_LONG = Fraction(1, 2)
"""Seconds by which a file may end before its clip without a word."""

_log = logging.getLogger(__name__)


class Shown(NamedTuple):
    """A picture that appears.

    Attributes:
        cue_frame: the frame at which it appears; it holds until the next one.
        image: [H, W, 3] uint8 BGR; None is black.
        elapsed_s: record seconds since the picture before it was shot, None where the two do not
            belong to one run of film.
        opens: whether a stretch begins with it.
        known: what was measured of it before; its image may be None then too.
        source: where it is kept and fetched from; None where it is not kept.
    """

    cue_frame: int
    image: Image | None
    elapsed_s: float | None
    opens: bool
    known: Measure | None = None
    source: ShownSource | None = None


class ShownSource(NamedTuple):
    """Where a picture comes from.

    Attributes:
        kept: what is kept of its film.
        path: the film.
        seconds: file time.
        record_frame: at which it appears.
    """

    kept: KeptClip
    path: str
    seconds: Fraction
    record_frame: int

    def image(self) -> Image | None:
        """The picture itself, decoded for this alone."""
        reading = read_frames(self.path, self.seconds, self.seconds + CLOCK_SLACK, width=READ_WIDTH)
        with closing(reading) as frames:
            frame = next(frames, None)
        return frame.image if frame else None


@dataclass
class Findings:
    """What playing met on its way; filled while `play` is consumed.

    Attributes:
        watched: stretches that showed a picture.
        offline: the first file that was not there.
        warnings: a sentence each, each once.
    """

    watched: int = 0
    offline: MediaOfflineError | None = None
    warnings: dict[str, None] = field(default_factory=dict)


class _Seen(NamedTuple):
    """A picture that was decoded, or is known."""

    seconds: Fraction
    image: Image | None
    known: Measure | None = None


def play(
    stretches: tuple[Stretch, ...],
    record_start: int,
    findings: Findings,
    kept: KeptPictures | None = None,
) -> Generator[Shown, None, None]:
    """Every picture that appears in `stretches`, in order; gaps and offline media are black.

    Args:
        stretches: what shows when, in cue frames.
        record_start: the record frame that is cue frame 0.
        findings: is told what could not be watched.
        kept: knows what was measured before; None has every picture decoded.

    Raises:
        MediaError: a file is there but cannot be read.
    """
    for stretch in stretches:
        clip, told = stretch.clip, False
        if clip is not None:
            try:
                for shown in _play_clip(stretch, clip, record_start, findings, kept):
                    yield shown._replace(opens=not told)
                    told = True
            except MediaOfflineError as error:
                findings.offline = findings.offline or error
                findings.warnings[
                    f"{media_name(clip)} is offline; its part of the picture was not watched."
                ] = None
                _log.warning("offline: %s", clip.media.path)
            else:
                if not told:
                    findings.warnings[
                        f"{media_name(clip)} has no picture where the timeline wants it; "
                        "it was taken for black."
                    ] = None
        findings.watched += told
        if not told:
            yield Shown(stretch.start, None, None, True)


def _play_clip(
    stretch: Stretch,
    clip: TimelineClip,
    record_start: int,
    findings: Findings,
    kept: KeptPictures | None,
) -> Iterator[Shown]:
    if not clip.media.path:
        raise MediaOfflineError(
            f"The timeline does not say where {media_name(clip)} is.",
            hint="Relink it in the editor and mark the range again.",
        )
    speed = clip.mapping.speed
    chunk = _REVERSE_CHUNK if speed < 0 else stretch.end - stretch.start
    known = kept.of(clip) if kept else None
    before: _Seen | None = None
    for start in range(stretch.start, stretch.end, chunk):
        frames = range(start, min(stretch.end, start + chunk))
        if known is None:
            pairs = _shown_in(clip, frames, record_start, findings)
        else:
            pairs = _partly_known(clip, frames, record_start, findings, known)
        for cue_frame, frame in _backwards(pairs, frames) if speed < 0 else pairs:
            if before is not None and frame.seconds == before.seconds:
                continue
            elapsed = None
            if before is not None and speed:
                elapsed = float(abs((frame.seconds - before.seconds) / speed))
            source = None
            if known is not None:
                record_frame = record_start + cue_frame
                source = ShownSource(known, clip.media.path, frame.seconds, record_frame)
            yield Shown(cue_frame, frame.image, elapsed, False, frame.known, source)
            before = frame


def _partly_known(
    clip: TimelineClip, frames: range, record_start: int, findings: Findings, kept: KeptClip
) -> Iterator[tuple[int, _Seen]]:
    """As _shown_in, decoding only what is not known.

    A known frame beside an unknown one is decoded with it: the two are to be compared.
    """

    def known(frame: int) -> Measure | None:
        return kept.known(record_start + frame)

    def wanted(frame: int) -> bool:
        beside = range(max(frames.start, frame - 1), min(frames.stop, frame + 2))
        return any(known(one) is None for one in beside)

    at, seconds = frames.start, Fraction(0)
    while at < frames.stop:
        measure = None if wanted(at) else known(at)
        if measure is not None:
            seconds = measure.seconds
            yield at, _Seen(seconds, None, measure)
            at += 1
            continue
        end = at + 1
        while end < frames.stop and wanted(end):
            end += 1
        told = findings if end == frames.stop else Findings()
        for frame, seen in _shown_in(clip, range(at, end), record_start, told):
            # Seen again beside what is new, it need not be measured again.
            before = known(frame)
            is_known = before is not None and before.seconds == seen.seconds
            yield frame, seen._replace(known=before) if is_known else seen
        if end == frames.stop:
            return
        at = end
    last = frames.stop - 1
    if clip.mapping.source_seconds(record_start + last) - seconds > _HELD_TOO_LONG:
        # Whether the film ended is not kept; only its last moment is looked at for that.
        for _ in _shown_in(clip, range(last, last + 1), record_start, findings):
            pass


def _shown_in(
    clip: TimelineClip, frames: range, record_start: int, findings: Findings
) -> Iterator[tuple[int, _Seen]]:
    """(cue frame, picture that appears there) for `frames`, in order of source time."""
    ordered = frames if clip.mapping.speed >= 0 else frames[::-1]
    mapping = clip.mapping
    start = mapping.source_seconds(record_start + ordered[0])
    last = mapping.source_seconds(record_start + ordered[-1])
    step = max(abs(mapping.speed) / mapping.record_rate.fps, 2 * CLOCK_SLACK)
    first = max(Fraction(0), start)
    source = read_frames(clip.media.path, first, max(first, last) + step, width=READ_WIDTH)
    showing: VideoFrame | None = None
    count = 0
    with closing(source) as reader:
        coming = next(reader, None)
        for cue_frame in ordered:
            now = mapping.source_seconds(record_start + cue_frame) + CLOCK_SLACK
            appeared = False
            # A file whose first frame comes late shows that frame from the start.
            while coming is not None and (showing is None or coming.seconds <= now):
                showing, appeared, count = coming, True, count + 1
                coming = next(reader, None)
            if appeared and showing is not None:
                yield cue_frame, _Seen(showing.seconds, showing.image)
    is_still = count == 1 and showing is not None and showing.seconds == 0
    if showing is not None and coming is None and not is_still:
        missing = last - showing.seconds
        if missing > _HELD_TOO_LONG:
            findings.warnings[
                f"{media_name(clip)} ends {float(missing):.1f} s before its clip does; "
                "its last picture was held."
            ] = None


def _backwards(pairs: Iterator[tuple[int, _Seen]], frames: range) -> Iterator[tuple[int, _Seen]]:
    """Pairs of ascending source time, told in record order: each appears where its hold begins."""
    found = list(pairs)
    # Walking down from the last cue frame, a picture holds until just above where the next begins.
    for index in range(len(found) - 1, -1, -1):
        begins = found[index + 1][0] + 1 if index + 1 < len(found) else frames.start
        yield begins, found[index][1]
