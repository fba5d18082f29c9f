"""Tag: what we write on a clip or marker of ours, so that we know it again in any format.

On clips it is JSON in whatever field the format has for programs; on markers a line in the note
that people read too ("MusiScene / 1m1 / take-1 / digest").
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

TRACK_PREFIX = "MusiScene"
"""How the names of our tracks begin."""
_LONGEST = 4096
_WHOLE = ("start", "length")


@dataclass(frozen=True)
class Tag:
    """Which take of ours something belongs to.

    Attributes:
        cue: the cue's name.
        take: the take's name.
        role: which stem, "mix", or "hit" for a marker.
        engine: who made the music.
        seed: with which seed, as text: a JSON reader may keep numbers as doubles.
        request_digest: of the request that was scored.
        start: record frame on which it was placed; None where unknown.
        length: frames for which it was made; None where unknown.
    """

    cue: str = ""
    take: str = ""
    role: str = ""
    engine: str = ""
    seed: str = ""
    request_digest: str = ""
    start: int | None = None
    length: int | None = None

    @classmethod
    def from_mapping(cls, notes: Any) -> Tag | None:
        """The tag in a mapping from outside; None where it is no tag of ours."""
        if not hasattr(notes, "keys") or not len(notes) or "take" not in notes:
            return None
        found: dict[str, Any] = {}
        for name in _NAMES:
            value = notes.get(name)
            if name in _WHOLE:
                found[name] = value if type(value) is int and 0 <= value < 2**40 else None
            else:
                found[name] = value[:_LONGEST] if isinstance(value, str) else ""
        return cls(**found)

    @classmethod
    def from_json(cls, text: str | None) -> Tag | None:
        """The tag in a field of a file; None where it is no tag of ours."""
        if not text or len(text) > _LONGEST or not text.lstrip().startswith("{"):
            return None
        try:
            return cls.from_mapping(json.loads(text))
        except (ValueError, RecursionError):
            return None

    @classmethod
    def from_line(cls, text: str | None) -> Tag | None:
        """The tag in a marker's note; None where it is no tag of ours."""
        parts = (text or "").strip().split(" / ")
        if len(parts) != 4 or parts[0] != TRACK_PREFIX:
            return None
        return cls(cue=parts[1], take=parts[2], role="hit", request_digest=parts[3].strip("-"))

    def to_mapping(self) -> dict[str, Any]:
        """The tag without what it leaves open."""
        return {key: value for key, value in asdict(self).items() if value is not None}

    def to_json(self) -> str:
        """The tag on one line."""
        return json.dumps(self.to_mapping(), separators=(",", ":"))

    def to_line(self) -> str:
        """The tag as a marker's note."""
        return " / ".join((TRACK_PREFIX, self.cue, self.take, self.request_digest or "-"))

    @property
    def of_take(self) -> tuple[str, str, str]:
        """Which take it is of: its clips and its markers agree in this."""
        return self.cue, self.take, self.request_digest


_NAMES = tuple(field.name for field in fields(Tag))


@dataclass(frozen=True)
class Removal:
    """What is taken off a timeline: tags with the frame they lie on, from its beginning."""

    clips: frozenset[tuple[Tag, int]] = frozenset()
    markers: frozenset[tuple[tuple[str, str, str], int]] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.clips)
