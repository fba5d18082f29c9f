"""What is trained here is what the daemon speaks with: a captioner, and a house pack over it."""

from __future__ import annotations

import shutil

import pytest

pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("transformers", reason="the extra 'models' is not installed")
pytest.importorskip("peft", reason="the extra 'models' is not installed")

from musiscene_core.captioning.mullama.config import read_manifest
from musiscene_core.captioning.mullama.packs import identity
from musiscene_core.captioning.request import ListenRequest, SoundPart
from musiscene_core.timeline import MediaReference
from musiscene_training.adapter.run import train
from tests.support import tiny_training
from tests.support.daemons import home
from tests.support.tiny_training import wish

pytestmark = pytest.mark.models

SPEC = "musiscene_daemon.engines.mullama:MullamaCaptioner"


def test_the_daemon_loads_what_was_trained_and_says_other_words_with_it(tmp_path, monkeypatch):
    begun = tiny_training.make_captioner(tmp_path / "begun")
    data = tiny_training.make_data(tmp_path / "data")
    captioner = train(wish(begun, data, tmp_path / "msi")).result
    house = train(wish(captioner, data, tmp_path / "house", phase="house", name="noir", rate=0.05))
    shutil.copytree(house.result, captioner / "packs" / "noir")
    tiny_training.make_music(tmp_path, ("temp.wav",))
    media = MediaReference(path=str(tmp_path / "temp.wav"), name="temp.wav")

    def wished(**more):
        return ListenRequest(
            captioner="mullama",
            sounds=(SoundPart(media=media),),
            sectioning="each",
            section_s=1.0,
            questions=("What is it?",),
            **more,
        )

    monkeypatch.setenv("MUSISCENE_CAPTIONER", str(captioner))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with home(tmp_path / "home") as place, place.connect("--engines-from", SPEC) as client:
        (info,) = [one for one in client.captioners() if one.name == "mullama"]
        assert info.model == identity(read_manifest(captioner)) != identity(read_manifest(begun))
        assert [one.name for one in info.adapters] == ["noir"]
        plain = client.listen(wished()).sections[0].captions[0]
        styled = client.listen(wished(adapters=(("noir", 1.0),))).sections[0].captions[0]
    assert plain.text
    assert styled.text != plain.text
    assert styled.how.adapters == (("noir", 1.0),)
