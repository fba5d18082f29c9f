"""Copies that stand in for files which are not on this machine.

A job that came from another machine names its files by their paths there, and so does all that it
writes; what is opened is the copy. A process does one job at a time, so this holds for all of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

_copies: dict[str, str] = {}


def here(path: str | os.PathLike[str]) -> str:
    """Where to open the file, or folder, that is known as `path`."""
    known = os.fspath(path)
    return _copies.get(known, known)


@contextmanager
def standing_in(copies: Mapping[str, str]) -> Iterator[None]:
    """Have each path be opened where `copies` says, for the time being."""
    _copies.update(copies)
    try:
        yield
    finally:
        for known in copies:
            _copies.pop(known, None)
