"""Which side of the split each source is on: about a fifth of the rows is held back.

A source, whatever was cut from it, is on one side alone. Sources that have a side keep it, so that
a build that grows moves nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from musiscene_training.dataset import VALIDATION_SHARE, Split


def sides(rows: Mapping[str, int], known: Mapping[str, Split]) -> dict[str, Split]:
    """A side for every source.

    Args:
        rows: how many each source has.
        known: sides that sources have already.

    Returns:
        The sides of all in `rows`. With two sources or more there is one on each side.
    """
    found: dict[str, Split] = {source: known[source] for source in rows if source in known}
    wanted = VALIDATION_SHARE * sum(rows.values())
    held = sum(rows[source] for source, side in found.items() if side == "validation")
    for source in sorted((one for one in rows if one not in found), key=_drawn):
        # Nearer to the share with it than without it.
        takes = held + rows[source] / 2 <= wanted
        found[source] = "validation" if takes else "train"
        held += rows[source] if takes else 0
    if len(found) > 1 and len(set(found.values())) == 1 and not known:
        smallest = min(found, key=lambda source: (rows[source], _drawn(source)))
        other: Split = "train" if found[smallest] == "validation" else "validation"
        found[smallest] = other
    return found


def _drawn(source: str) -> bytes:
    return hashlib.sha256(source.encode()).digest()
