"""From a cue to stems: synthesis, mix, master."""

from musiscene_core.composing.sound.instrument import Instrument
from musiscene_core.composing.sound.instruments import INSTRUMENTS
from musiscene_core.composing.sound.master import MIX, PIECE, Levels
from musiscene_core.composing.sound.renderer import Rendered, render, render_into
from musiscene_core.composing.sound.tracks import (
    Track,
    tracks_by_instrument,
    tracks_by_part,
    tracks_by_role,
)

__all__ = [
    "INSTRUMENTS",
    "MIX",
    "PIECE",
    "Instrument",
    "Levels",
    "Rendered",
    "Track",
    "render",
    "render_into",
    "tracks_by_instrument",
    "tracks_by_part",
    "tracks_by_role",
]
