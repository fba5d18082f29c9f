"""The lead sheet is engraved from the MusicXML file alone."""

from __future__ import annotations

import io
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from musiscene_core.composing.notation.lead_sheet import PNG_WIDTH, as_png, lead_sheet_pages
from musiscene_core.composing.notation.musicxml import musicxml_file
from musiscene_core.errors import MediaError
from tests.support.composed import composed

_SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def score() -> bytes:
    return musicxml_file(composed("sad", 2, 40.0), "The <River> & more")


def words(page: str) -> list[str]:
    texts = ElementTree.fromstring(page).iter(f"{_SVG}text")
    return ["".join(text.itertext()).strip() for text in texts]


def test_it_shows_title_chords_sections_and_hits_and_no_other_part(score: bytes) -> None:
    (page,) = lead_sheet_pages(score)
    shown = words(page)
    assert "The <River> & more" in shown
    assert {"Intro", "Climax", "Button"} <= set(shown)
    assert sum(text.startswith("Hit: ") for text in shown) >= 2
    assert any("\u266f" in text or "\u266d" in text or text.endswith("m") for text in shown)
    # One staff a system, and nothing of a font that only its engraver has.
    root = ElementTree.fromstring(page)
    classes = [group.get("class") for group in root.iter(f"{_SVG}g")]
    assert classes.count("staff") == classes.count("measure") > 8
    assert not [letter for letter in page if "\ue000" <= letter <= "\uf8ff"]


def test_the_same_score_gives_the_same_pictures(score: bytes) -> None:
    (page,), (again,) = lead_sheet_pages(score), lead_sheet_pages(score)
    assert page == again
    picture = as_png(page)
    assert picture == as_png(again)
    pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("L"))
    assert pixels.shape[1] == PNG_WIDTH
    assert pixels[0].min() == 255
    assert 0.005 < (pixels < 128).mean() < 0.2


def test_a_long_cue_takes_several_pages() -> None:
    pages = lead_sheet_pages(musicxml_file(composed("energising", 0, 240.0), "long"))
    assert len(pages) > 1
    assert all(words(page) for page in pages)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\xff",
        b"<score-timewise/>",
        b"<score-partwise/>",
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><score-partwise>&e;',
    ],
)
def test_what_is_no_score_is_refused(data: bytes) -> None:
    with pytest.raises(MediaError, match="cannot be engraved"):
        lead_sheet_pages(data)


def test_a_score_cut_short_is_refused(score: bytes) -> None:
    with pytest.raises(MediaError):
        lead_sheet_pages(score[: len(score) // 2])
