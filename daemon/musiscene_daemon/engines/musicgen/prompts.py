"""What the model is told, from the caption that steers the request and the cue's plan."""

from __future__ import annotations

import re
from collections.abc import Sequence

from musiscene_core.cue import Cue, Section, StemRole
from musiscene_core.keys import key_name
from musiscene_core.request import ScoreRequest
from musiscene_core.temp_tempo import wished

_TEMPO = re.compile(r"\b\d{2,3}(?:\.\d+)? ?(?:bpm|beats (?:per|a) minute)\b", re.IGNORECASE)
_MOODS = {
    "intro": "quiet opening",
    "theme": "main theme",
    "build": "building up",
    "strip-down": "sparse",
    "climax": "climax, full and powerful",
    "breakdown": "calming down",
    "button": "final chord, ending",
}

_ALONE: dict[StemRole, str] = {
    "harmony": "Accompanying chords only, no drums, no bass, no melody",
    "bass": "Bass line only, solo",
    "melody": "Solo melody, unaccompanied",
    "percussion": "Percussion only, no pitched instruments",
    "texture": "Quiet background texture only, no beat, no melody",
}


def caption_of(request: ScoreRequest) -> str:
    """The caption that steers, in one line; plain words where the user left it empty."""
    text = " ".join(getattr(request.brief.captions, request.caption_strategy).text.split())
    return wished(text) or "instrumental film score"


def prompt_of(
    request: ScoreRequest,
    plan: Cue,
    sections: Sequence[Section] = (),
    stem: StemRole | None = None,
) -> str:
    """A prompt: the caption, then the sections' places in the form, key and tempo in words.

    Of music for one stem, that stem and the plan's instruments in it come before.
    """
    bpm = plan.tempo.bpm_at(sections[0].start if sections else 0.0)
    words = [_MOODS[one.name] for one in sections if one.name in _MOODS]
    form = ", then ".join(dict.fromkeys(words))
    further = ([form] if form else []) + [f"{key_name(plan.tonic, plan.mode)}, {bpm:.0f} bpm"]
    alone = ""
    if stem is not None:
        played = dict.fromkeys(part.name for part in plan.parts if part.role == stem)
        alone = f"{_ALONE[stem]}: {', '.join(played) or stem}. "
    # A caption may tell the temp track's tempo, and two tempi in a prompt are neither.
    caption = _TEMPO.sub(f"{bpm:.0f} BPM", caption_of(request)).rstrip(".")
    return f"{alone}{caption}. {', '.join(further)}"
