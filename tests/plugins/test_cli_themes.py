"""`musiscene score --themes` and `musiscene themes`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from musiscene_core.errors import InputError, RequestError
from musiscene_core.request import ScoreRequest
from musiscene_core.themes import ThemeBook, ThemeUse, read_book
from musiscene_plugins.cli.main import main
from musiscene_plugins.cli.parser import build_parser
from musiscene_plugins.cli.themes import theme_wish
from tests.support.composed import mood_brief


def asked(*arguments: str) -> object:
    return theme_wish(build_parser().parse_args(["score", "film.mp4", *arguments]))


def request_for(mood: str) -> ScoreRequest:
    return ScoreRequest(brief=mood_brief(mood, 20.0))


def test_a_book_is_made_where_there_is_none_and_used_where_there_is(tmp_path: Path) -> None:
    path = tmp_path / "ashes.json"
    first = asked("--themes", str(path), "--theme", "hero", "--theme", "river:hint")
    scored = first.into(request_for("triumphant"))
    assert scored.themes == (ThemeUse("hero"), ThemeUse("river", "hint"))
    book = read_book(path)
    assert scored.theme_book == book
    assert (book.film, [theme.name for theme in book.themes]) == ("ashes", ["hero", "river"])
    written = path.read_bytes()
    again = asked("--themes", str(path), "--theme", "HERO:vary").into(request_for("sad"))
    assert path.read_bytes() == written
    assert again.theme_book == book
    assert asked("--themes", str(path), "--theme", "villain").into(request_for("scary"))
    assert [theme.name for theme in read_book(path).themes] == ["hero", "river", "villain"]
    assert read_book(path).themes[:2] == book.themes


def test_another_film_has_another_hero(tmp_path: Path) -> None:
    motifs = set()
    for film in ("ashes", "embers", "smoke"):
        wish = asked("--themes", str(tmp_path / f"{film}.json"), "--theme", "hero")
        book = wish.into(request_for("triumphant")).theme_book
        assert isinstance(book, ThemeBook)
        motifs.add(book.themes[0].motif)
    assert len(motifs) == 3


def test_half_a_wish_is_refused_before_any_work(tmp_path: Path) -> None:
    assert asked() is None
    path = tmp_path / "book.json"
    for half in (("--theme", "hero"), ("--themes", str(path))):
        with pytest.raises(RequestError, match="needs its book"):
            asked(*half)
    with pytest.raises(RequestError, match="no way"):
        asked("--themes", str(path), "--theme", "hero:loudly")
    path.write_text("not a book")
    with pytest.raises(InputError):
        asked("--themes", str(path), "--theme", "hero")
    assert path.read_text() == "not a book"


def test_the_themes_of_a_film_are_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "ashes.json"
    asked("--themes", str(path), "--theme", "hero").into(request_for("triumphant"))
    assert main(["themes", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "ashes: 1 themes" in shown or "ashes: 1 theme" in shown
    assert "hero" in shown
    assert main(["themes", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["themes"][0]["name"] == "hero"
    assert main(["themes", str(tmp_path / "none.json")]) == 2
    assert "cannot be read" in capsys.readouterr().err
