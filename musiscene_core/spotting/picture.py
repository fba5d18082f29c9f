"""Watch the picture of a range, in one pass over its media.

Decoding runs ahead in a thread of its own; measuring, dividing into shots and summing up happen
here. Memory does not depend on how long the range is, but for a few numbers a frame.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from musiscene_core.brief import PictureCurves, Shot, Transition
from musiscene_core.progress import Progress, silent
from musiscene_core.spotting.curves import cut_rate, sampled
from musiscene_core.spotting.features import Recorder
from musiscene_core.spotting.foresight import OnFrame
from musiscene_core.spotting.likeness import Floats
from musiscene_core.spotting.motion import motion_and_saliency, seen_speed
from musiscene_core.spotting.pictures_kept import KeptPictures
from musiscene_core.spotting.playback import Findings, play
from musiscene_core.spotting.run_ahead import run_ahead
from musiscene_core.spotting.shots import find_boundaries
from musiscene_core.spotting.visible import Stretch, media_name, visible_stretches
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import TimelineRange

_AHEAD = 32
"""Pictures decoded ahead: 1 MB of them."""
_REPORT_S = 0.1


@dataclass(frozen=True)
class Picture:
    """What was seen, per cue frame.

    Attributes:
        motion: [frames] motion energy, 0 to 1 (motion.py says how it is scaled).
        saliency: [frames] sudden rise of motion, 0 to 1.
        brightness: [frames] mean luma, 0 to 1.
        warmth: [frames] -1 (cold) to 1 (warm).
        saturation: [frames] 0 to 1.
        sharpness: [frames] variance of the Laplacian, 0 or more.
        faces: how many faces there are, at the cue frames that were looked at.
        shots: in order, abutting, from 0 to the range's length.
        warnings: what could not be watched, a sentence each.
        has_picture: whether anything was seen at all.
    """

    motion: Floats
    saliency: Floats
    brightness: Floats
    warmth: Floats
    saturation: Floats
    sharpness: Floats
    faces: dict[int, int]
    shots: tuple[Shot, ...]
    warnings: tuple[str, ...]
    has_picture: bool


def watch(
    timeline: TimelineRange,
    progress: Progress = silent,
    on_frame: OnFrame | None = None,
    kept: KeptPictures | None = None,
) -> Picture:
    """Watch the picture under the range: its shots, motion and colour.

    Gaps and offline clips are black.

    Args:
        timeline: the range.
        progress: hears how far it is.
        on_frame: hears early of frames that will likely stand for the scene.
        kept: knows what was measured before, and keeps what is measured now.

    Raises:
        MediaOfflineError: every picture clip's file is missing.
        MediaError: a file is there but cannot be read.
        CancelledError: `progress` raised it.
    """
    length, fps = timeline.record.length, float(timeline.rate.fps)
    stretches = visible_stretches(timeline)
    if all(stretch.clip is None for stretch in stretches):
        return _nothing(length, ("The range has no picture.",))
    findings = Findings()
    recorder = Recorder(length, fps, timeline.record.start, on_frame)
    report = _Reporter(stretches, length, progress)
    playing = play(stretches, timeline.record.start, findings, kept)
    try:
        with closing(run_ahead(playing, _AHEAD, report.again)) as pictures:
            for shown in pictures:
                report.at(shown.cue_frame)
                recorder.add(shown)
        watched = recorder.finish()
    finally:
        if kept is not None:
            kept.close()
    if findings.watched == 0:
        if findings.offline is not None:
            raise findings.offline
        return _nothing(length, tuple(findings.warnings))
    boundaries = find_boundaries(watched, fps)
    steady = np.where(boundaries.unsteady, np.float32(np.nan), seen_speed(watched, fps))
    speed = watched.held(steady)
    starts = tuple(frame for frame, _ in boundaries.starts)
    motion, saliency = motion_and_saliency(speed, starts, fps)
    brightness, warmth, saturation = (
        watched.held(values) for values in (watched.brightness, watched.warmth, watched.saturation)
    )
    shots = _shots(boundaries.starts, stretches, motion, brightness, warmth, saturation)
    report.at(length)
    return Picture(
        motion=motion,
        saliency=saliency,
        brightness=brightness,
        warmth=warmth,
        saturation=saturation,
        sharpness=watched.held(watched.sharpness),
        faces=watched.faces,
        shots=shots,
        warnings=tuple(findings.warnings),
        has_picture=True,
    )


def curves(picture: Picture, rate: FrameRate) -> PictureCurves:
    """The picture's quantities on one hop: 0.1 s, or longer so that 6000 values do."""
    return PictureCurves(
        motion=sampled(picture.motion, rate),
        saliency=sampled(picture.saliency, rate, peaks=True),
        brightness=sampled(picture.brightness, rate),
        warmth=sampled(picture.warmth, rate),
        saturation=sampled(picture.saturation, rate),
        cut_rate=cut_rate(
            tuple(shot.start_frame for shot in picture.shots), len(picture.motion), rate
        ),
    )


class _Reporter:
    """Tells progress in terms of the clip being watched, not too often."""

    def __init__(self, stretches: tuple[Stretch, ...], length: int, progress: Progress) -> None:
        self._starts = [stretch.start for stretch in stretches]
        self._names = [stretch.clip and media_name(stretch.clip) for stretch in stretches]
        self._length = length
        self._progress = progress
        self._frame = 0
        self._last = -np.inf

    def at(self, frame: int) -> None:
        """Watching has come to cue frame `frame`."""
        self._frame = frame
        if frame == self._length or time.monotonic() - self._last >= _REPORT_S:
            self.again()

    def again(self) -> None:
        """Say the same as before: still there, still cancellable."""
        index = bisect_right(self._starts, min(self._frame, self._length - 1)) - 1
        name = self._names[index] or "a gap"
        self._progress(f"Watching {name}", self._frame / self._length)
        self._last = time.monotonic()


def _shots(
    starts: tuple[tuple[int, Transition], ...],
    stretches: tuple[Stretch, ...],
    motion: Floats,
    brightness: Floats,
    warmth: Floats,
    saturation: Floats,
) -> tuple[Shot, ...]:
    begins = [stretch.start for stretch in stretches]
    ends = [frame for frame, _ in starts[1:]] + [len(motion)]
    shots = []
    for (start, transition), end in zip(starts, ends, strict=True):
        clip = stretches[bisect_right(begins, start) - 1].clip
        shots.append(
            Shot(
                start_frame=start,
                end_frame=end,
                transition=transition,
                motion=_mean(motion[start:end]),
                brightness=_mean(brightness[start:end]),
                warmth=_mean(warmth[start:end]),
                saturation=_mean(saturation[start:end]),
                clip=clip.name if clip else "",
            )
        )
    return tuple(shots)


def _mean(values: Floats) -> float:
    return round(float(values.mean()), 4)


def _nothing(length: int, warnings: tuple[str, ...]) -> Picture:
    still = np.zeros(length, dtype=np.float32)
    return Picture(
        motion=still,
        saliency=still,
        brightness=still,
        warmth=still,
        saturation=still,
        sharpness=still,
        faces={},
        shots=(Shot(start_frame=0, end_frame=length, transition="start"),),
        warnings=warnings,
        has_picture=False,
    )
