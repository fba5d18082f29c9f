"""Spotting: one TimelineRange in, one SceneBrief out."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from musiscene_core.brief import SceneBrief, SceneFrame, StageReport
from musiscene_core.errors import CancelledError
from musiscene_core.progress import Progress, silent
from musiscene_core.spotting.describe import captions
from musiscene_core.spotting.emotion import emotion_curve
from musiscene_core.spotting.frames import sample
from musiscene_core.spotting.hits import find_hit_points
from musiscene_core.spotting.lines import with_lines
from musiscene_core.spotting.picture import curves, watch
from musiscene_core.spotting.sound import listen
from musiscene_core.timeline import TimelineRange

_LISTENING = 0.15
"""Share of the work, measured on mixed footage."""


def spot(timeline: TimelineRange, progress: Progress = silent) -> SceneBrief:
    """Watch and listen to the range, side by side, and say what is in it.

    Raises:
        MediaOfflineError: every picture clip's file is missing.
        MediaError: nothing of the picture can be decoded.
        CancelledError: `progress` raised it.
    """
    both = _SideBySide(progress)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="listen") as pool:
        watching = both.part(1.0 - _LISTENING)
        listening = pool.submit(listen, timeline, both.part(_LISTENING, unnamed=True))
        listening.add_done_callback(lambda done: both.stop() if done.exception() else None)
        try:
            picture = watch(timeline, watching)
        except CancelledError:
            both.stop()
            failed = listening.exception()
            if failed is not None and not isinstance(failed, CancelledError):
                raise failed from None
            raise
        except BaseException:
            both.stop()
            raise
        sound = listening.result()
    shown = curves(picture, timeline.rate) if picture.has_picture else None
    dialogue = with_lines(sound.dialogue, timeline)
    hits = find_hit_points(timeline, picture.shots, picture.saliency, dialogue)
    emotion = emotion_curve(timeline.length_seconds, shown, dialogue, sound.temp_track)
    frames = sample(picture.shots, picture.sharpness, picture.faces) if picture.has_picture else ()
    words = captions(
        timeline.length_seconds, picture.shots, shown, dialogue, sound.temp_track, emotion
    )
    progress("Writing the brief", 1.0)
    return SceneBrief(
        timeline=timeline,
        shots=picture.shots,
        curves=shown,
        dialogue=dialogue,
        temp_track=sound.temp_track,
        hit_points=hits,
        emotion_curve=emotion,
        captions=words,
        frames=frames,
        stages=(_sampled(frames),),
        warnings=(*picture.warnings, *sound.warnings),
    )


def _sampled(frames: tuple[SceneFrame, ...]) -> StageReport:
    if not frames:
        return StageReport(stage="frames", state="skipped", message="The range has no picture.")
    return StageReport(stage="frames", state="done", by="sharpness and faces")


class _SideBySide:
    """Adds up the progress of two threads, and stops both when one fails or is cancelled."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._done: dict[int, float] = {}
        self._stage = ""

    def stop(self) -> None:
        """Make the next call from either thread raise CancelledError."""
        self._stopped.set()

    def part(self, share: float, *, unnamed: bool = False) -> Progress:
        """Progress for one thread, worth `share` of the whole.

        An unnamed part shows under the other's stage once that has one: two names in turn flicker.
        """
        key = len(self._done)
        self._done[key] = 0.0

        def report(stage: str, fraction: float) -> None:
            if self._stopped.is_set():
                raise CancelledError("Spotting was stopped.")
            with self._lock:
                self._done[key] = share * fraction
                if not (unnamed and self._stage):
                    self._stage = stage
                self._progress(self._stage, sum(self._done.values()))

        return report
