"""Listening: the sound half of spotting.

One pass over the soundtrack finds the dialogue, describes the temp track and draws the energy of
all sounds. Which clip is heard for what is its role's: dialogue for speech, temp_track for music,
mixed for both, effects for energy alone, score for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from musiscene_core.brief import Curve, DialogueRegion, TempTrack
from musiscene_core.progress import Progress, silent
from musiscene_core.spotting import silero
from musiscene_core.spotting.dialogue import SpeechListener, find_regions
from musiscene_core.spotting.loudness import LoudnessListener, loudness_curve
from musiscene_core.spotting.soundtrack import ROLES, SAMPLE_RATE, Block, Soundtrack
from musiscene_core.spotting.temp_track import MusicListener
from musiscene_core.timecode import frame_to_sample
from musiscene_core.timeline import TimelineRange


@dataclass(frozen=True)
class Sound:
    """What was heard under a range.

    Attributes:
        dialogue: where someone speaks, in order, in cue seconds.
        temp_track: what the temp track sounds like.
        energy: loudness of all sounds together, 0 to 1 (see spotting.loudness).
        warnings: what could not be heard, a sentence each.
    """

    dialogue: tuple[DialogueRegion, ...]
    temp_track: TempTrack
    energy: Curve
    warnings: tuple[str, ...] = ()


def listen(timeline: TimelineRange, progress: Progress = silent) -> Sound:
    """Listen to the range; a clip that cannot be heard becomes a warning.

    Memory stays the same but for about 2.5 kB of features a second.

    Raises:
        CancelledError: `progress` raised it.
        EngineError: the speech detector is not installed whole.
    """
    soundtrack = Soundtrack(timeline)
    roles = soundtrack.roles()
    # Chunks are those of the timeline: a range that is moved hears lines where it heard them.
    begins = frame_to_sample(timeline.record.start, timeline.rate, SAMPLE_RATE)
    lead = begins % silero.CHUNK
    speech = SpeechListener(lead=lead) if roles & {"dialogue", "mixed"} else None
    music = MusicListener(SAMPLE_RATE) if roles & {"temp_track", "mixed"} else None
    everything = LoudnessListener(SAMPLE_RATE)
    blocks = soundtrack.blocks()
    try:
        for block in blocks:
            progress(_stage(block), block.start / soundtrack.length)
            if speech:
                speech.push(block.sum("dialogue", "mixed"))
            if music:
                music.push(block.sum("temp_track", "mixed"))
            everything.push(block.sum(*ROLES))
    finally:
        blocks.close()
    dialogue: tuple[DialogueRegion, ...] = ()
    if speech:
        dialogue = find_regions(speech.finish(), timeline.length_seconds, lead / SAMPLE_RATE)
    temp_track = TempTrack()
    if music:
        over_music = _overlaps(dialogue, soundtrack.spans("mixed"))
        temp_track = music.finish(over_music, mixed="temp_track" not in roles)
    energy = loudness_curve(everything.finish())
    progress("Listened to the range", 1.0)
    return Sound(dialogue, temp_track, energy, tuple(soundtrack.warnings))


def _stage(block: Block) -> str:
    if not block.names:
        return "Listening"
    others = len(block.names) - 1
    return f"Listening to {block.names[0]}" + (f" and {others} more" if others else "")


def _overlaps(
    regions: Sequence[DialogueRegion], spans: Sequence[tuple[float, float]]
) -> tuple[DialogueRegion, ...]:
    """The regions that touch one of `spans` (seconds): speech and music in one recording."""
    return tuple(
        region
        for region in regions
        if any(start < region.end_s and region.start_s < end for start, end in spans)
    )
