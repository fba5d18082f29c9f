"""What the captions plainly ask of the music: a tempo, a key, or a stem left out.

Only words a user or a model wrote count: captions made from signals repeat what the brief already
says with confidences. Words not understood are left alone. The vocabulary is small on purpose;
a larger one replaces this module's `read_wishes`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from musiscene_core.brief import Caption, Mode
from musiscene_core.cue import StemRole
from musiscene_core.keys import pitch_class
from musiscene_core.request import ScoreRequest

_TEMPO = re.compile(r"\b(\d{2,3})\s*bpm\b", re.IGNORECASE)
_KEY = re.compile(
    r"\b(?:in|key of)\s+([A-G])(?:\s*(b|#|♭|♯|-flat|-sharp| flat| sharp))?\s+(major|minor)\b"
)
_WITHOUT = re.compile(r"\b(?:no|without)\s+(drums|percussion|melody)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Wishes:
    """What the captions ask for; None and empty where they say nothing.

    Attributes:
        tempo_bpm: a tempo.
        tonic: a key's pitch class.
        mode: its mode.
        without: stems to keep as sparse as can be.
    """

    tempo_bpm: float | None = None
    tonic: int | None = None
    mode: Mode | None = None
    without: frozenset[StemRole] = frozenset()


def steering_caption(request: ScoreRequest) -> Caption:
    """The caption that the request's strategy puts in charge."""
    caption: Caption = getattr(request.brief.captions, request.caption_strategy)
    return caption


def read_wishes(request: ScoreRequest) -> Wishes:
    """The wishes in the steering caption."""
    caption = steering_caption(request)
    if caption.origin == "signals" and not caption.edited:
        return Wishes()
    tempo, key = _TEMPO.search(caption.text), _KEY.search(caption.text)
    bpm = float(tempo[1]) if tempo else None
    without = {word.lower() for word in _WITHOUT.findall(caption.text)}
    roles: set[StemRole] = set()
    if without & {"drums", "percussion"}:
        roles.add("percussion")
    if "melody" in without:
        roles.add("melody")
    return Wishes(
        tempo_bpm=bpm if bpm is not None and 40 <= bpm <= 220 else None,
        tonic=pitch_class(key[1], (key[2] or "").strip(" -")) if key else None,
        mode=("major" if key[3] == "major" else "minor") if key else None,
        without=frozenset(roles),
    )
