"""Spotting: one TimelineRange in, one SceneBrief out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from musiscene_core.brief import DialogueRegion, SceneBrief, SceneFrame, StageReport
from musiscene_core.errors import CancelledError
from musiscene_core.progress import Portion, Progress, silent
from musiscene_core.spotting.describe import captions
from musiscene_core.spotting.emotion import emotion_curve
from musiscene_core.spotting.foresight import OnFrame
from musiscene_core.spotting.frames import sample
from musiscene_core.spotting.hits import find_hit_points
from musiscene_core.spotting.lines import with_lines
from musiscene_core.spotting.picture import curves, watch
from musiscene_core.spotting.pictures_kept import KeptPictures
from musiscene_core.spotting.side_by_side import SideBySide
from musiscene_core.spotting.sound import Sound, listen
from musiscene_core.spotting.sound_kept import KeptBlocks
from musiscene_core.timeline import TimelineRange

_LISTENING = 0.15
"""Share of the work, measured on mixed footage."""
_PARTING = 0.9
"""Share of listening, where a model parts what is heard."""


def _unheard(regions: Sequence[DialogueRegion]) -> None:
    """Nobody waits to hear where someone speaks."""


def spot(
    timeline: TimelineRange,
    progress: Progress = silent,
    on_dialogue: Callable[[Sequence[DialogueRegion]], None] = _unheard,
    on_frame: OnFrame | None = None,
    part: Callable[[Progress], TimelineRange] | None = None,
) -> SceneBrief:
    """Watch and listen to the range, side by side, and say what is in it.

    Args:
        timeline: the range.
        progress: hears how far it is.
        on_dialogue: told where someone speaks as soon as that is known, mostly long before the
            picture is watched; called once, from another thread.
        on_frame: told early of cue frames that will likely stand for the scene.
        part: gives the range as it is listened to, speech and music of one recording parted.

    Raises:
        MediaOfflineError: every picture clip's file is missing.
        MediaError: nothing of the picture can be decoded.
        CancelledError: `progress` raised it.
    """
    both = SideBySide(progress)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="listen") as pool:
        watching = both.part(1.0 - _LISTENING)
        share = both.part(_LISTENING, unnamed=True)

        def hear() -> tuple[Sound, tuple[DialogueRegion, ...]]:
            sounding = part(Portion(share, 0.0, _PARTING)) if part else timeline
            begins = _PARTING if sounding is not timeline else 0.0
            film_sound = not timeline.by_role("temp_track")
            told = Portion(share, begins, 1.0)
            heard = listen(sounding, told, KeptBlocks(), film_sound=film_sound)
            regions = with_lines(heard.dialogue, timeline)
            on_dialogue(regions)
            return heard, regions

        listening = pool.submit(hear)
        listening.add_done_callback(lambda done: both.stop() if done.exception() else None)
        try:
            picture = watch(timeline, watching, on_frame, KeptPictures())
        except CancelledError:
            both.stop()
            failed = listening.exception()
            if failed is not None and not isinstance(failed, CancelledError):
                raise failed from None
            raise
        except BaseException:
            both.stop()
            raise
        sound, dialogue = listening.result()
    shown = curves(picture, timeline.rate) if picture.has_picture else None
    hits = find_hit_points(timeline, picture.shots, picture.saliency, dialogue)
    emotion = emotion_curve(timeline.length_seconds, shown, dialogue, sound.temp_track)
    frames: tuple[SceneFrame, ...] = ()
    if picture.has_picture:
        start = timeline.record.start
        frames = sample(picture.shots, picture.sharpness, picture.faces, start)
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
