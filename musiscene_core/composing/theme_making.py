"""New themes: a motif, its scale and its sound, from a name, a mood and a film.

The same name, mood and film always give the same theme, another film another one. Knows nothing
of books or cues.
"""

from __future__ import annotations

import hashlib

from musiscene_core.brief import DIMENSIONS, SceneBrief
from musiscene_core.composing.chance import Dice
from musiscene_core.composing.motif import make_motif, notated
from musiscene_core.composing.passages import idiom_scores
from musiscene_core.composing.scales import BRIGHTNESS, SCALES
from musiscene_core.composing.scene import Mood, Scene
from musiscene_core.themes import MAX_SPAN, Theme

_FEWEST_NOTES = 4
_TRIES = 32
_STRONGEST = 3
_FELT = 0.12
"""Weight from which a feeling belongs to a theme's character."""
_KEYS = ((0, 0.7), (7, 0.1), (5, 0.1), (3, 0.05), (9, 0.05))
"""Where a theme may stand, in semitones above a cue's tonic, with weights."""


def film_seed(film: str) -> int:
    """The seed by which the themes of a film called `film` are invented."""
    return int.from_bytes(hashlib.sha256(film.encode()).digest()[:7], "big")


def mood_of(brief: SceneBrief) -> Mood:
    """The mood of a whole scene."""
    scene = Scene(brief)
    return scene.mood(0.0, scene.length_s)


def make_theme(name: str, mood: Mood, seed: int) -> Theme:
    """A theme for what `name` stands for.

    Args:
        name: "hero", "river".
        mood: decides scale, rhythms, leaps and instruments.
        seed: the film's.
    """
    dice = Dice(seed, f"theme {name.strip().casefold()}")
    idiom = max(idiom_scores(mood), key=lambda scored: scored[1])[0]
    scales = [
        (scale, round(liking / (0.2 + (BRIGHTNESS[scale] - mood.valence) ** 2), 6))
        for scale, liking in idiom.scales
    ]
    scale = dice.weighted(scales)
    degree = dice.pick((0, 2, 4))
    style = idiom.melody
    for _ in range(_TRIES):
        written = notated(
            make_motif(style.cells, 0.35 + 0.4 * style.leap, dice, fewest=_FEWEST_NOTES),
            scale,
            degree,
        )
        if max(written.offsets) - min(written.offsets) <= MAX_SPAN:
            break
    return Theme(
        name=name.strip(),
        motif=written,
        degree=SCALES[scale][degree],
        mode=scale,
        key=dice.weighted(_KEYS),
        palette=style.instruments,
        character=_character(mood),
    )


def _character(mood: Mood) -> str:
    """The mood's strongest feelings in words; "neutral" where none stands out."""
    ranked = sorted(zip(mood.weights, DIMENSIONS, strict=True), reverse=True)[:_STRONGEST]
    return ", ".join(name for weight, name in ranked if weight >= _FELT) or "neutral"
