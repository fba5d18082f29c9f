"""Listening: the sound half of spotting.

Finds the dialogue and describes the temp track. Which clip is heard for what is its role's:
dialogue for speech, temp_track for music, mixed for both, effects and score for nothing. What was
measured once is kept (hearing.py); only what is new to a range is decoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from musiscene_core.brief import DialogueRegion, TempTrack
from musiscene_core.loudness import momentary
from musiscene_core.progress import Progress, silent
from musiscene_core.spotting import temp_track
from musiscene_core.spotting.dialogue import find_regions
from musiscene_core.spotting.ears import (
    CHROMA_HOP,
    CHUNK,
    LEVEL_HOP,
    LEVELS_A_SECOND,
    ONSET_HOP,
    LevelEar,
    NotesEar,
    SpeechEar,
)
from musiscene_core.spotting.hearing import Hearing
from musiscene_core.spotting.sound_kept import KeptBlocks
from musiscene_core.spotting.soundtrack import SAMPLE_RATE, Soundtrack
from musiscene_core.spotting.temp_track import Features
from musiscene_core.timeline import TimelineRange

_DONE_WITH = 10 * SAMPLE_RATE
"""After so long nobody listens to a clip's end any more."""


@dataclass(frozen=True)
class Sound:
    """What was heard under a range.

    Attributes:
        dialogue: where someone speaks, in order, in cue seconds.
        temp_track: what the temp track sounds like.
        warnings: what could not be heard, a sentence each.
    """

    dialogue: tuple[DialogueRegion, ...]
    temp_track: TempTrack
    warnings: tuple[str, ...] = ()


def listen(
    timeline: TimelineRange,
    progress: Progress = silent,
    kept: KeptBlocks | None = None,
    *,
    film_sound: bool | None = None,
) -> Sound:
    """Listen to the range; a clip that cannot be heard becomes a warning.

    Memory stays the same but for about 2.5 kB of features a second.

    Args:
        timeline: the range.
        progress: hears how far it is.
        kept: knows what was measured before, and keeps what is measured now.
        film_sound: whether what is listened to for music is a film's own sound, which may hold
            none; None tells by the clips' roles.

    Raises:
        CancelledError: `progress` raised it.
        EngineError: the speech detector is not installed whole.
    """
    soundtrack = Soundtrack(timeline)
    voices, first = soundtrack.voices, soundtrack.first
    last = first + soundtrack.length
    described = min(last, first + temp_track.LONGEST_S * SAMPLE_RATE)
    speech = Hearing(SpeechEar(), voices, first, last, kept)
    notes = Hearing(NotesEar(), voices, first, described, kept)
    level = Hearing(LevelEar(), voices, first, last, kept)
    parts = sorted(
        ((part, ear) for ear in (speech, notes, level) for part in ear.parts),
        key=lambda one: one[0].first,
    )
    try:
        for part, ear in parts:
            done = min(max(0, part.first - first), soundtrack.length) / soundtrack.length
            progress(_stage(ear.names(part)), done)
            ear.hear(part)
            for voice in voices:
                if voice.last < part.first - _DONE_WITH:
                    voice.close()
    finally:
        for voice in voices:
            voice.close()
        if kept is not None:
            kept.close()
    dialogue = _dialogue(speech, first, timeline.length_seconds)
    roles = soundtrack.roles()
    music = TempTrack()
    if roles & {"temp_track", "mixed"}:
        features = _features(notes, level, first, described - first, soundtrack.length)
        over_music = _overlaps(dialogue, soundtrack.spans("mixed"))
        own = "temp_track" not in roles if film_sound is None else film_sound
        music = temp_track.describe(features, over_music, mixed=own)
    progress("Listened to the range", 1.0)
    return Sound(dialogue, music, tuple(soundtrack.warnings))


def _dialogue(speech: Hearing, first: int, length_s: float) -> tuple[DialogueRegion, ...]:
    lead = speech.lead(CHUNK)
    count = -(-(round(length_s * SAMPLE_RATE) + lead) // CHUNK)
    probabilities = speech.rows("speech", first - lead, count)
    return find_regions(probabilities, length_s, lead / SAMPLE_RATE)


def _features(notes: Hearing, level: Hearing, first: int, described: int, length: int) -> Features:
    """What is known of the music, from record sample `first` on; `length` counts samples."""
    late = -notes.lead(ONSET_HOP) % ONSET_HOP
    chroma_rows = -(-described // CHROMA_HOP)
    power = level.rows("power", first, -(-length // LEVEL_HOP))
    return Features(
        onsets=notes.rows("onsets", first + late, -(-described // ONSET_HOP)),
        chroma=notes.rows("chroma", first, chroma_rows),
        tonal=notes.rows("tonal", first, chroma_rows),
        lufs=momentary(power.astype(np.float64), LEVELS_A_SECOND).astype(np.float32),
        late_s=late / SAMPLE_RATE,
    )


def _stage(names: Sequence[str]) -> str:
    if not names:
        return "Listening"
    others = len(names) - 1
    return f"Listening to {names[0]}" + (f" and {others} more" if others else "")


def _overlaps(
    regions: Sequence[DialogueRegion], spans: Sequence[tuple[float, float]]
) -> tuple[DialogueRegion, ...]:
    """The regions that touch one of `spans` (seconds): speech and music in one recording."""
    return tuple(
        region
        for region in regions
        if any(start < region.end_s and region.start_s < end for start, end in spans)
    )
