"""The idioms a cue can be written in."""

from __future__ import annotations

from musiscene_core.composing.idioms.bright import BRIGHT
from musiscene_core.composing.idioms.dark import DARK
from musiscene_core.composing.idioms.quiet import QUIET
from musiscene_core.composing.idioms.style import (
    BassStyle,
    DrumStyle,
    FigureStyle,
    Idiom,
    Lane,
    MelodyStyle,
    Pattern,
    TextureStyle,
)

__all__ = [
    "IDIOMS",
    "BassStyle",
    "DrumStyle",
    "FigureStyle",
    "Idiom",
    "Lane",
    "MelodyStyle",
    "Pattern",
    "TextureStyle",
    "idiom_named",
]

IDIOMS: tuple[Idiom, ...] = (*DARK, *BRIGHT, *QUIET)
"""Every idiom; a name is unique."""


def idiom_named(name: str) -> Idiom:
    """The idiom called `name`; KeyError where there is none."""
    for idiom in IDIOMS:
        if idiom.name == name:
            return idiom
    raise KeyError(name)
