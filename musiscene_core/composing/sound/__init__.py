"""From a cue to stems: synthesis, mix, master."""

from musiscene_core.composing.sound.instrument import Instrument
from musiscene_core.composing.sound.instruments import INSTRUMENTS
from musiscene_core.composing.sound.peaks import peaks
from musiscene_core.composing.sound.renderer import Rendered, render

__all__ = ["INSTRUMENTS", "Instrument", "Rendered", "peaks", "render"]
