"""Models that come or go are known to a daemon that runs, without a restart."""

from __future__ import annotations

from pathlib import Path

from musiscene_core.models.places import models_folder
from musiscene_core.protocol import Client
from musiscene_plugins.cli.main import main
from tests.support.daemons import Home, wait_until


def style_models(client: Client) -> list[str]:
    (info,) = [one for one in client.engines() if one.name == "audiocraft-style"]
    return [model.name for model in info.models]


def weights_in(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in ("state_dict.bin", "compression_state_dict.bin"):
        (folder / name).write_bytes(b"weights")
    return folder


def test_what_is_added_put_there_or_removed_is_known_at_once(own_home: Home, tmp_path: Path):
    mine = weights_in(tmp_path / "elsewhere" / "musicgen-style-mine")
    with own_home.connect() as client:
        assert style_models(client) == []
        worker = client.status().worker_pid
        assert main(["models", "add", str(mine), "--licence", "CC-BY-NC-4.0"]) == 0
        assert style_models(client) == ["musicgen-style-mine"]
        weights_in(models_folder() / "musicgen-style")
        client.status()
        wait_until(lambda: len(style_models(client)) == 2)
        assert main(["models", "remove", "musicgen-style-mine"]) == 0
        assert style_models(client) == ["musicgen-style"]
        assert client.status().worker_pid == worker
