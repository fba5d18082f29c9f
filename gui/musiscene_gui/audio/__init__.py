"""Listening: takes mixed from their stems and played; no Qt."""

from musiscene_gui.audio.decks import Deck, Track
from musiscene_gui.audio.mixer import NOTHING, Mixer
from musiscene_gui.audio.player import Player
from musiscene_gui.audio.sources import HeldSound, Source, StemFile

__all__ = ["NOTHING", "Deck", "HeldSound", "Mixer", "Player", "Source", "StemFile", "Track"]
