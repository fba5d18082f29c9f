"""What a film is known by: whatever is kept of it is kept under that name."""

from __future__ import annotations

import hashlib
import os

from musiscene_core.media.stand_ins import here

_ENDS = 64 << 10
"""Bytes at either end of a film by which it is known, with its size and time of change."""


def film_digest(path: str) -> str:
    """What a film is known by; empty where it cannot be read.

    Its size, its time of change and its ends: hours of film cannot be read for it.
    """
    try:
        with open(here(path), "rb") as file:
            status = os.fstat(file.fileno())
            known = hashlib.sha256(f"{status.st_size} {status.st_mtime_ns} ".encode())
            known.update(file.read(_ENDS))
            file.seek(max(0, status.st_size - _ENDS))
            known.update(file.read(_ENDS))
    except OSError:
        return ""
    return known.hexdigest()
