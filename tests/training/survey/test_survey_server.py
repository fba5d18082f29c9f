"""A survey held by a real process, asked over real sockets."""

from __future__ import annotations

import re
import shutil
import signal
import sqlite3
import threading
import time
from contextlib import closing

import pytest

from musiscene_training.cli import main
from musiscene_training.survey.plan import order, read_survey
from tests.support.surveys import (
    SCENES,
    SYSTEMS,
    Browser,
    held,
    prepared,
    sound_scenes,
    tokens,
)

pytest.importorskip("starlette", reason="the extra 'survey' is not installed")
pytest.importorskip("jinja2", reason="the extra 'survey' is not installed")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    scenes = sound_scenes(folder / "scenes")
    for scene in SCENES:
        (scenes / scene / "scene.txt").write_text("It <b>rains</b> on a bridge.")
    return prepared(scenes, folder / "survey", "--ask", "relevance", "--reference", "original")


@pytest.fixture(scope="module")
def site(made, tmp_path_factory):
    folder = tmp_path_factory.mktemp("held") / "survey"
    shutil.copytree(made, folder)
    with held(folder) as running:
        running.folder = folder
        yield running


def rate_all(browser, code, value=3):
    for page in range(1, len(SCENES) + 1):
        for token in tokens(browser.get(f"/s/{code}/{page}").text):
            for question in ("relevance", "quality"):
                rating = {"token": token, "question": question, "value": value}
                assert browser.post(f"/s/{code}/rate", rating).status == 200


def kept(folder, query, *values):
    with closing(sqlite3.connect(folder / "ratings.sqlite")) as database:
        return database.execute(query, values).fetchall()


def test_nothing_the_browser_gets_names_a_system_a_scene_or_a_file(site):
    browser = Browser(site.port)
    replies = [browser.get("/")]
    code = browser.begin()
    pages = [browser.get(f"/s/{code}/{page}") for page in (1, 2, 3)]
    replies += pages
    replies += [
        browser.get(path) for path in re.findall(r'(?:src|href)="(/static/[^"]+)"', pages[0].text)
    ]
    media = [browser.get(f"/m/{token}") for page in pages for token in tokens(page.text)]
    rate_all(browser, code)
    replies += [*media, browser.get(f"/s/{code}/done"), browser.get("/m/zebra"), browser.get("/x")]
    assert len(media) == 9
    assert all(one.status == 200 for one in media)
    said = [b"%b %b" % (str(one.headers).encode(), one.body) for one in replies]
    for word in (*SYSTEMS, *SCENES, str(site.folder), "survey.json", ".flac"):
        assert not [reply for reply in said if word.lower().encode() in reply.lower()], word
    assert "It &lt;b&gt;rains&lt;/b&gt; on a bridge." in pages[0].text


def test_the_order_is_the_seeds_and_kept(site):
    browser = Browser(site.port)
    code = browser.begin()
    (number,) = kept(site.folder, "SELECT number FROM listener WHERE code = ?", code)[0]
    drawn = order(read_survey(site.folder), number)
    for page, wanted in enumerate(drawn, 1):
        rows = [
            kept(site.folder, "SELECT scene, system FROM version WHERE token = ?", token)[0]
            for token in tokens(browser.get(f"/s/{code}/{page}").text)
        ]
        assert rows == [(wanted.scene, system) for system in wanted.systems]
    other = Browser(site.port)
    others = [other.get(f"/s/{other.begin()}/1").text for _ in range(2)]
    assert not set(tokens(others[0])) & set(tokens(others[1]))


def test_media_is_sent_in_the_parts_that_are_asked_for(site):
    browser = Browser(site.port)
    token = tokens(browser.get(f"/s/{browser.begin()}/1").text)[0]
    whole = browser.get(f"/m/{token}")
    assert whole.headers["accept-ranges"] == "bytes"
    part = browser.get(f"/m/{token}", Range="bytes=100-199")
    assert part.status == 206
    assert part.body == whole.body[100:200]
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole.body)}"
    assert browser.get(f"/m/{token}", Range="bytes=-50").body == whole.body[-50:]
    assert browser.get(f"/m/{token}", Range="bytes=999999999-").status == 416


def test_a_listener_goes_on_where_she_was(site):
    browser = Browser(site.port)
    code = browser.begin()
    assert browser.get(f"/s/{code}").headers["location"] == f"/s/{code}/1"
    for token in tokens(browser.get(f"/s/{code}/1").text):
        for question in ("relevance", "quality"):
            browser.post(f"/s/{code}/rate", {"token": token, "question": question, "value": 4})
    # The same browser by its cookie, another by the code as it is shown.
    assert f'href="/s/{code}"' in browser.get("/").text
    elsewhere = Browser(site.port)
    let_in = elsewhere.get(f"/continue?code={code[:4].lower()}-{code[4:]}+")
    assert let_in.headers["location"] == f"/s/{code}"
    assert elsewhere.get(f"/s/{code}").headers["location"] == f"/s/{code}/2"
    assert elsewhere.get(f"/s/{code}/1").text.count(" checked") == 6
    assert elsewhere.get(f"/s/{code}/done").headers["location"] == f"/s/{code}"
    rate_all(elsewhere, code, value=2)
    assert elsewhere.get(f"/s/{code}").headers["location"] == f"/s/{code}/done"
    assert "Thank you" in elsewhere.get(f"/s/{code}/done").text
    assert elsewhere.post(f"/s/{code}/done", {"text": "The <i>third</i> was loud."}).status == 200
    again = elsewhere.get(f"/s/{code}/done").text
    assert "The &lt;i&gt;third&lt;/i&gt; was loud." in again
    changed = kept(
        site.folder,
        "SELECT value, changes FROM rating JOIN version USING (token)"
        " WHERE page = 1 AND listener = (SELECT number FROM listener WHERE code = ?)",
        code,
    )
    assert changed == [(2, 1)] * 6


def test_what_makes_no_sense_is_refused_and_changes_nothing(site):
    browser, other = Browser(site.port), Browser(site.port)
    code, others = browser.begin(), other.begin()
    token = tokens(browser.get(f"/s/{code}/1").text)[0]
    right = {"token": token, "question": "relevance", "value": 3}
    before = kept(site.folder, "SELECT COUNT(*) FROM rating")
    for wrong, status in [
        ({**right, "value": 6}, 422),
        ({**right, "value": 0}, 422),
        ({**right, "value": 2.5}, 422),
        ({**right, "value": True}, 422),
        ({**right, "value": "3"}, 422),
        ({**right, "question": "suitability"}, 422),
        ({**right, "token": "x"}, 404),
        ({**right, "more": 1}, 422),
        ([], 422),
        ("x" * 20_000, 413),
    ]:
        assert browser.post(f"/s/{code}/rate", wrong).status == status, wrong
    assert other.post(f"/s/{others}/rate", right).status == 404
    assert browser.post("/s/NOBODY/rate", right).status == 404
    as_form = {"Content-Type": "text/plain"}
    assert browser.post(f"/s/{code}/rate", right, **as_form).status == 415
    assert browser.post(f"/s/{code}/heard", {"token": token, "seconds": -5}).status == 422
    assert browser.post(f"/s/{code}/done", {"text": ""}).status == 409
    assert browser.get(f"/s/{code}/99").headers["location"] == f"/s/{code}"
    assert browser.get(f"/s/{code}/{'9' * 40}").status in (303, 404)
    assert browser.get("/s/NOBODY/1").status == 404
    assert "Nobody has the code" in browser.get("/continue?code=%3Cscript%3E").text
    assert "<script>" not in browser.get("/continue?code=%3Cscript%3E").text.lower().replace(
        "&lt;script&gt;", ""
    )
    assert browser.get("/static/../../survey.json").status == 404
    assert browser.get("/", Host="evil.example").status == 400
    assert kept(site.folder, "SELECT COUNT(*) FROM rating") == before


def test_two_listeners_at_once_lose_nothing(site):
    def take_part(value, done):
        browser = Browser(site.port)
        code = browser.begin()
        rate_all(browser, code, value)
        done.append(code)

    done: list[str] = []
    threads = [threading.Thread(target=take_part, args=(value, done)) for value in (1, 2, 4, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(done)) == 4
    for code in done:
        (row,) = kept(
            site.folder,
            "SELECT COUNT(*), MIN(value) = MAX(value) FROM rating JOIN version USING (token)"
            " JOIN listener ON number = listener WHERE code = ?",
            code,
        )
        assert row == (18, 1)


def test_ratings_outlive_a_killed_server_and_it_goes_on(made, tmp_path):
    folder = tmp_path / "survey"
    shutil.copytree(made, folder)
    with held(folder) as first:
        browser = Browser(first.port)
        code = browser.begin()
        token = tokens(browser.get(f"/s/{code}/1").text)[1]
        rating = {"token": token, "question": "quality", "value": 5}
        assert browser.post(f"/s/{code}/rate", rating).status == 200
        first.process.kill()
    with held(folder) as second:
        page = Browser(second.port).get(f"/s/{code}/1").text
        assert page.count(" checked") == 1
        assert re.search(rf'name="{token}-quality" value="5"[^>]* checked', page)
        second.process.send_signal(signal.SIGINT)
        assert second.process.wait(20) == 0
        assert "the ratings are in" in second.process.stderr.read()


def test_a_port_in_use_is_named(site, made, capsys):
    assert main(["survey", "serve", str(made), "--port", str(site.port)]) == 2
    assert f"Port {site.port} of 127.0.0.1 is in use." in capsys.readouterr().err
    assert main(["survey", "serve", str(made), "--host", "192.0.2.1"]) == 2
    assert "not an address of this machine" in capsys.readouterr().err


def test_others_of_the_network_need_the_whole_address(made, tmp_path):
    folder = tmp_path / "survey"
    shutil.copytree(made, folder)
    with held(folder, "--host", "0.0.0.0") as lan:
        assert "unencrypted" in lan.process.stderr.readline()
        access = re.findall(r"\?access=(.+)$", lan.address)[0]
        browser = Browser(lan.port)
        for path in ("/", "/s/ABCD2345/1", "/static/survey.js", "/?access=wrong", "/m/x"):
            assert browser.get(path).status == 403
        assert browser.post("/begin").status == 403
        entered = browser.get(f"/?access={access}")
        assert (entered.status, entered.headers["location"]) == (303, "/")
        assert "Begin" in browser.get("/").text
    with held(folder, "--host", "0.0.0.0") as again:
        assert again.address.endswith(f"?access={access}")


def test_a_disk_that_takes_no_more_is_told_and_tried_again(made, tmp_path):
    folder = tmp_path / "survey"
    shutil.copytree(made, folder)
    with held(folder) as running:
        browser = Browser(running.port)
        code = browser.begin()
        token = tokens(browser.get(f"/s/{code}/1").text)[0]
        rating = {"token": token, "question": "quality", "value": 5}
        held_back = sqlite3.connect(folder / "ratings.sqlite")
        held_back.execute("BEGIN EXCLUSIVE")
        answers = []
        asking = threading.Thread(
            target=lambda: answers.append(browser.post(f"/s/{code}/rate", rating))
        )
        asking.start()
        time.sleep(0.3)
        assert not answers
        held_back.rollback()
        held_back.close()
        asking.join()
        assert answers[0].status == 200
        with closing(sqlite3.connect(folder / "ratings.sqlite")) as database, database:
            database.execute("ALTER TABLE rating RENAME TO gone")
        refused = browser.post(f"/s/{code}/rate", rating)
        assert refused.status == 507
        assert str(folder) not in refused.text
