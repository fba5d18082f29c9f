"""The same stages on Ray Data, on a real Ray that is started here."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("pyarrow", reason="the extra 'train' is not installed")
pytest.importorskip("webdataset", reason="the extra 'train' is not installed")
pytest.importorskip("ray", reason="the extra 'ray' is not installed")

from musiscene_training.cli import main
from musiscene_training.dataset import read_dataset
from musiscene_training.vacad import parts
from tests.support.clips import VIDEO_IDS, audioset, downloader

pytestmark = [
    pytest.mark.models,
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),
]


def test_ray_makes_what_this_process_makes_and_goes_on_where_it_was(
    tmp_path, capsys, monkeypatch
) -> None:
    monkeypatch.setattr(parts, "PART_CLIPS", 3)
    fetch = downloader(tmp_path, failing=(VIDEO_IDS[1],))
    table = audioset(tmp_path / "eval.csv", 8)
    more = ["--fetch", fetch, "--captioner", "signals", "--language", "rules"]
    here, there = tmp_path / "here", tmp_path / "there"
    assert main(["vacad", str(here), "--audioset", str(table), *more]) == 0
    begun = ["vacad", str(there), "--audioset", str(table), *more]
    assert main([*begun, "--until", "fetch"]) == 0
    assert main(["vacad", str(there), *more, "--ray", "local"]) == 0
    assert read_dataset(there / "msi").digest == read_dataset(here / "msi").digest
    facts = [json.loads((build / "manifest.json").read_text()) for build in (here, there)]
    assert facts[0]["files"] == facts[1]["files"]
    assert facts[1]["failed"] == {"fetch": 1}
    capsys.readouterr()

    (tmp_path / "fetch.sh").unlink()
    none = ["vacad", str(tmp_path / "none"), "--audioset", str(table), "--captioner", "signals"]
    none += ["--language", "rules", "--fetch", "no-such-command {output}", "--ray", "local"]
    assert main(none) == 2
    assert "cannot be run: no-such-command" in capsys.readouterr().err
