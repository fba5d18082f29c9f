"""ThemeBook: a film's themes, kept beside its project, and how a cue shall use them.

The book travels inside a request, so that the same request always gives the same music. Files are
read without trust; what a newer writer added to a book survives our additions to it. Knows nothing
of how a theme is invented or played.
"""

from __future__ import annotations

import json
import math
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal

import msgspec

from musiscene_core.codec import read_json, to_json, write_atomically
from musiscene_core.errors import RequestError

ThemeHow = Literal["state", "vary", "hint"]
SCHEMA_VERSION = 1
MAX_THEMES = 64
MAX_NAME = 60
MAX_SPAN = 12
"""Semitones from a motif's lowest note to its highest."""
_MOST_NOTES = 8
_SHORTEST_BEATS, _LONGEST_BEATS = 0.125, 8.0


class ThemeMotif(msgspec.Struct, frozen=True):
    """The notes by which a theme is known.

    Attributes:
        intervals: semitones from each note to the next, one fewer than there are notes.
        rhythm: each note's length in beats, 3 to 8 notes.
    """

    intervals: tuple[int, ...]
    rhythm: tuple[float, ...]

    def __post_init__(self) -> None:
        if not 3 <= len(self.rhythm) <= _MOST_NOTES:
            raise ValueError(f"a motif has 3 to {_MOST_NOTES} notes")
        if len(self.intervals) != len(self.rhythm) - 1:
            raise ValueError("a motif has one interval fewer than notes")
        if not all(_SHORTEST_BEATS <= beats <= _LONGEST_BEATS for beats in self.rhythm):
            raise ValueError("a motif's notes last an eighth of a beat to eight beats")
        # Each by itself first: sums of hostile numbers could be endless.
        if any(abs(step) > MAX_SPAN for step in self.intervals):
            raise ValueError(f"a motif leaps {MAX_SPAN} semitones at most")
        if max(self.offsets) - min(self.offsets) > MAX_SPAN:
            raise ValueError(f"a motif spans {MAX_SPAN} semitones at most")

    @property
    def offsets(self) -> tuple[int, ...]:
        """Semitones of each note from the first."""
        return tuple(accumulate(self.intervals, initial=0))

    @property
    def beats(self) -> float:
        """How long it is, in beats."""
        return math.fsum(self.rhythm)


class Theme(msgspec.Struct, frozen=True, kw_only=True):
    """One theme of a film.

    Attributes:
        name: what it stands for: "hero", "river".
        motif: its notes.
        degree: semitones from its tonic up to its first note, 0 to 11.
        mode: name of the scale it moves in, for example "dorian".
        key: semitones from a cue's tonic up to the theme's, where it shall stand elsewhere.
        palette: instruments it sounds on, the favourite first; those unknown are passed over.
        character: what it feels like, in words.
    """

    name: str
    motif: ThemeMotif
    degree: int = 0
    mode: str = "ionian"
    key: int = 0
    palette: tuple[str, ...] = ()
    character: str = ""

    def __post_init__(self) -> None:
        if not _named(self.name):
            raise ValueError(f"a theme's name has 1 to {MAX_NAME} characters")
        if not 0 <= self.degree <= 11 or not 0 <= self.key <= 11:
            raise ValueError("a theme's degree and key lie from 0 to 11")


class ThemeBook(msgspec.Struct, frozen=True, kw_only=True):
    """The themes of one film.

    Attributes:
        film: what the film is called.
        seed: by which new themes of this film are invented.
        themes: in the order they were made, no two of a name.
        schema_version: of this struct.
    """

    film: str
    seed: int = 0
    themes: tuple[Theme, ...] = ()
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        if len(self.themes) > MAX_THEMES:
            raise ValueError(f"a book holds {MAX_THEMES} themes at most")
        if len({_key(theme.name) for theme in self.themes}) != len(self.themes):
            raise ValueError("a book holds no two themes of one name")
        if not 0 <= self.seed < 2**63:
            raise ValueError("the seed must be a whole number from 0 up")
        if not 1 <= self.schema_version <= SCHEMA_VERSION:
            raise ValueError(
                f"the book is of version {self.schema_version}, newer than this MusiScene reads"
            )

    def theme(self, name: str) -> Theme | None:
        """The theme called `name`, whatever its capitals; None where there is none."""
        return next((theme for theme in self.themes if _key(theme.name) == _key(name)), None)


class ThemeUse(msgspec.Struct, frozen=True):
    """How a cue shall use a theme.

    Attributes:
        name: which theme.
        how: state it whole, vary it, or hint at it.
        at: cue frame where; None for the hit of the theme's name, or the next key moment.
    """

    name: str
    how: ThemeHow = "state"
    at: int | None = None


def parse_use(text: str) -> ThemeUse:
    """Read "hero", "hero:vary" or "hero:hint".

    Raises:
        RequestError: no name, or another way.
    """
    name, _, how = text.partition(":")
    try:
        return msgspec.convert({"name": name.strip(), "how": how.strip() or "state"}, ThemeUse)
    except msgspec.ValidationError as error:
        raise RequestError(
            f"{text!r} says no way to use a theme.",
            hint="Write the theme's name, or name:state, name:vary or name:hint.",
        ) from error


def check_name(name: str) -> None:
    """Check that a theme can be called `name`.

    Raises:
        RequestError: it is empty, too long, or cannot be printed.
    """
    if not _named(name):
        raise RequestError(f"A theme's name has 1 to {MAX_NAME} characters.")


def check_uses(uses: tuple[ThemeUse, ...], book: ThemeBook | None, length_frames: int) -> None:
    """Check that a cue of this length can use `uses` of `book`.

    Raises:
        RequestError: a theme that is not in the book, a place outside the cue, or too many.
    """
    if len(uses) > MAX_THEMES:
        raise RequestError(f"A cue uses {MAX_THEMES} themes at most.")
    for use in uses:
        if book is None or book.theme(use.name) is None:
            raise RequestError(
                f"The theme book has no theme {use.name[:MAX_NAME]!r}.",
                hint="`musiscene themes BOOK.json` lists those it has.",
            )
        if use.at is not None and not 0 <= use.at < length_frames:
            raise RequestError(f"The theme {use.name!r} is placed outside the range.")


def read_book(path: Path) -> ThemeBook:
    """The book in a JSON file.

    Raises:
        InputError: missing, too large, not JSON, not a ThemeBook, or of a newer version.
    """
    return read_json(path, ThemeBook)


def add_themes(path: Path, book: ThemeBook, themes: tuple[Theme, ...]) -> ThemeBook:
    """Put `themes` into the book at `path`, made like `book` where absent; the book as it is then.

    A theme already there stays as it is, and so does every field of the file that this version
    does not know.

    Raises:
        InputError: what lies at `path` is no ThemeBook; it is left alone.
        OutputError: it cannot be written.
    """
    fields: dict[str, Any] = {}
    if path.exists():
        book = read_book(path)
        fields = json.loads(path.read_bytes())
    missing = [theme for theme in themes if book.theme(theme.name) is None]
    whole = msgspec.structs.replace(book, themes=(*book.themes, *missing))
    if not missing and fields:
        return whole
    added = [msgspec.to_builtins(theme) for theme in missing]
    fields = msgspec.to_builtins(book) | fields
    fields["themes"] = [*fields["themes"], *added]
    write_atomically(path, to_json(fields))
    return whole


def _named(name: str) -> bool:
    return bool(name.strip()) and len(name) <= MAX_NAME and name.isprintable()


def _key(name: str) -> str:
    return name.strip().casefold()
