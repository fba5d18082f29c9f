"""Stands in for torchaudio: spectrograms, and an error that says so for all else."""

from __future__ import annotations

from . import functional, transforms
from .lacking import Lacking

__all__ = ["functional", "load", "save", "transforms"]

load = Lacking("load")
save = Lacking("save")
