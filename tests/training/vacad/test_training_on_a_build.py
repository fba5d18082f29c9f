"""From clips to words of the daemon: a build, a captioner trained on it, and a question to it."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("transformers", reason="the extra 'models' is not installed")
pytest.importorskip("peft", reason="the extra 'models' is not installed")
pytest.importorskip("pyarrow", reason="the extra 'train' is not installed")
pytest.importorskip("webdataset", reason="the extra 'train' is not installed")

from musiscene_core.captioning.mullama.config import read_manifest
from musiscene_core.captioning.mullama.packs import identity
from musiscene_core.captioning.request import ListenRequest, SoundPart
from musiscene_core.timeline import MediaReference
from musiscene_training.adapter.record import read_record
from musiscene_training.cli import main
from tests.support import tiny_training
from tests.support.clips import make_clip
from tests.support.daemons import home

pytestmark = [pytest.mark.models, pytest.mark.slow]

SPEC = "musiscene_daemon.engines.mullama:MullamaCaptioner"
CLIPS = 6


def test_a_captioner_trained_on_a_build_speaks_in_the_daemon(tmp_path, monkeypatch, capsys):
    for number in range(CLIPS):
        make_clip(tmp_path / f"clips/film{number}/clip.mp4", 110.0 * (number + 2), seconds=2)
    build = tmp_path / "build"
    begin = ["vacad", str(build), "--folder", str(tmp_path / "clips"), "--licence", "ours"]
    assert main([*begin, "--captioner", "signals", "--language", "rules"]) == 0
    captioner = tiny_training.make_captioner(tmp_path / "begun")
    for phase, data in (("pretrain", "music"), ("msi", "msi")):
        train = ["adapter", phase, "--captioner", str(captioner), "--data", str(build / data)]
        train += ["--output", str(tmp_path / phase), "--epochs", "2", "--batch", "2"]
        train += ["--rate", "0.001", "--most-tokens", "700", "--device", "cpu"]
        assert main([*train, "--features", str(tmp_path / "features")]) == 0
        captioner = tmp_path / phase / "captioner"
        assert f"Written: {captioner}" in capsys.readouterr().out
        rows = read_record(tmp_path / phase).rows
        assert (rows["train"] + rows["validation"], rows["left out"]) == (CLIPS, 0)
        assert rows["validation"] > 0
    assert len(list((tmp_path / "features").glob("*/*.npy"))) == CLIPS
    monkeypatch.setenv("MUSISCENE_CAPTIONER", str(captioner))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    media = MediaReference(path=str(tmp_path / "clips/film3/clip.mp4"), name="clip.mp4")
    wished = ListenRequest(
        captioner="mullama", sounds=(SoundPart(media=media),), questions=("What is it?",)
    )
    with home(tmp_path / "home") as place, place.connect("--engines-from", SPEC) as client:
        (info,) = [one for one in client.captioners() if one.name == "mullama"]
        assert info.model == identity(read_manifest(captioner))
        assert client.listen(wished).sections[0].captions[0].text
