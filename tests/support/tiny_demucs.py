"""A Hybrid Transformer Demucs of the real architecture, small and with random weights.

Imports torch and demucs: tests skip before they import this.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import torch
from demucs.htdemucs import HTDemucs

SOURCES = ("drums", "bass", "other", "vocals")
SETTINGS = {
    "sources": list(SOURCES),
    "channels": 8,
    "depth": 4,
    "t_layers": 1,
    "t_heads": 2,
    "bottom_channels": 0,
    "nfft": 1024,
    "segment": Fraction(1, 1),
}


def tiny_demucs(path: Path, sources: Sequence[str] = SOURCES) -> Path:
    """Write it as demucs publishes its models."""
    torch.manual_seed(0)
    settings = {**SETTINGS, "sources": list(sources)}
    model = HTDemucs(**settings)
    state = {name: value.half() for name, value in model.state_dict().items()}
    package = {"klass": HTDemucs, "args": (), "kwargs": settings, "state": state}
    torch.save({**package, "training_args": {"epochs": 1}}, path)
    return path
