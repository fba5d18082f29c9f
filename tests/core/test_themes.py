"""Theme books: what is written is read again, and nothing hostile gets in."""

import json

import pytest

from musiscene_core.codec import MAX_JSON_BYTES, to_json
from musiscene_core.errors import InputError, OutputError, RequestError
from musiscene_core.request import ScoreRequest
from musiscene_core.themes import (
    MAX_THEMES,
    Theme,
    ThemeBook,
    ThemeMotif,
    ThemeUse,
    add_themes,
    check_name,
    parse_use,
    read_book,
)
from tests.support.scenes import brief_of

HERO = Theme(name="hero", motif=ThemeMotif((4, 3, -2), (1.0, 0.5, 0.5, 2.0)), palette=("horn",))
RIVER = Theme(name="river", motif=ThemeMotif((-2, 5), (1.0, 1.0, 2.0)), mode="dorian", degree=7)
BOOK = ThemeBook(film="Ashes", seed=11, themes=(HERO,))


def test_a_book_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "ashes.json"
    assert add_themes(path, ThemeBook(film="Ashes", seed=11), (HERO, RIVER)).themes == (HERO, RIVER)
    book = read_book(path)
    assert (book.film, book.seed, book.themes) == ("Ashes", 11, (HERO, RIVER))
    assert book.theme(" HERO ") == HERO
    assert book.theme("villain") is None


def test_a_theme_already_there_is_never_changed(tmp_path):
    path = tmp_path / "ashes.json"
    add_themes(path, BOOK, (HERO,))
    before = path.read_bytes()
    other = Theme(name="Hero", motif=RIVER.motif)
    assert add_themes(path, ThemeBook(film="Other", seed=1), (other,)) == BOOK
    assert path.read_bytes() == before


def test_what_a_newer_writer_added_survives(tmp_path):
    path = tmp_path / "ashes.json"
    fields = json.loads(to_json(BOOK))
    fields["composer"] = {"name": "A. N. Other"}
    fields["themes"][0]["colour"] = "gold"
    path.write_text(json.dumps(fields))
    add_themes(path, BOOK, (RIVER,))
    now = json.loads(path.read_text())
    assert now["composer"] == {"name": "A. N. Other"}
    assert now["themes"][0]["colour"] == "gold"
    assert [theme["name"] for theme in now["themes"]] == ["hero", "river"]
    assert read_book(path).themes == (HERO, RIVER)


def test_a_file_that_is_no_book_is_left_alone(tmp_path):
    path = tmp_path / "holiday.json"
    path.write_text('{"photos": []}')
    with pytest.raises(InputError):
        add_themes(path, BOOK, (RIVER,))
    assert path.read_text() == '{"photos": []}'


def test_a_book_that_cannot_be_written_is_an_error_of_ours(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError):
        add_themes(tmp_path / "file" / "book.json", BOOK, (RIVER,))


def _with(**theme):
    fields = json.loads(to_json(BOOK))
    fields["themes"][0] |= theme
    return json.dumps(fields)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        '{"film": 3}',
        to_json(BOOK).decode()[:-40],
        "[" * 100_000,
        _with(name=""),
        _with(name="x" * 61),
        _with(name="a\u0000b"),
        _with(degree=12),
        _with(key=-1),
        _with(palette="horn"),
        _with(motif={"intervals": [], "rhythm": []}),
        _with(motif={"intervals": [1], "rhythm": [1, 1, 1]}),
        _with(motif={"intervals": [1, 1], "rhythm": [1, 1, 0]}),
        _with(motif={"intervals": [1, 1], "rhythm": [1, 1, 1e300]}),
        _with(motif={"intervals": [10**30, 1], "rhythm": [1, 1, 1]}),
        _with(motif={"intervals": [12, 12], "rhythm": [1, 1, 1]}),
        _with(motif={"intervals": [1] * 500, "rhythm": [1] * 501}),
        json.dumps(json.loads(to_json(BOOK)) | {"schema_version": 99}),
        json.dumps(json.loads(to_json(BOOK)) | {"seed": -1}),
        json.dumps({"film": "x", "themes": [json.loads(to_json(HERO)), json.loads(to_json(HERO))]}),
        json.dumps(
            {
                "film": "x",
                "themes": [
                    json.loads(to_json(HERO)) | {"name": f"t{n}"} for n in range(MAX_THEMES + 1)
                ],
            }
        ),
    ],
)
def test_a_broken_or_hostile_book_is_refused(tmp_path, text):
    path = tmp_path / "book.json"
    path.write_text(text)
    with pytest.raises(InputError):
        read_book(path)


def test_a_missing_or_huge_book_is_refused(tmp_path):
    with pytest.raises(InputError):
        read_book(tmp_path / "none.json")
    with open(tmp_path / "huge.json", "wb") as file:
        file.truncate(MAX_JSON_BYTES + 1)
    with pytest.raises(InputError, match="too large"):
        read_book(tmp_path / "huge.json")


def test_uses_in_words():
    assert parse_use("hero") == ThemeUse("hero", "state")
    assert parse_use(" river : hint ") == ThemeUse("river", "hint")
    with pytest.raises(RequestError, match="no way"):
        parse_use("hero:loudly")
    for name in ("", " ", "x" * 61, "a\nb"):
        with pytest.raises(RequestError):
            check_name(name)


def test_a_request_is_checked_against_its_book():
    brief = brief_of(10.0)
    assert ScoreRequest(brief=brief, themes=(ThemeUse("hero"),), theme_book=BOOK).themes
    with pytest.raises(RequestError, match="no theme 'river'"):
        ScoreRequest(brief=brief, themes=(ThemeUse("river"),), theme_book=BOOK)
    with pytest.raises(RequestError, match="no theme 'hero'"):
        ScoreRequest(brief=brief, themes=(ThemeUse("hero"),))
    with pytest.raises(RequestError, match="outside"):
        ScoreRequest(brief=brief, themes=(ThemeUse("hero", "state", 240),), theme_book=BOOK)
