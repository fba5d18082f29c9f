"""Listeners in a real browser: clicks, keys, a phone, a reload in the middle, a server gone."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing

import msgspec
import pytest

from musiscene_core.codec import to_json
from musiscene_training.survey.plan import read_survey
from musiscene_training.survey.questions import FORMS
from tests.support.chromium import chromium
from tests.support.surveys import film_scenes, held, prepared, sound_scenes

pytest.importorskip("starlette", reason="the extra 'survey' is not installed")
pytest.importorskip("jinja2", reason="the extra 'survey' is not installed")
pytest.importorskip("selenium", reason="selenium is not installed")


@pytest.fixture(scope="module")
def desktop():
    with chromium(1280, 900) as browser:
        yield browser


@pytest.fixture(scope="module")
def phone():
    with chromium(390, 844, phone=True) as browser:
        yield browser


@pytest.fixture(scope="module")
def sounding(tmp_path_factory):
    """A survey of sound with sliders, being held."""
    scenes = sound_scenes(tmp_path_factory.mktemp("scenes"), seconds=4.0, scenes=("a", "b"))
    yield from holding(prepared(scenes, tmp_path_factory.mktemp("sounding")))


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """A survey of films with sliders, prepared."""
    scenes = film_scenes(tmp_path_factory.mktemp("scenes") / "scenes")
    return prepared(scenes, tmp_path_factory.mktemp("films"))


@pytest.fixture(scope="module")
def stepping(films, tmp_path_factory):
    """The same films with five steps, being held."""
    folder = tmp_path_factory.mktemp("stepping") / "survey"
    shutil.copytree(films, folder)
    plan = msgspec.structs.replace(read_survey(folder), questions=FORMS["relevance"])
    (folder / "survey.json").write_bytes(to_json(plan))
    yield from holding(folder)


def holding(folder):
    with held(folder) as running:
        running.folder = folder
        yield running


def all_of(browser, selector):
    return browser.find_elements("css selector", selector)


def one_of(browser, selector):
    return browser.find_element("css selector", selector)


def until(browser, condition):
    from selenium.webdriver.support.wait import WebDriverWait

    return WebDriverWait(browser, 20, poll_frequency=0.05).until(condition)


def begin(browser, site):
    browser.delete_all_cookies()
    browser.get(site.address)
    one_of(browser, 'form[action="/begin"] button').click()
    until(browser, lambda _: all_of(browser, "#versions"))
    return one_of(browser, "#versions").get_attribute("data-code")


def saved(browser):
    until(browser, lambda _: one_of(browser, "#state").text == "Saved")


def kept(site, code):
    with closing(sqlite3.connect(site.folder / "ratings.sqlite")) as database:
        query = (
            "SELECT page, place, question, value FROM rating JOIN version USING (token)"
            " JOIN listener ON number = listener WHERE code = ? ORDER BY page, place, question DESC"
        )
        return database.execute(query, (code,)).fetchall()


def at_page(browser, number):
    until(browser, lambda _: browser.current_url.endswith(f"/{number}"))


def fine(browser):
    """Nothing reaches beyond the window, and the browser had nothing to complain of."""
    widths = "return [document.documentElement.scrollWidth, window.innerWidth]"
    wide, window = browser.execute_script(widths)
    assert wide <= window
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_by_keys_alone(desktop, sounding):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    def press(*keys):
        for key in keys:
            ActionChains(desktop).send_keys(key).perform()

    code = begin(desktop, sounding)
    playing = "return [...document.querySelectorAll('audio')].map((one) => !one.paused)"
    press("b")
    until(desktop, lambda _: desktop.execute_script(playing) == [False, True, False])
    press("c")
    until(desktop, lambda _: desktop.execute_script(playing) == [False, False, True])
    until(
        desktop,
        lambda _: desktop.execute_script(
            "return document.querySelectorAll('audio')[2].currentTime > 0.3"
        ),
    )
    press("c")
    until(desktop, lambda _: desktop.execute_script(playing) == [False, False, False])
    # Not all is rated: Enter goes to what is missing and stays.
    press(Keys.ENTER)
    assert "3 to go" in one_of(desktop, "#state").text
    focused = "return `${document.activeElement.type}${document.activeElement.value}`"
    assert desktop.execute_script(focused) == "range50"
    press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    saved(desktop)
    assert kept(sounding, code) == [(1, 1, "suitability", 52)]
    unrated = "return document.activeElement.matches('fieldset:not(.rated) input')"
    for keys in ((Keys.END,), (" ",)):
        until(desktop, lambda _: press(Keys.TAB) or desktop.execute_script(unrated))
        press(*keys)
    saved(desktop)
    press(Keys.ENTER)
    at_page(desktop, 2)
    assert [row[3] for row in kept(sounding, code)] == [52, 100, 50]
    for slider in all_of(desktop, "input[type=range]"):
        slider.send_keys(Keys.HOME)
    press(Keys.ENTER)
    until(desktop, lambda _: desktop.current_url.endswith("/done"))
    assert [row[3] for row in kept(sounding, code)] == [52, 100, 50, 0, 0, 0]
    with closing(sqlite3.connect(sounding.folder / "ratings.sqlite")) as database:
        query = (
            "SELECT heard_s FROM version JOIN listener ON number = listener"
            " WHERE code = ? AND page = 1 ORDER BY place"
        )
        heard = [row[0] for row in database.execute(query, (code,))]
    assert heard[0] == 0
    assert 0.2 < heard[2] < 3
    fine(desktop)


@pytest.mark.slow
def test_by_clicks_with_a_reload_and_a_second_listener_in_the_middle(desktop, stepping):
    code = begin(desktop, stepping)
    boxes = all_of(desktop, ".steps")
    assert len(boxes) == 6
    for value, box in zip((1, 2, 3, 4), boxes, strict=False):
        box.find_elements("css selector", "label")[value - 1].click()
    saved(desktop)
    desktop.refresh()
    checked = "return [...document.querySelectorAll('input:checked')].map((one) => one.value)"
    assert desktop.execute_script(checked) == ["1", "2", "3", "4"]
    one_of(desktop, "#next").click()
    assert "2 to go" in one_of(desktop, "#state").text
    with chromium(1000, 800) as other:
        others = begin(other, stepping)
        all_of(other, ".steps label")[4].click()
        saved(other)
        assert kept(stepping, others) == [(1, 1, "relevance", 5)]
    for box in all_of(desktop, ".steps")[4:]:
        box.find_elements("css selector", "label")[4].click()
    # A change of mind.
    all_of(desktop, ".steps")[0].find_elements("css selector", "label")[1].click()
    one_of(desktop, "#next").click()
    at_page(desktop, 2)
    assert [row[2:] for row in kept(stepping, code)] == [
        ("relevance", 2),
        ("quality", 2),
        ("relevance", 3),
        ("quality", 4),
        ("relevance", 5),
        ("quality", 5),
    ]
    one_of(desktop, "#back").click()
    at_page(desktop, 1)
    assert desktop.execute_script(checked) == ["2", "2", "3", "4", "5", "5"]
    desktop.get(stepping.address)
    one_of(desktop, "a.button").click()
    at_page(desktop, 2)
    fine(desktop)


def test_on_a_phone(phone, sounding):
    code = begin(phone, sounding)
    cards = all_of(phone, ".version")
    assert len({card.rect["x"] for card in cards}) == 1
    for target in all_of(phone, "input[type=range], #next"):
        assert target.rect["height"] >= 44
    all_of(phone, "input[type=range]")[0].click()
    saved(phone)
    assert kept(sounding, code) == [(1, 1, "suitability", 50)]
    fine(phone)


@pytest.mark.slow
def test_films_and_steps_on_a_phone(phone, stepping):
    begin(phone, stepping)
    for target in all_of(phone, ".steps label"):
        assert target.rect["height"] >= 44
    fine(phone)


@pytest.mark.slow
def test_ratings_wait_for_a_server_that_went_away(phone, films, tmp_path):
    folder = shutil.copytree(films, tmp_path / "survey")
    with held(folder) as first:
        code = begin(phone, first)
        port = first.port
    all_of(phone, "input[type=range]")[0].click()
    until(phone, lambda _: "Not saved yet" in one_of(phone, "#state").text)
    with held(folder, "--port", str(port)) as second:
        second.folder = folder
        saved(phone)
        assert kept(second, code) == [(1, 1, "suitability", 50)]


@pytest.mark.slow
def test_what_the_server_refuses_is_not_called_saved(phone, films, tmp_path):
    folder = shutil.copytree(films, tmp_path / "survey")
    with held(folder) as running:
        begin(phone, running)
        with closing(sqlite3.connect(folder / "ratings.sqlite")) as database, database:
            database.execute("DELETE FROM version")
        all_of(phone, "input[type=range]")[0].click()
        until(phone, lambda _: "no longer known" in one_of(phone, "#state").text)


@pytest.mark.slow
def test_a_version_that_cannot_be_played_says_so(phone, films, tmp_path):
    folder = shutil.copytree(films, tmp_path / "survey")
    for file in (folder / "media").iterdir():
        file.write_bytes(b"not a film")
    with held(folder) as running:
        begin(phone, running)
        until(phone, lambda _: all(one.is_displayed() for one in all_of(phone, ".trouble")))
