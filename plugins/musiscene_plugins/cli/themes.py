"""`musiscene themes`: what a film's theme book holds; and the themes that `score` asks for."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from rich.table import Table

from musiscene_core.codec import to_json
from musiscene_core.errors import RequestError
from musiscene_core.request import ScoreRequest
from musiscene_core.themes import (
    MAX_THEMES,
    ThemeBook,
    ThemeUse,
    add_themes,
    check_name,
    parse_use,
    read_book,
)
from musiscene_plugins.cli.terminal import result_console


def run(arguments: argparse.Namespace) -> int:
    """List the book that the arguments name; returns the exit code."""
    book = read_book(Path(arguments.book).expanduser())
    if arguments.json:
        sys.stdout.write(to_json(book).decode())
        return 0
    console = result_console()
    console.print(f"{book.film}: {len(book.themes)} themes", markup=False)
    table = Table("Theme", "Scale", "Intervals", "Beats", "Character", "Sounds", box=None)
    for theme in book.themes:
        table.add_row(
            theme.name,
            theme.mode.replace("_", " "),
            " ".join(f"{step:+d}" for step in theme.motif.intervals),
            " ".join(f"{beats:g}" for beats in theme.motif.rhythm),
            theme.character,
            ", ".join(name.replace("_", " ") for name in theme.palette),
        )
    console.print(table)
    return 0


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


def theme_wish(arguments: argparse.Namespace) -> ThemeWish | None:
    """What --themes and --theme ask for; None where there are neither.

    Raises:
        RequestError: one without the other, too many, or no way to use a theme.
        InputError: the book is no ThemeBook.
    """
    if not arguments.themes and not arguments.theme:
        return None
    if not arguments.themes or not arguments.theme:
        raise RequestError(
            "A theme needs its book, and a book a theme to use.",
            hint="Give both, for example --themes film.json --theme hero.",
        )
    uses = theme_uses(arguments.theme)
    path = Path(arguments.themes).expanduser()
    if path.exists():
        return ThemeWish(path, read_book(path), uses)
    from musiscene_core.composing.theme_making import film_seed

    film = path.stem
    return ThemeWish(path, ThemeBook(film=film, seed=film_seed(film)), uses)


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
