from __future__ import annotations

import json
from pathlib import Path

import pytest

from musiscene_core.codec import to_json
from musiscene_core.critic import CRITIQUE_FILE, Criterion, Critique
from musiscene_plugins.cli.main import main
from tests.support.daemons import home, wait_until
from tests.support.take_library import DAY_S, make_take


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path))
    made = tmp_path / "data"
    make_take(made, "a-01", cue="1m1 Chase", caption="drums", age_s=9 * DAY_S)
    make_take(made, "b-02", cue="2m3 [red]Farewell", engine="musicgen", age_s=2 * DAY_S)
    return made


def ids(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[tuple[str, str]]:
    assert main(["takes", "--json", *arguments]) == 0
    lines = capsys.readouterr().out.splitlines()
    return [(take["id"], take["cue"]) for take in map(json.loads, lines)]


def test_takes_are_searched_without_a_daemon(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [cue for _, cue in ids(capsys)] == ["2m3 [red]Farewell", "1m1 Chase"]
    assert [cue for _, cue in ids(capsys, "drum", "minor")] == ["1m1 Chase"]
    assert [cue for _, cue in ids(capsys, "--since", "3d")] == ["2m3 [red]Farewell"]
    assert [cue for _, cue in ids(capsys, "--cue", "chase", "--since", "2001-01-01")] == [
        "1m1 Chase"
    ]
    assert ids(capsys, "list", "delete") == []
    assert main(["takes", "--engine", "musicgen"]) == 0
    said = capsys.readouterr().out
    assert "[red]Farewell" in said
    assert "1 takes; the library holds" in said
    assert not (data.parent / "run").exists()


def test_favourites_and_labels_are_set_without_a_daemon(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    take_id = ids(capsys)[1][0]
    assert main(["takes", "favourite", take_id[:8]]) == 0
    assert main(["takes", "label", take_id, "for", "the", "mix"]) == 0
    assert "★" in capsys.readouterr().out
    assert ids(capsys, "--favourite", "mix") == [(take_id, "1m1 Chase")]
    assert main(["takes", "unfavourite", take_id]) == 0
    capsys.readouterr()
    assert ids(capsys, "--favourite") == []
    assert not (data.parent / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["favourite"], "Which take?"),
        (["delete", "a", "b"], "Which take?"),
        (["label"], "Which take?"),
        (["delete", "../../x"], "There is no take"),
        (["--since", "yesterday"], "not a date"),
        (["--limit", "0"], "1 to 500"),
        (["purge"], "deletes 2 takes and keeps 0 favourites"),
        (["purge", "drums", "--yes"], "takes no words"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    data: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["takes", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not (data.parent / "run").exists()


def test_the_daemon_deletes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with home(tmp_path):
        for number in range(3):
            make_take(tmp_path / "data", f"a-{number}", seed=number)
        doomed, kept, _ = (take_id for take_id, _ in ids(capsys))
        assert main(["takes", "favourite", kept]) == 0
        assert main(["takes", "delete", doomed]) == 0
        assert main(["takes", "delete", kept]) == 2
        assert "is a favourite" in capsys.readouterr().err
        assert main(["takes", "purge", "--yes", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["deleted"] == 1
        assert [take_id for take_id, _ in ids(capsys)] == [kept]
        wait_until(lambda: list((tmp_path / "data/jobs").iterdir()) == [])


def test_what_the_critic_said_shows_afterwards(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    take_id = ids(capsys)[1][0]
    assert main(["takes", "show", take_id[:8]]) == 0
    assert "No critic judged it" in capsys.readouterr().out
    critique = Critique(
        take="take-1",
        rank=2,
        among=3,
        score=0.61,
        criteria=(Criterion(name="hits", score=0.5, weight=0.2, says="1 of 2 met"),),
        reason="Farther from the hit points.",
        listener="signals",
        heard=("Slow music.",),
    )
    (folder,) = (data / "takes").glob("a-01/*")
    (folder / CRITIQUE_FILE).write_bytes(to_json(critique))
    assert main(["takes", "show", take_id[:8]]) == 0
    said = capsys.readouterr().out
    assert "Critic: 2 of 3 (0.61). Farther from the hit points." in said
    assert "hits 0.50: 1 of 2 met" in said
    assert main(["takes", "drum"]) == 0
    assert "2 of 3" in capsys.readouterr().out
    assert main(["takes", "--json", "drum"]) == 0
    assert json.loads(capsys.readouterr().out)["critique"]["reason"] == critique.reason
    (folder / CRITIQUE_FILE).write_text("{", encoding="utf-8")
    assert main(["takes", "drum"]) == 0
    assert "2 of 3" not in capsys.readouterr().out
