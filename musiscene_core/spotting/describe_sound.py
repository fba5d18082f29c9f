"""Plain words about music, written from its portrait: what a captioner without a model can say.

The feeling is a place in the plane of valence and arousal, a weighted sum of what was measured
(AROUSAL, VALENCE); the scenes are those that such a feeling is usual for. None of it knows an
instrument, a genre or a meaning, and the words do not pretend so.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from musiscene_core.brief import SURE
from musiscene_core.feelings import PLACES
from musiscene_core.spotting.describe import MUSIC_FOR, clock, tempo_and_key
from musiscene_core.spotting.portrait import Portrait

AROUSAL: Mapping[str, float] = MappingProxyType(
    {"loud": 1.3, "dense": 1.0, "fast": 0.8, "bright": 0.4}
)
AROUSAL_BASE = -1.1
VALENCE: Mapping[str, float] = MappingProxyType({"major": 0.7, "fast": 0.5, "bright": 0.3})
_TOLD_BY_MORE = ("amusing", "annoying", "erotic", "indignant")
"""Feelings that tempo, key and loudness alone never tell."""

SCENES: Mapping[str, str] = MappingProxyType(
    {
        "anxious": "a search in the dark, or people who wait for bad news",
        "beautiful": "a reunion, or a landscape at first light",
        "calm": "a quiet morning, or a slow walk through an empty house",
        "dreamy": "a memory, or somebody who falls asleep on a train",
        "energising": "a chase, a race, or a montage of work against the clock",
        "joyful": "a feast, or children who run out of school",
        "sad": "a farewell, or somebody who sits alone after it",
        "scary": "a threat that comes closer, or a fight",
        "triumphant": "a victory, or the heroes as they set out",
    }
)

_DARK_HZ, _BRIGHT_HZ = 700.0, 1300.0
_SPARSE, _DENSE = 1.5, 4.5
"""Onsets a second."""
_SOFT_LUFS, _LOUD_LUFS = -28.0, -16.0
_GROWTH = 0.12
_WIDE_LU = 12.0


def music_words(portrait: Portrait, start_s: float = 0.0) -> str:
    """What the music sounds like, in a sentence or two.

    Args:
        portrait: what was measured.
        start_s: the file time at which it begins, for moments that are named.
    """
    if not portrait.music.present:
        return (
            "No music is heard: neither steady notes nor a steady pulse. The sound is "
            f"{_colour(portrait)} and {_level(portrait)}."
        )
    kind = " ".join([f"{_mood(portrait)} music", *tempo_and_key(portrait.music)])
    return f"{kind}: {sound_words(portrait, start_s)}"


def sound_words(portrait: Portrait, start_s: float = 0.0) -> str:
    """Its colour, density and loudness, and how that goes on; begins in lower case."""
    facts = f"{_colour(portrait)} in colour, {_density(portrait)}, {_level(portrait)}"
    return f"{facts}. {_shape(portrait, start_s)}".strip()


def mood_words(portrait: Portrait) -> str:
    """How it feels, and by what that was judged."""
    if not portrait.music.present:
        return "No music is heard, so no mood."
    return f"{_mood(portrait)}, going by tempo, key, loudness and brightness alone."


def tempo_words(portrait: Portrait) -> str:
    """How fast it is."""
    music = portrait.music
    if not music.tempo_bpm:
        return "No steady tempo is heard."
    sure = "" if music.tempo_confidence >= SURE else ", but that is not sure"
    return f"About {music.tempo_bpm:.0f} beats a minute{sure}."


def scene_words(portrait: Portrait) -> str:
    """Scenes that such music is usual for."""
    if not portrait.music.present:
        return "No music is heard that would suit a scene."
    return (
        "Going by tempo, key, loudness and brightness alone, it could suit "
        f"{SCENES[feeling(portrait)]}."
    )


def feeling(portrait: Portrait) -> str:
    """The nearest of Cowen's dimensions (brief.DIMENSIONS) that measurements can tell."""
    valence, arousal = valence_and_arousal(portrait)
    known = {name: place for name, place in PLACES.items() if name not in _TOLD_BY_MORE}
    return min(known, key=lambda n: (known[n][0] - valence) ** 2 + (known[n][1] - arousal) ** 2)


def valence_and_arousal(portrait: Portrait) -> tuple[float, float]:
    """Where it lies, -1 (unpleasant, calm) to 1 (pleasant, excited)."""
    music = portrait.music
    fast = float(np.clip((music.tempo_bpm - 110) / 100, -0.5, 0.5)) if music.tempo_bpm else 0.0
    signals = {
        "loud": float(np.clip((portrait.lufs + 35) / 25, 0, 1)),
        "dense": float(np.clip(portrait.onsets_per_s / 8, 0, 1)),
        "fast": fast * music.tempo_confidence,
        "bright": float(np.clip((portrait.brightness_hz - 900) / 1000, -0.5, 0.5)),
        "major": {"major": 1.0, "minor": -1.0, None: 0.0}[music.mode] * music.key_confidence,
    }
    valence = sum(weight * signals[name] for name, weight in VALENCE.items())
    arousal = AROUSAL_BASE + sum(weight * signals[name] for name, weight in AROUSAL.items())
    return float(np.tanh(valence)), float(np.tanh(arousal))


def measured(portrait: Portrait) -> tuple[tuple[str, float], ...]:
    """The numbers behind the words, by name; what is unknown is left out."""
    music = portrait.music
    valence, arousal = valence_and_arousal(portrait)
    figures = {
        "tempo_bpm": music.tempo_bpm,
        "tempo_confidence": music.tempo_confidence,
        "key_confidence": music.key_confidence,
        "loudness_lufs": portrait.lufs,
        "loudness_range_lu": portrait.range_lu,
        "brightness_hz": portrait.brightness_hz,
        "onsets_per_s": portrait.onsets_per_s,
        "valence": valence,
        "arousal": arousal,
    }
    return tuple((name, round(value, 2)) for name, value in figures.items() if value)


def _mood(portrait: Portrait) -> str:
    return MUSIC_FOR[feeling(portrait)].capitalize()


def _colour(portrait: Portrait) -> str:
    hertz = portrait.brightness_hz
    return "dark" if hertz < _DARK_HZ else "bright" if hertz > _BRIGHT_HZ else "balanced"


def _density(portrait: Portrait) -> str:
    played = portrait.onsets_per_s
    if played < _SPARSE:
        return "sparsely played"
    return "densely played" if played > _DENSE else "steadily played"


def _level(portrait: Portrait) -> str:
    word = "soft" if portrait.lufs < _SOFT_LUFS else "loud" if portrait.lufs > _LOUD_LUFS else ""
    return f"{word or 'of middling loudness'} (about {portrait.lufs:.0f} LUFS)"


def _shape(portrait: Portrait, start_s: float) -> str:
    energy = portrait.music.energy.array()
    if energy.size < 3:
        return ""
    first, middle, last = (float(part.mean()) for part in np.array_split(energy, 3))
    peak = clock(start_s + portrait.peak_s)
    if last > first + _GROWTH:
        return f"It grows louder, to its loudest at {peak}."
    if last < first - _GROWTH:
        return f"It fades after its loudest at {peak}."
    if middle > max(first, last) + _GROWTH:
        return f"It swells to its loudest at {peak} and falls back."
    if portrait.range_lu > _WIDE_LU:
        return f"It goes up and down, with its loudest at {peak}."
    return "It holds its level."
