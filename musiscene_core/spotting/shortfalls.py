"""What is missing at the end of sound files, kept by content: hours of film open slowly."""

from __future__ import annotations

from fractions import Fraction

import msgspec

from musiscene_core.media import Shortfall, cut_short
from musiscene_core.paths import cache_folder
from musiscene_core.spotting.kept_files import Drawer


class _Lengths(msgspec.Struct, frozen=True):
    """Seconds found and promised, as numerator and denominator; both absent where all is there."""

    found: tuple[int, int] | None = None
    promised: tuple[int, int] | None = None


def shortfall_of(path: str, stream: int, film: str) -> Shortfall | None:
    """As media.cut_short; `film` is what the file is known by, empty where it cannot be read."""
    if not film:
        return None
    drawer = Drawer(cache_folder() / "files")
    known_by = f"{film} {stream} cut short 1"
    known = drawer.get(known_by, _Lengths)
    if known is None:
        found = cut_short(path, stream)
        known = _Lengths()
        if found is not None:
            known = _Lengths(*(one.as_integer_ratio() for one in (found.found_s, found.promised_s)))
        drawer.put(known_by, known)
        drawer.prune()
    if known.found is None or known.promised is None:
        return None
    return Shortfall(Fraction(*known.found), Fraction(*known.promised))
