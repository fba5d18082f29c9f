"""The themes that a score shall use, out of a film's theme book."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from musiscene_core.errors import RequestError
from musiscene_core.request import ScoreRequest
from musiscene_core.themes import (
    MAX_THEMES,
    ThemeBook,
    ThemeUse,
    add_themes,
    check_name,
    parse_use,
)


@dataclass(frozen=True)
class ThemeWish:
    """The themes that a score shall use, of the book at `path`.

    Attributes:
        path: the book; it need not exist yet.
        book: what it holds now, or an empty one for the film.
        uses: the themes wanted; those the book lacks are invented.
    """

    path: Path
    book: ThemeBook
    uses: tuple[ThemeUse, ...]

    def into(self, request: ScoreRequest) -> ScoreRequest:
        """`request`, whose brief is known by now, with the themes and the book they are in.

        Themes that the book lacks are invented from the scene's mood and written into it.

        Raises:
            InputError: the book is no ThemeBook any more.
            OutputError: it cannot be written.
        """
        from musiscene_core.composing.theme_making import make_theme, mood_of

        mood = mood_of(request.brief)
        absent = [use.name for use in self.uses if self.book.theme(use.name) is None]
        new = tuple(make_theme(name, mood, self.book.seed) for name in dict.fromkeys(absent))
        book = add_themes(self.path, self.book, new) if new else self.book
        return msgspec.structs.replace(request, themes=self.uses, theme_book=book)


def theme_uses(texts: Sequence[str]) -> tuple[ThemeUse, ...]:
    """The themes that "hero" and "river:hint" name.

    Raises:
        RequestError: too many, no name, or no way to use a theme.
    """
    if len(texts) > MAX_THEMES:
        raise RequestError(f"A cue uses {MAX_THEMES} themes at most.")
    uses = tuple(parse_use(text) for text in texts)
    for use in uses:
        check_name(use.name)
    return uses
