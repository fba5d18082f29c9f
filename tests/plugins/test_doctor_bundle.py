"""What a bundle tells strangers: what helps, and nothing of whose machine or film it is."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiscene_core.errors import OutputError
from musiscene_core.provenance.ledger import Ledger
from musiscene_core.provenance.statement import Statement
from musiscene_plugins.doctor.bundle import write_bundle
from musiscene_plugins.doctor.finding import Report, broken, fine
from musiscene_plugins.doctor.redacting import Redactor

HOME = Path("/home/annika")
CANARIES = (
    *("annika", "edit-bay-7", "Nightfall", "reel 3", "Z85secret", "hf_abcdefgh", "hunter2"),
    *("Countess", "sk-proj"),
)
LINES = (
    "INFO decode: /home/annika/Films/Nightfall/reel 3 final.mov has 24 fps",
    "ERROR media: 'D:\\Footage\\Nightfall\\reel 3.mxf' cannot be read",
    r"WARNING \\nas-4\media\Nightfall\reel 3.wav is offline",
    "ERROR Nightfall reel 3.otio: Permission denied",
    "cannot open Countess arrives.braw",
    'File "/home/annika/.venv/lib/app.py", line 3',
    "ANNIKA on edit-bay-7.studio.example and EDIT-BAY-7",
    "HF_TOKEN=hf_abcdefghijklmnop Authorization: Bearer hunter2hunter2",
    'MUSISCENE_LLM_KEY: "hunter2hunter2" and {"client_secret_key": "Z85secret"}',
    "proxy http://annika:hunter2@proxy.example:8080/",
    "key sk-proj-aaaaaaaaaaaaaaaa",
    "takes in ~/Nightfall/takes",
    "Z85secret" + "a0B1.c2=d3+e4" * 4,
    "/home/annika",
    "file:///home/annika/Nightfall/x.wav",
    "WARNING x: Nightfall/reel 3.mp4 is gone",
    "ERROR x: job 7 'Nightfall Waltz' failed",
    "ERROR x: the prompt was: a waltz for the Countess",
    "INFO x: Nightfall Waltz ends at bar 9",
    "INFO x: the Countess dances, slowly",
)
KEPT = "DaVinci Resolve Studio 21.0.1 with /usr/bin/ffmpeg 7.1 on Linux-6.1-x86_64, 16376 MB"
SPECIAL = "\n\r\"'/\\<>|=:,;()[]"
DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


@pytest.fixture
def redactor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Redactor:
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path / "home"))
    environment = {"MUSISCENE_LLM_KEY": "hunter2hunter2"}
    return Redactor(
        home=HOME,
        user="annika",
        host="edit-bay-7",
        environment=environment,
        private=("Nightfall Waltz", "the countess dances", "3"),
    )


@pytest.mark.parametrize("line", LINES)
def test_nothing_of_the_users_stays_in_a_line(redactor: Redactor, line: str) -> None:
    said = redactor.text(line).lower()
    assert [canary for canary in CANARIES if canary.lower() in said] == []


def test_what_helps_stays(redactor: Redactor, tmp_path: Path) -> None:
    assert redactor.text(KEPT) == KEPT
    assert redactor.text(f"sha256 {DIGEST}") == f"sha256 {DIGEST}"
    data = tmp_path / "home/data"
    assert redactor.text(f"48 GB are free at {data}.") == "48 GB are free at <DATA>."
    assert redactor.text(f"{data}/jobs.sqlite3 is damaged") == "<DATA>/jobs.sqlite3 is damaged"
    assert redactor.text(f"{data}/takes/1m1-Nightfall/take-1") == "<DATA>/takes/..."
    assert redactor.text("no engine called 'musicgen'") == "no engine called 'musicgen'"
    assert redactor.text("endpoint tcp://127.0.0.1:40001") == "endpoint tcp://127.0.0.1:40001"
    assert redactor.text("ERROR musiscene_daemon.jobs: OSError at work.py:12 run") == (
        "ERROR musiscene_daemon.jobs: OSError at work.py:12 run"
    )


@given(
    name=st.text(
        st.characters(codec="utf-8", exclude_characters="\n\r\"'/\\<>|=:,;()[]"), min_size=4
    ),
    ending=st.sampled_from([".mov", ".WAV", ".otio", ".braw"]),
)
def test_no_film_of_any_name_gets_through(name: str, ending: str) -> None:
    film = f"{name.strip()}xQ{ending}"
    clean = Redactor(home=HOME, user="annika", host="edit-bay-7", environment={})
    for line in (f"/Volumes/Raid/{film}", f'"{film}" is offline', f"reading {film}", f"({film})"):
        assert f"xQ{ending}" not in clean.text(line)


def test_long_lines_take_no_time(redactor: Redactor) -> None:
    """Each pattern is linear, or nearly: a hostile line of 200 kB must not hang the doctor."""
    for line in ("/" * 200_000, "a " * 100_000, "~/" + "x." * 100_000, "key=" * 50_000):
        assert isinstance(redactor.text(line), str)


def test_a_bundle_holds_report_log_and_settings_without_a_canary(
    redactor: Redactor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "home/log/musiscened.log"
    log.parent.mkdir(parents=True)
    debug = "2026-11-29 07:00:00,000 DEBUG x: a prompt about the Countess"
    as_json = json.dumps({"level": "error", "process": 7, "message": LINES[3]})
    log.write_text("\n".join([*LINES, debug, KEPT, as_json]), encoding="utf-8")
    monkeypatch.setenv("MUSISCENE_LLM_KEY", "hunter2hunter2")
    monkeypatch.setenv("MUSISCENE_MUSICGEN", "/home/annika/Nightfall")
    findings = [fine(f"model {LINES[3]}", line, place=line) for line in LINES]
    findings.append(broken("ffmpeg", KEPT, "Install it.", version="7.1"))
    report = Report(made="2026-11-29T07:00:00+00:00", seconds=1.0, findings=tuple(findings))
    path = tmp_path / "report.zip"
    write_bundle(report, path, redactor)
    with zipfile.ZipFile(path) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert set(texts) == {"report.txt", "report.json", "log.txt", "settings.txt"}
    for text in texts.values():
        assert [canary for canary in CANARIES if canary.lower() in text.lower()] == []
    assert KEPT in texts["report.txt"]
    assert KEPT in texts["log.txt"]
    last = json.loads(texts["log.txt"].splitlines()[-1])
    assert (last["level"], last["process"]) == ("error", 7)
    assert json.loads(texts["report.json"])["findings"][-1]["facts"] == {"version": "7.1"}
    assert "MUSISCENE_MUSICGEN is set" in texts["settings.txt"]
    with pytest.raises(OutputError, match="is there already"):
        write_bundle(report, path, redactor)


def test_what_takes_are_called_and_steered_by_is_known_from_the_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path / "home"))
    (tmp_path / "home/data").mkdir(parents=True)
    made = Statement(
        **{"software": "x", "cue": "Zephyrine", "take": "take-1", "engine": "composer"},
        **{"engine_version": "1", "seed": 0, "licence": "CC0-1.0", "commercial_use": True},
        **{"brief": "", "request": "", "samples": 1, "sample_rate": 48000, "sound": {}},
        prompt="Fog over the harbour. A lone bell tolls.",
    )
    Ledger(tmp_path / "home/data").note("job/take-1", made.text, 1.0)
    said = "zephyrine at bar 3: a lone bell tolls. twice"
    finding = fine("log", said)
    path = tmp_path / "report.zip"
    write_bundle(Report(made="", seconds=0.0, findings=(finding,)), path)
    with zipfile.ZipFile(path) as archive:
        told = archive.read("report.txt").decode()
    assert "zephyrine" not in told
    assert "bell" not in told
    assert "at bar 3" in told
