"""Which role a track plays, by its name or by the user's word.

Editors name tracks freely; the table below holds the words they use. What no word decides stays
`mixed`: listened to for dialogue and for music.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, get_args

from musiscene_core.errors import RequestError
from musiscene_core.timeline import Role
from musiscene_plugins.host import TrackDescription, TrackKind

_WORDS: Final[Mapping[Role, str]] = {
    "score": "musiscene score",
    "dialogue": "dialog dialogs dialogue dialogues dia dlg dx vo voice voices voiceover speech adr"
    " lines narration narrator interview",
    "temp_track": "temp tmp temptrack music musik musique mx song",
    "effects": "fx sfx effect effects ambience ambiences amb atmo atmos foley bg bgs background"
    " roomtone",
}
"""Words that decide a sound track's role, compared in lower case."""

_ALIASES: Final[Mapping[str, Role]] = {
    "temp": "temp_track",
    "temp-track": "temp_track",
    "music": "temp_track",
    "dialog": "dialogue",
    "fx": "effects",
    "ignore": "score",
}
_PARTS = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def role_of_track(name: str, kind: TrackKind) -> Role:
    """The role that a track called `name` plays.

    "DX 1", "Dialogue_A" and "TempMusic" are recognised; the first word of the table that occurs
    decides, in the table's order.
    """
    if kind == "video":
        return "picture"
    parts = _PARTS.findall(f"{name} {_CAMEL.sub(' ', name)}")
    words = {part.lower().rstrip("0123456789") for part in parts}
    for role, known in _WORDS.items():
        if words & set(known.split()):
            return role
    return "mixed"


def parse_overrides(texts: Iterable[str]) -> dict[str, Role]:
    """Read "A2=temp_track" or "Boom mic=dialogue" into {track in lower case: role}.

    Raises:
        RequestError: no "=", or no such role.
    """
    roles = {role: role for role in get_args(Role)} | dict(_ALIASES)
    overrides: dict[str, Role] = {}
    for text in texts:
        track, sign, word = text.rpartition("=")
        role = roles.get(word.strip().lower())
        if not sign or not track.strip() or role is None:
            raise RequestError(
                f"{text!r} does not name a track's role.",
                hint=f"Write TRACK=ROLE, for example A2=temp_track; roles are {', '.join(roles)}.",
            )
        overrides[track.strip().lower()] = role
    return overrides


def overridden(overrides: Mapping[str, Role], *, name: str, label: str, default: Role) -> Role:
    """The role the user gave the track called `name` or labelled `label`, else `default`."""
    return overrides.get(label.lower(), overrides.get(name.strip().lower(), default))


def unmatched(overrides: Iterable[str], tracks: Sequence[TrackDescription]) -> list[str]:
    """A warning for every track the user gave a role, by name or label, that is not among `tracks`.

    A warning and no refusal: one set of roles may be meant for many timelines.
    """
    there = {word for track in tracks for word in (track.label.lower(), track.name.strip().lower())}
    shown = ", ".join(
        f"{track.label} ({track.name})" if track.name not in ("", track.label) else track.label
        for track in tracks
    )
    return [
        f"There is no track {name!r} to give a role; read were {shown or 'none'}."
        for name in overrides
        if name not in there
    ]
