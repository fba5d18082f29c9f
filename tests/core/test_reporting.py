"""A report is files beside the take: pictures, and a page that needs nothing from elsewhere."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import msgspec
import numpy as np
import pytest
from PIL import Image

from musiscene_core.brief import Caption, Captions, SceneBrief
from musiscene_core.codec import read_json
from musiscene_core.composing.score import score
from musiscene_core.errors import MusiSceneError
from musiscene_core.reporting import write_report
from musiscene_core.reporting.chart import cue_chart
from musiscene_core.reporting.page import report_page
from musiscene_core.request import ScoreRequest
from musiscene_core.take import REPORT_FILE, Take
from tests.support.composed import mood_brief

EVIL = '<script>alert("x")</script>'


class Page(HTMLParser):
    """What a browser would make of a page: its tags, links and words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Take, SceneBrief]:
    folder = tmp_path_factory.mktemp("take")
    brief = mood_brief("joyful", 12.0, dialogue=((3.0, 5.0),))
    brief = msgspec.structs.replace(
        brief,
        timeline=msgspec.structs.replace(brief.timeline, cue=EVIL),
        captions=Captions(fusion=Caption(EVIL)),
        warnings=(EVIL,),
    )
    take = score(ScoreRequest(brief=brief), 1, "take-1", folder)
    return folder, write_report(folder, take, brief), brief


def test_every_link_of_the_page_is_a_file_beside_it(made: tuple[Path, Take, SceneBrief]) -> None:
    folder, take, _ = made
    page = Page((folder / REPORT_FILE).read_text("utf-8"))
    assert page.links
    for link in page.links:
        assert not re.match(r"[a-z]+:|/|\.\.", link)
        assert (folder / unquote(link)).is_file()
    assert page.tags.count("audio") == 1 + len(take.stems)
    assert read_json(folder / "take.json", Take) == take
    assert (take.chart, take.lead_sheet) == ("chart.png", ("lead-sheet.svg",))
    assert all((folder / name).is_file() for name in take.files)


def test_words_from_outside_stay_words(made: tuple[Path, Take, SceneBrief]) -> None:
    folder, take, brief = made
    plain = msgspec.structs.replace(take, cue="1m1", warnings=())
    quiet = msgspec.structs.replace(
        brief, captions=Captions(), timeline=msgspec.structs.replace(brief.timeline, cue="1m1")
    )
    hostile = Page((folder / REPORT_FILE).read_text("utf-8"))
    assert hostile.tags.count("script") == Page(report_page(plain, quiet)).tags.count("script") == 1
    # The title, the heading, the caption, the note and the prompt.
    assert sum(EVIL in words for words in hostile.words) >= 4


def test_the_page_says_hits_provenance_and_licence(made: tuple[Path, Take, SceneBrief]) -> None:
    folder, take, _ = made
    words = Page((folder / REPORT_FILE).read_text("utf-8")).words
    for hit in take.hits:
        assert f"{hit.error_frames:+.2f} frames ({hit.error_ms:+.1f} ms)" in words
    assert take.provenance.request_digest in words
    assert "CC0-1.0" in words


def test_the_same_take_gives_the_same_report(
    made: tuple[Path, Take, SceneBrief], tmp_path: Path
) -> None:
    folder, take, brief = made
    again = score(ScoreRequest(brief=brief), 1, "take-1", tmp_path)
    assert write_report(tmp_path, again, brief) == take
    for name in (*take.files, REPORT_FILE, "lead-sheet.png", "take.json"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes(), name


def test_the_chart_shows_what_is_in_the_take(made: tuple[Path, Take, SceneBrief]) -> None:
    folder, take, brief = made

    def drawn(take: Take, brief: SceneBrief) -> np.ndarray:
        return np.asarray(Image.open(io.BytesIO(cue_chart(take, brief, folder))).convert("RGB"))

    full = drawn(take, brief)
    height = full.shape[0]
    bare = drawn(msgspec.structs.replace(take, hits=(), sections=(), tempo=None), brief)
    mute = drawn(take, msgspec.structs.replace(brief, dialogue=()))
    changed = np.any(full != bare, axis=(1, 2)).nonzero()[0]
    assert 0.15 * height < changed.min() < 0.25 * height
    hidden = np.any(full != mute, axis=(1, 2)).nonzero()[0]
    assert hidden.size
    assert 0.5 * height < hidden.min() < hidden.max() < 0.72 * height


def test_a_take_whose_sound_is_gone_is_an_error_of_ours(
    made: tuple[Path, Take, SceneBrief], tmp_path: Path
) -> None:
    _, take, brief = made
    with pytest.raises(MusiSceneError):
        write_report(tmp_path, take, brief)
