"""`musiscene models pull mullama`: three downloads, converted apart, and found."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("transformers", reason="the extra 'models' is not installed")
pytest.importorskip("huggingface_hub", reason="the extra 'hub' is not installed")

from musiscene_core.captioning.mullama import place
from musiscene_core.models import shelf
from musiscene_core.models.registry import registry
from musiscene_plugins.cli.main import main
from tests.support.hub_server import running_hub
from tests.support.tiny_captioner import make

pytestmark = pytest.mark.models


def test_what_is_pulled_is_converted_and_found(tmp_path: Path, monkeypatch, capsys) -> None:
    (tmp_path / "made").mkdir()
    tiny = make(tmp_path / "made")
    lying = {
        "llama-2-7b": tiny.llama,
        "mert-v1-330m": tiny.encoder,
        "mu-llama-checkpoint": tiny.checkpoint.parent,
    }
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with running_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        for name, folder in lying.items():
            files = {one.name: one.read_bytes() for one in folder.iterdir() if one.is_file()}
            hub.repos[registry()[name].repo] = files
        assert main(["models", "pull", "mullama", "--yes"]) == 0
        said = capsys.readouterr().out
        assert "licence: llama2" in said
        assert "musiscene caption FILE --captioner mullama" in said
        asked = sum(hub.asked.values())
        assert main(["models", "pull", "mullama", "--yes"]) == 0
        assert "here already" in capsys.readouterr().out
        assert sum(hub.asked.values()) == asked
    assert place.captioner_folder() == Path(shelf.get("mullama").path)
    assert place.missing(place.captioner_folder(), ()) == ""
    assert not shelf.get("mullama").commercial
    assert set(shelf.shelved()) == {*lying, "mullama"}
    assert main(["models", "verify"]) == 0
