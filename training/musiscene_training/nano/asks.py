"""What the corpus's cues are: the same number always names the same cue.

Tempo, mode and instruments are drawn apart from the idiom more often than not, so that a model
has to hear each rather than guess all from one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from musiscene_core.composing.engine import IDIOM_NAMES
from musiscene_core.composing.idioms import idiom_named
from musiscene_core.cue import Cue, Part
from musiscene_core.feelings import WORDS
from musiscene_core.request import ComposeRequest, ScoreRequest
from musiscene_core.sketch import as_score_request
from musiscene_core.timecode import FrameRate

Split = Literal["train", "unseen-seeds", "unseen-idioms"]

UNSEEN_IDIOMS = ("string drama", "uplift", "melancholy")
"""Never trained on: whether the model hears music or knows idioms shows on these."""
CUE_S = 24
_FRAMES_PER_S = 24
_ROUND = 12
"""Of each round of cues, the last two are held out: one of a known idiom, one of an unseen one.

They are for tuning; see kept_for_last."""
_OWN_TEMPO, _OWN_MODE, _OWN_PLAYER, _OWN_FEELING = 0.45, 0.6, 0.65, 0.7
"""How often a cue keeps what its idiom would choose."""

_PLAYERS = (
    ("string_ensemble", "brass_ensemble", "soft_choir", "warm_pad", "glass_pad"),
    ("felt_piano", "harp", "pizzicato", "celesta", "music_box"),
    ("contrabass", "sub_bass", "pulse_bass"),
    ("solo_strings", "flute", "clarinet", "horn", "synth_lead"),
    ("drone", "shimmer", "noise_swell"),
)
"""Who can take over whose part."""


_LAST = 100_000
"""From here on cues are for the last figures: none of them ever trained or tuned anything."""


def kept_for_last(count: int) -> tuple[int, ...]:
    """The numbers of the cues for the last figures: as many of known idioms as of unseen ones."""
    rounds = range(_LAST - _LAST % _ROUND, _LAST + count * _ROUND, _ROUND)
    return tuple(first + place for first in rounds for place in (_ROUND - 2, _ROUND - 1))[:count]


@dataclass(frozen=True)
class Ask:
    """A cue of the corpus.

    Attributes:
        number: names it.
        split: what it is for.
        request: what the composer is asked.
    """

    number: int
    split: Split
    request: ScoreRequest


def ask(number: int, seed: int) -> Ask:
    """Cue `number` of the corpus that `seed` names; both 0 or more."""
    random = np.random.default_rng([seed, number])
    place = number % _ROUND
    split: Split = "train"
    if place >= _ROUND - 2:
        split = "unseen-idioms" if place == _ROUND - 1 else "unseen-seeds"
    known = [name for name in IDIOM_NAMES if name not in UNSEEN_IDIOMS]
    idiom = idiom_named(str(random.choice(UNSEEN_IDIOMS if split == "unseen-idioms" else known)))
    low, high = idiom.bpm
    tempo = None
    if random.random() > _OWN_TEMPO:
        tempo = round(float(random.uniform(max(44, 0.72 * low), min(190, 1.35 * high))), 1)
    tonic, mode = None, None
    if random.random() > _OWN_MODE:
        tonic = int(random.integers(12))
        mode = "major" if random.random() < 0.5 else "minor"
    feelings = [name for name, _ in idiom.feelings]
    words = sorted(
        word
        for word, feeling in WORDS.items()
        if feeling in feelings or random.random() > _OWN_FEELING
    )
    request = as_score_request(
        ComposeRequest(
            mood=str(random.choice(words)),
            frames=CUE_S * _FRAMES_PER_S,
            rate=FrameRate(_FRAMES_PER_S),
            idiom=idiom.name,
            tempo_bpm=tempo,
            tonic=tonic,
            mode=mode,
            seed=number,
        )
    )
    return Ask(number, split, request)


def recast(cue: Cue, number: int, seed: int) -> tuple[Part, ...]:
    """The cue's parts, some of them given to other players of the same kind."""
    random = np.random.default_rng([seed, number, 1])
    parts = []
    for part in cue.parts:
        kin = next((group for group in _PLAYERS if part.instrument in group), ())
        player = part.instrument
        if kin and random.random() > _OWN_PLAYER:
            player = str(random.choice(kin))
        parts.append(
            Part(
                name=part.name,
                role=part.role,
                instrument=player,
                notes=part.notes,
                gain_db=part.gain_db,
                pan=part.pan,
                expression=part.expression,
            )
        )
    return tuple(parts)
