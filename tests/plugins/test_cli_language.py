"""`musiscene language`: who writes, from the next text on, while the daemon runs."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from musiscene_plugins.cli.main import main
from tests.plugins.test_cli_end_to_end import Desk
from tests.support import sounds
from tests.support.language_server import LanguageService, language_service

ANSWER = "Slow strings over a soft piano."
FUSION = ("caption", "temp.wav", "--strategy", "fusion", "--seen", "A fox runs.", "--how")


@pytest.fixture
def service() -> Iterator[LanguageService]:
    with language_service(ANSWER) as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path))
    for name in ("URL", "MODEL", "KEY", "REMOTE", "FOLDER"):
        monkeypatch.delenv(f"MUSISCENE_LLM_{name}", raising=False)
    return tmp_path / "data" / "language.json"


def test_a_choice_counts_from_the_next_text_of_a_daemon_that_runs(
    tmp_path: Path, service: LanguageService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MUSISCENE_LLM_URL", raising=False)
    desk = Desk(tmp_path)
    sounds.written(desk.folder / "temp.wav", sounds.drums(120, 4)[0])
    try:
        assert "by: signals" in desk.run(*FUSION).stdout
        chosen = desk.run("language", "use", "--url", service.url)
        assert chosen.returncode == 0, chosen
        assert f"at {service.url}, writes." in chosen.stdout
        written = desk.run(*FUSION)
        assert ANSWER in written.stdout
        assert f"asked at: {service.url}" in written.stdout
        assert "rules write" in desk.run("language", "rules").stdout
        asked = len(service.asked)
        assert "by: signals" in desk.run(*FUSION).stdout
        assert len(service.asked) == asked
    finally:
        assert desk.run("daemon", "stop").returncode == 0


def test_what_is_chosen_goes_before_the_environment_until_it_is_forgotten(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def shown(*arguments: str) -> dict[str, object]:
        assert main(["language", *arguments, "--json"]) == 0
        return dict(json.loads(capsys.readouterr().out))

    assert shown()["url"] == ""
    monkeypatch.setenv("MUSISCENE_LLM_URL", "http://127.0.0.1:9/v1")
    assert shown() == {
        "url": "http://127.0.0.1:9/v1",
        "model": "",
        "folder": "",
        "remote": False,
        "key": False,
        "kept": False,
    }
    assert main(["language"]) == 0
    assert "As this terminal's environment says" in capsys.readouterr().out
    chosen = shown("use", "--url", "http://127.0.0.1:8/v1/", "--model", "small")
    assert (chosen["url"], chosen["model"], chosen["kept"]) == (
        "http://127.0.0.1:8/v1",
        "small",
        True,
    )
    assert shown()["url"] == "http://127.0.0.1:8/v1"
    assert shown("rules")["url"] == ""
    assert shown("forget")["url"] == "http://127.0.0.1:9/v1"
    assert not home.exists()


def test_a_key_is_kept_for_its_owner_alone_and_never_shown(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MUSISCENE_LLM_KEY", "opensesame")
    assert main(["language", "use", "--url", "http://127.0.0.1:8/v1", "--key"]) == 0
    assert main(["language", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out.splitlines()[-1])["key"] is True
    assert "opensesame" not in out + err
    assert "opensesame" in home.read_text()
    if os.name == "posix":
        assert stat.S_IMODE(home.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("use",), "Which language model?"),
        (("use", "--url", "http://127.0.0.1:8/v1", "--folder", "x"), "Which language model?"),
        (("use", "--folder", "{empty}"), "holds no language model"),
        (("use", "--url", "nonsense"), "is not the address of a server"),
        (("use", "--url", "https://192.0.2.7/v1"), "on another machine, 192.0.2.7"),
        (("rules", "--model", "small"), "takes no model"),
    ],
)
def test_what_names_no_language_model_is_refused_and_nothing_changes(
    home: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    words: str,
) -> None:
    assert main(["language", *(one.format(empty=tmp_path) for one in arguments)]) == 2
    assert words in capsys.readouterr().err
    assert not home.exists()


def test_a_damaged_choice_is_told_and_can_be_forgotten(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home.parent.mkdir(parents=True)
    home.write_text("{")
    assert main(["language"]) == 2
    assert "language.json" in capsys.readouterr().err
    assert main(["language", "forget"]) == 0
    assert "rules write" in capsys.readouterr().out
