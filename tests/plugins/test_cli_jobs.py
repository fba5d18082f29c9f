"""`musiscene jobs`: cancelling many, and how long is left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from musiscene_core.protocol import JobInfo
from musiscene_plugins.cli.main import main
from musiscene_plugins.cli.terminal import about, shown_progress
from tests.support.daemons import Home, home, request, wait_until


@pytest.fixture
def own_home(tmp_path: Path) -> Iterator[Home]:
    with home(tmp_path) as place:
        yield place


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "1 s"),
        (3.4, "3 s"),
        (12.4, "10 s"),
        (58.0, "60 s"),
        (130.0, "2 min"),
        (5400.0, "1.5 h"),
    ],
)
def test_a_foretold_time_is_told_no_finer_than_it_is_known(seconds: float, words: str) -> None:
    assert about(seconds) == words


def test_lines_say_how_long_is_left_where_it_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    with shown_progress(quiet=False) as show:
        show("Listening", 0.0)
        show.eta(41.0)
        show("Playing", 0.2)
        show.eta(None)
        show("Mixing", 0.9)
    lines = [line.strip() for line in capsys.readouterr().err.splitlines()]
    assert lines == ["Listening ...", "Playing ... about 40 s left", "Mixing ..."]


def test_many_jobs_are_cancelled_by_one_word(
    own_home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with own_home.connect() as client:
        running = client.submit_score(request(until=str(tmp_path / "gate")))
        wait_until(lambda: client.job(running).state == "running")
        for seed in range(3):
            client.submit_score(request(seed=seed))
        assert main(["jobs", "cancel", "queued"]) == 0
        assert capsys.readouterr().out == "Cancelled: 3.\n"
        assert main(["jobs", "cancel", "all", "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == {"cancelled": 1}
        wait_until(lambda: client.job(running).state == "cancelled")
        assert {job.state for job in client.jobs()} == {"cancelled"}
        assert main(["jobs", "--json"]) == 0
        listed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [job["priority"] for job in listed] == ["interactive"] * 4
    assert set(listed[0]) >= set(JobInfo.__struct_fields__)


def test_programs_hear_each_percent_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSISCENE_PROGRESS", "percent")
    with shown_progress(quiet=True) as show:
        for fraction in (0.0, 0.421, 0.424, 0.43, 1.0):
            show("Fetching", fraction)
    said = capsys.readouterr().err.splitlines()
    assert said == ["0 % Fetching", "42 % Fetching", "43 % Fetching", "100 % Fetching"]
