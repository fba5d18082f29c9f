"""`musiscene models`, as it is typed, against a hub on this machine that drops connections."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from musiscene_core.models import shelf
from musiscene_core.models.registry import registry
from musiscene_core.models.shelf import ShelvedModel
from musiscene_plugins.cli.main import main
from tests.support.hub_server import COMMIT, Hub, running_hub

pytest.importorskip("huggingface_hub", reason="the extra 'hub' is not installed")

REPO = "facebook/musicgen-small"
WEIGHTS = os.urandom(300_000)
FILES = {
    "config.json": b'{"model_type": "musicgen"}',
    "tokenizer.json": b"{}" * 50,
    "model.safetensors": WEIGHTS,
    "pytorch_model.bin": os.urandom(9_000),
    "state_dict.bin": os.urandom(9_000),
    "README.md": b"# MusicGen",
    "onnx/model.safetensors": os.urandom(9_000),
    "../evil.json": b"{}",
}
WANTED = {"config.json", "tokenizer.json", "model.safetensors"}


@pytest.fixture(scope="module")
def server() -> Iterator[Hub]:
    with running_hub() as hub:
        yield hub


@pytest.fixture
def hub(server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr("musiscene_core.models.hub._PAUSE_S", 0.0)
    monkeypatch.setattr("musiscene_core.models.hub._PIECE_BYTES", 1 << 14)
    server.repos = {REPO: dict(FILES)}
    server.cards = {REPO: "cc-by-nc-4.0"}
    server.gated, server.spoiled = set(), set()
    server.drop_after, server.drops, server.busy, server.sent = None, 0, 0, 0
    server.asked.clear()
    server.ranges.clear()
    return server


@pytest.fixture
def models(hub: Hub, tmp_path: Path) -> Path:
    return tmp_path / "home" / "data" / "models"


def pull(name: str = "musicgen-small") -> int:
    return main(["models", "pull", name, "--yes"])


def test_a_pull_brings_what_is_needed_and_nothing_else(hub: Hub, models: Path, capsys) -> None:
    assert pull() == 0
    folder = models / "musicgen-small"
    assert {path.name for path in folder.rglob("*") if path.is_file()} == WANTED
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    said = capsys.readouterr().out
    assert said.index("CC-BY-NC-4.0, not for commercial use") < said.index("is here")
    assert "musiscene score FILE --engine musicgen:small" in said
    kept = shelf.get("musicgen-small")
    hashes = {file.path: file.sha256 for file in kept.files}
    assert hashes["model.safetensors"] == hashlib.sha256(WEIGHTS).hexdigest()
    assert (kept.origin, kept.revision, kept.commercial) == ("pulled", COMMIT, False)
    assert not list((models / ".pulling").iterdir())


def test_a_connection_that_drops_is_gone_on_with(hub: Hub, models: Path, monkeypatch, capsys):
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)
    monkeypatch.setenv("MUSISCENE_PROGRESS", "percent")
    hub.drop_after, hub.drops = 100_000, 2
    assert pull() == 0
    assert (models / "musicgen-small" / "model.safetensors").read_bytes() == WEIGHTS
    assert [int(one[6:].rstrip("-")) > 0 for one in hub.ranges] == [True, True]
    assert hub.sent < 1.5 * len(WEIGHTS)
    percents = [
        int(line.split()[0]) for line in capsys.readouterr().err.splitlines() if "%" in line
    ]
    assert percents == sorted(percents)
    assert percents[-1] == 100


def test_a_pull_that_was_given_up_goes_on_the_next_time(
    hub: Hub, models: Path, monkeypatch, capsys
):
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)
    monkeypatch.setattr("musiscene_core.models.hub._TRIES_WITHOUT_A_BYTE", 1)
    # The third part of what is large, and from then on not a byte more.
    hub.drop_after, hub.drops, hub.only_once = 100_000, 1000, True
    assert pull() == 2
    assert "goes on where it stopped" in capsys.readouterr().err
    assert not (models / "musicgen-small").exists()
    assert not (models / ".pulling" / "musicgen-small" / "model.safetensors").exists()
    hub.drop_after, hub.drops, hub.only_once = None, 0, False
    hub.ranges.clear()
    hub.sent = 0
    assert pull() == 0
    assert (models / "musicgen-small" / "model.safetensors").read_bytes() == WEIGHTS
    assert hub.ranges
    assert hub.sent < len(WEIGHTS) - 80_000


def test_what_arrives_damaged_is_refused_and_fetched_anew(hub: Hub, models: Path, capsys) -> None:
    hub.spoiled = {"config.json"}
    assert pull() == 2
    assert "config.json arrived damaged" in capsys.readouterr().err
    assert not (models / "musicgen-small").exists()
    hub.spoiled = set()
    hub.asked.clear()
    assert pull() == 0
    fetched = [one for one in hub.asked if one.startswith("GET") and "resolve" in one]
    assert [one.rpartition("/")[2] for one in fetched] == ["config.json"]


def test_large_files_are_held_against_the_hash_that_the_hub_states(hub: Hub, models: Path, capsys):
    hub.spoiled = {"model.safetensors"}
    assert pull() == 2
    assert "model.safetensors arrived damaged" in capsys.readouterr().err
    assert not (models / "musicgen-small").exists()


def test_offline_gated_and_unknown_models_are_said_plainly(hub: Hub, monkeypatch, capsys) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert pull() == 2
    assert "HF_HUB_OFFLINE is set" in capsys.readouterr().err
    assert not hub.asked
    monkeypatch.delenv("HF_HUB_OFFLINE")
    hub.gated = {REPO}
    assert pull() == 2
    said = capsys.readouterr().err
    assert "accepted its licence" in said
    assert f"{hub.url}/{REPO}" in said
    monkeypatch.setenv("HF_TOKEN", "hf_x")
    assert pull() == 0
    assert pull("musicgen-medium") == 2
    assert "has no facebook/musicgen-medium" in capsys.readouterr().err
    assert pull("musicgn-small") == 2
    assert "Did you mean musicgen-small" in capsys.readouterr().err


def test_a_repository_without_weights_of_ours_is_refused(hub: Hub, capsys) -> None:
    hub.repos[REPO] = {"config.json": b"{}", "pytorch_model.bin": b"x" * 9000}
    assert pull() == 2
    assert "has none of the files" in capsys.readouterr().err


def test_nothing_is_downloaded_before_the_licence_is_accepted(hub: Hub, models: Path, capsys):
    assert main(["models", "pull", "musicgen"]) == 2
    said = capsys.readouterr().err
    assert "CC-BY-NC-4.0" in said
    assert "--yes" in said
    assert not any("resolve" in one for one in hub.asked)
    assert not (models / "musicgen-small").exists()


def test_verify_finds_what_changed_and_what_is_gone(hub: Hub, models: Path, capsys) -> None:
    assert pull() == 0
    assert main(["models", "verify"]) == 0
    weights = models / "musicgen-small" / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[1000] ^= 1
    weights.write_bytes(data)
    assert main(["models", "verify", "musicgen-small"]) == 2
    said = capsys.readouterr().err
    assert "model.safetensors of musicgen-small is not the file that came" in said
    assert "musiscene models pull musicgen-small" in said
    weights.write_bytes(data[:-1])
    (models / "musicgen-small" / "config.json").unlink()
    capsys.readouterr()
    assert main(["models", "verify", "--json"]) == 2
    found = json.loads(capsys.readouterr().out)["problems"]["musicgen-small"]
    assert found["config.json"] == "is missing"
    assert found["model.safetensors"] == "has 299999 bytes, not 300000"


def test_remove_deletes_what_was_pulled_and_nothing_beside_it(hub: Hub, models: Path, capsys):
    assert pull() == 0
    note = models / "musicgen-small" / "my notes.txt"
    note.write_text("mine")
    assert main(["models", "remove", "musicgen-small"]) == 0
    assert [path.name for path in (models / "musicgen-small").iterdir()] == ["my notes.txt"]
    assert "stays" in capsys.readouterr().out
    assert main(["models", "remove", "musicgen-small"]) == 2
    assert pull() == 2
    assert "was not pulled" in capsys.readouterr().err


def test_a_model_that_was_added_is_never_deleted(hub: Hub, tmp_path: Path, capsys) -> None:
    folder = tmp_path / "elsewhere" / "my clip"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "clip"}')
    (folder / "model.safetensors").write_bytes(b"weights")
    assert main(["models", "add", str(folder)]) == 0
    assert "licence is not known" in capsys.readouterr().out
    assert shelf.get("my clip").commercial is False
    named = ["models", "add", str(folder), "--licence", "MIT", "--json"]
    assert main(named) == 0
    assert json.loads(capsys.readouterr().out)["commercial"] is True
    assert main(["watching", "use", "--emotion", "my clip", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["emotion"] == str(folder)
    assert main(["models", "remove", "my clip"]) == 0
    assert (folder / "model.safetensors").read_bytes() == b"weights"
    assert shelf.shelved() == {}


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"config.json": '{"model_type": "qwen3_vl", "vision_config": {}}'}, "vision"),
        ({"config.json": '{"model_type": "qwen3"}'}, "language"),
        ({"config.json": '{"model_type": "blip-2"}'}, "vision"),
        ({"config.json": "{}", "model.bin": "x"}, "speech"),
        ({"config.yaml": "x"}, "speakers"),
        ({"state_dict.bin": "x"}, "musicgen"),
        ({"manifest.json": "{}", "adapter.safetensors": "x"}, "captioner"),
    ],
)
def test_a_model_is_known_by_its_files(hub: Hub, tmp_path: Path, capsys, files, kind) -> None:
    folder = tmp_path / "some model"
    folder.mkdir()
    (folder / "weights.safetensors").write_text("x")
    for name, text in files.items():
        (folder / name).write_text(text)
    assert main(["models", "add", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == kind


def test_a_model_is_called_by_its_folder_wherever_one_stands(
    hub: Hub, tmp_path: Path, monkeypatch, capsys
) -> None:
    inner = tmp_path / "my clip" / "inner"
    inner.mkdir(parents=True)
    (inner.parent / "config.json").write_text('{"model_type": "clip"}')
    (inner.parent / "model.safetensors").write_bytes(b"x")
    (inner.parent / "endless.bin").symlink_to("/dev/zero")
    (inner.parent / "round").symlink_to("..")
    monkeypatch.chdir(inner)
    assert main(["models", "add", ".."]) == 0
    kept = shelf.get("my clip")
    assert kept.path == str(tmp_path / "my clip")
    assert {file.path for file in kept.files} == {"config.json", "model.safetensors"}
    odd = tmp_path / "two\nlines"
    odd.mkdir()
    assert main(["models", "add", str(odd)]) == 2
    assert "cannot be printed" in capsys.readouterr().err
    font = tmp_path / "qwen3-4b.sf2"
    font.write_bytes(b"x")
    assert main(["models", "add", str(font)]) == 0
    assert (shelf.get("qwen3-4b").licence, shelf.get("qwen3-4b").commercial) == ("", False)


def test_a_card_that_forbids_selling_counts(hub: Hub, capsys) -> None:
    repo = registry()["qwen3-4b"].repo
    hub.repos[repo] = {"config.json": b'{"model_type": "qwen3"}', "model.safetensors": b"x" * 5000}
    hub.cards[repo] = "cc-by-nc-4.0"
    assert pull("qwen3-4b") == 0
    assert "its card on the hub names cc-by-nc-4.0" in capsys.readouterr().out
    kept = shelf.get("qwen3-4b")
    assert (kept.commercial, "cc-by-nc-4.0" in kept.licence) == (False, True)


def test_a_pull_that_ends_as_it_is_put_in_place_is_gone_on_with(
    hub: Hub, models: Path, monkeypatch, capsys
) -> None:
    real = os.rename

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("musiscene_core.models.pulling.os.rename", killed)
    assert pull() == 130
    assert shelf.shelved() == {}
    assert not (models / "musicgen-small").exists()
    monkeypatch.setattr("musiscene_core.models.pulling.os.rename", real)
    # As a process that was killed between the two leaves it: on the list, and not there.
    hub.sent = 0
    made = registry()["musicgen-small"]
    shelf.put(
        ShelvedModel(
            **{"name": made.name, "kind": made.kind, "path": str(models / made.name)},
            **{"origin": "pulled", "licence": made.licence, "commercial": False, "files": ()},
        )
    )
    assert pull() == 0
    assert hub.sent == 0
    assert (models / "musicgen-small" / "model.safetensors").read_bytes() == WEIGHTS
    assert main(["models", "verify"]) == 0


@pytest.mark.parametrize("config", ["", "[" * 100_000, "[]", '{"model_type": 7}', "\0\xff"])
def test_what_is_no_model_is_refused(hub: Hub, tmp_path: Path, capsys, config: str) -> None:
    folder = tmp_path / "nothing"
    folder.mkdir()
    (folder / "model.safetensors").write_text("x")
    (folder / "config.json").write_text(config)
    assert main(["models", "add", str(folder)]) == 2
    assert "nothing holds" in capsys.readouterr().err


def test_a_known_model_that_was_not_pulled_is_named_so(hub: Hub, capsys) -> None:
    assert main(["watching", "use", "--vision", "smolvlm2-500m"]) == 2
    assert "musiscene models pull smolvlm2-500m" in capsys.readouterr().err


def test_the_list_says_what_is_here_and_what_may_be_sold(hub: Hub, capsys) -> None:
    assert pull() == 0
    capsys.readouterr()
    assert main(["models"]) == 0
    said = capsys.readouterr().out
    assert said.index("musicgen-small (musicgen), 0.3 MB, CC-BY-NC-4.0") < said.index(
        "Can be pulled"
    )
    assert "qwen3-vl-2b (vision), about 4.3 GB, Apache-2.0, may be used commercially" in said
    assert main(["models", "list", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in told["here"]] == ["musicgen-small"]
    assert len(told["known"]) == len(registry())


def test_a_damaged_list_is_said_and_hides_no_weights(hub: Hub, models: Path, capsys) -> None:
    assert pull() == 0
    (models / "models.json").write_text("{")
    assert main(["models"]) == 2
    assert "models.json" in capsys.readouterr().err
    assert shelf.folders("musicgen") == {}


def test_every_registered_model_makes_sense() -> None:
    known = registry()
    for model in known.values():
        assert all(name in known for name in model.needs)
        assert bool(model.repo) != (model.name == "mullama")
        assert model.commercial is False or "NC" not in model.licence
    assert {known[f"musicgen-{size}"].commercial for size in ("small", "medium", "large")} == {
        False
    }
    assert not known["mert-v1-330m"].commercial
    assert not known["mullama"].commercial
