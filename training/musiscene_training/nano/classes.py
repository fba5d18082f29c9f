"""What the encoder learns to tell apart, and the truth about each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from musiscene_core.captioning.nano.tempi import TEMPI
from musiscene_training.nano.grammar.kinds import kind_of
from musiscene_training.nano.grammar.scenes import KINDS
from musiscene_training.nano.truth import DRUMS, ENERGIES, MODES, PALETTES, QUADRANTS, Traits

CLASSES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "tempo": TEMPI,
        "mode": MODES,
        "energy": ENERGIES,
        "drums": DRUMS,
        "palette": PALETTES,
        "quadrant": QUADRANTS,
        "kind": tuple(KINDS),
    }
)
"""Name to classes, one of which is true."""


def class_of(name: str, traits: Traits) -> str:
    """The truth of one of CLASSES."""
    return kind_of(traits) if name == "kind" else str(getattr(traits, name))
