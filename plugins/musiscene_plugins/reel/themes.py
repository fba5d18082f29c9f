"""Which themes each cue of a reel uses, all out of one book.

Where nobody names a theme the reel gets one, "main": stated in its first and last cue, varied
between. A cue's request carries only the themes it uses, so that a theme added for another cue
later does not make it another request.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from musiscene_core.request import ScoreRequest
from musiscene_core.themes import ThemeBook, ThemeUse, read_book
from musiscene_plugins.reel.cues import ReelCue
from musiscene_plugins.themes import ThemeWish

MAIN = "main"


class ReelThemes:
    """The book, and who uses what of it."""

    def __init__(
        self, path: Path, film: str, cues: tuple[ReelCue, ...], uses: tuple[ThemeUse, ...] | None
    ) -> None:
        """Read the book at `path`, or begin one.

        Args:
            path: the book; it need not exist yet.
            film: what a new book calls the film, which decides how its themes turn out.
            cues: all cues, in order of time.
            uses: what every cue uses that does not say otherwise; None leaves that to us.

        Raises:
            InputError: the book is no ThemeBook.
        """
        self.path = path
        self.book = read_book(path) if path.exists() else _new_book(film)
        self._own = {cue.name: cue.note.themes for cue in cues}
        silent = uses is None and all(cue.note.themes is None for cue in cues)
        self._shared = uses or ()
        self._main = [cue.name for cue in cues] if silent else []

    def uses(self, name: str) -> tuple[ThemeUse, ...]:
        """What the cue called `name` uses."""
        own = self._own.get(name)
        if own is not None:
            return own
        if not self._main:
            return self._shared
        return (ThemeUse(MAIN, "state" if name in (self._main[0], self._main[-1]) else "vary"),)

    def into(self, request: ScoreRequest, name: str) -> ScoreRequest:
        """`request`, whose brief is known by now, with the themes of the cue called `name`.

        Raises:
            InputError: the book is no ThemeBook any more.
            OutputError: it cannot be written.
        """
        uses = self.uses(name)
        if not uses:
            return request
        whole = ThemeWish(self.path, self.book, uses).into(request)
        if whole.theme_book is not None:
            self.book = whole.theme_book
        wanted = {use.name.casefold() for use in uses}
        used = tuple(theme for theme in self.book.themes if theme.name.casefold() in wanted)
        book = ThemeBook(film=self.book.film, seed=self.book.seed, themes=used)
        return msgspec.structs.replace(request, themes=uses, theme_book=book)


def _new_book(film: str) -> ThemeBook:
    from musiscene_core.composing.theme_making import film_seed

    return ThemeBook(film=film, seed=film_seed(film))
