"""Which notes go into which stem: by role, or finer, one stem an instrument or a part."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from musiscene_core.cue import STEM_ROLES, Cue, Part, StemRole

_CALLED = MappingProxyType(
    {
        "brass_ensemble": "Brass",
        "cinematic_kit": "Percussion",
        "contrabass": "Double bass",
        "soft_choir": "Choir",
        "soft_kit": "Soft percussion",
        "string_ensemble": "Strings",
    }
)
"""What musicians call an instrument whose own name they would not use."""


@dataclass(frozen=True)
class Track:
    """What becomes one stem.

    Attributes:
        name: unique within a cue; the stem's name.
        role: whose channel strip it runs through.
        parts: what is played on it.
        title: the instrument it carries, as a musician calls it; empty where it carries several.
    """

    name: str
    role: StemRole
    parts: tuple[Part, ...]
    title: str = ""

    @property
    def notes(self) -> int:
        """How many notes it has."""
        return sum(len(part.notes) for part in self.parts)


def tracks_by_role(cue: Cue) -> tuple[Track, ...]:
    """One track for every role, empty ones too, in the order of STEM_ROLES."""
    return tuple(
        Track(role, role, tuple(part for part in cue.parts if part.role == role))
        for role in STEM_ROLES
    )


def tracks_by_instrument(cue: Cue) -> tuple[Track, ...]:
    """One track for all that one instrument plays in one role, role by role."""
    found: dict[tuple[StemRole, str], list[Part]] = {}
    for part in sorted(cue.parts, key=lambda part: STEM_ROLES.index(part.role)):
        found.setdefault((part.role, part.instrument), []).append(part)
    return tuple(
        Track(
            f"{role}-{instrument.replace('_', '-')}",
            role,
            tuple(parts),
            _CALLED.get(instrument, instrument.replace("_", " ").capitalize()),
        )
        for (role, instrument), parts in found.items()
    )


def tracks_by_part(cue: Cue) -> tuple[Track, ...]:
    """One track for every part, in the cue's order; parts of one name are numbered."""
    names: list[str] = []
    for part in cue.parts:
        same = sum(name == part.name or name.startswith(f"{part.name} ") for name in names)
        names.append(f"{part.name} {same + 1}" if same else part.name)
    return tuple(
        Track(name, part.role, (part,)) for name, part in zip(names, cue.parts, strict=True)
    )
