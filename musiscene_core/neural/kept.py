"""Compiled functions that are kept on disk, for as long as the sources are what they were.

numba looks at the file of a function alone, whose machine code holds that of all it calls: after an
upgrade it would go on with what inner functions were before.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

_INNER = Path(__file__).parent
"""What functions elsewhere call."""
_made: list[Any] = []
"""All functions, each to be asked what it had to compile."""


def bound_to_sources(function: Any) -> Any:
    """`function` of numba's, kept for these sources: of its own folder, and of this one."""
    _made.append(function)
    kept = getattr(function._cache, "_cache_file", None)
    # Without a folder that can be written nothing is kept.
    if kept is not None:
        own = Path(function.py_func.__code__.co_filename).parent
        kept._source_stamp = kept._source_stamp, digest(_INNER), digest(own)
    return function


def compiled_anew() -> int:
    """How often this process has begun to compile because it found nothing kept."""
    return sum(sum(one.stats.cache_misses.values()) for one in _made)


@lru_cache(maxsize=64)
def digest(folder: Path) -> str:
    """SHA-256 of a folder's Python files and their names, as they are when first asked for."""
    known = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        content = path.read_bytes()
        known.update(f"{path.name} {len(content)}\n".encode())
        known.update(content)
    return known.hexdigest()
