"""`musiscene themes`: what a film's theme book holds; and the themes that `score` asks for."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.table import Table

from musiscene_core.codec import to_json
from musiscene_core.errors import RequestError
from musiscene_core.themes import (
    ThemeBook,
    read_book,
)
from musiscene_plugins.cli.terminal import result_console
from musiscene_plugins.themes import ThemeWish, theme_uses


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
