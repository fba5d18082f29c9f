"""A tiny Hybrid Transformer Demucs of random weights takes a mix apart; damaged files are told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("demucs", reason="the extra 'stems' is not installed")

from demucs.htdemucs import HTDemucs  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

from musiscene_core.cue import STEM_ROLES  # noqa: E402
from musiscene_core.errors import ModelError  # noqa: E402
from musiscene_core.separating.by_rules import taken_apart  # noqa: E402
from musiscene_daemon.engines.demucs import KINDS, VARIABLE, Demucs, find, load  # noqa: E402
from tests.support.songs import RATE, song  # noqa: E402
from tests.support.tiny_demucs import SETTINGS, tiny_demucs  # noqa: E402

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_demucs(tmp_path_factory.mktemp("models") / "tiny-demucs.th")


@pytest.fixture(scope="module")
def tiny(weights: Path) -> Demucs:
    return load(weights)


def test_its_stems_become_ours_and_sum_to_the_mix(tiny: Demucs) -> None:
    mix = song(120.0, "A", bars=1).audio[:, : 3 * RATE]
    parts = tiny.split(mix)
    assert set(parts) == set(SETTINGS["sources"])
    pieces = [piece for _, piece in taken_apart(mix, split=lambda *_: parts)]
    stems = {role: np.concatenate([one[role] for one in pieces], axis=1) for role in STEM_ROLES}
    assert np.array_equal(stems["percussion"], parts["drums"])
    assert np.array_equal(stems["bass"], parts["bass"])
    rest = parts["other"] + parts["vocals"]
    assert np.allclose(stems["melody"] + stems["harmony"], rest, atol=1e-5)
    assert np.allclose(sum(stems.values()), mix, atol=1e-5)


def test_a_melody_is_heard_without_drums_and_bass(tiny: Demucs) -> None:
    mix = song(120.0, "A", bars=1).audio[:, : 2 * RATE]
    parts = tiny.split(mix)
    asked: list[int] = []
    rest = tiny.tuneful(mix, lambda: asked.append(1))
    assert np.array_equal(rest, parts["other"] + parts["vocals"])
    assert asked


def test_safetensors_hold_the_same_model(tiny: Demucs, weights: Path, tmp_path: Path) -> None:
    settings = {**SETTINGS, "segment": {"_type": "fraction", "numerator": 1, "denominator": 1}}
    about = {"klass": KINDS[0], "args": "[]", "kwargs": json.dumps(settings)}
    path = tmp_path / "demucs.safetensors"
    save_file(dict(tiny.model.state_dict()), path, metadata=about)
    mix = song(120.0, "A", bars=1).audio[:, :RATE]
    again = load(path).split(mix)
    assert all(np.array_equal(again[name], part) for name, part in tiny.split(mix).items())


@pytest.mark.parametrize("what", ["empty", "cut", "code", "other", "stems"])
def test_what_is_no_demucs_is_refused_and_runs_nothing(
    weights: Path, tmp_path: Path, what: str
) -> None:
    path = tmp_path / "demucs.th"
    whole = weights.read_bytes()
    if what == "empty":
        path.write_bytes(b"")
    elif what == "cut":
        path.write_bytes(whole[: len(whole) // 2])
    elif what == "code":
        torch.save({"klass": print, "args": (), "kwargs": {}, "state": {}}, path)
    elif what == "other":
        torch.save({"klass": HTDemucs, "args": (), "kwargs": {"sources": ["a"]}, "state": {}}, path)
    else:
        settings = {**SETTINGS, "sources": ["speech", "noise"]}
        state = HTDemucs(**settings).state_dict()
        torch.save({"klass": HTDemucs, "args": (), "kwargs": settings, "state": state}, path)
    with pytest.raises(ModelError):
        load(path)


def test_a_safetensors_file_names_no_code(tmp_path: Path) -> None:
    path = tmp_path / "demucs.safetensors"
    about = {"klass": "os.system", "args": '["true"]', "kwargs": "{}"}
    save_file({"a": torch.zeros(1)}, path, metadata=about)
    with pytest.raises(ModelError, match=r"holds no Demucs but 'os\.system'"):
        load(path)


def test_it_is_found_by_name_or_among_the_models(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path))
    monkeypatch.delenv(VARIABLE, raising=False)
    assert find() is None
    (tmp_path / "data/models").mkdir(parents=True)
    placed = tmp_path / "data/models/htdemucs.th"
    placed.write_bytes(weights.read_bytes())
    assert find() == placed
    monkeypatch.setenv(VARIABLE, str(weights))
    assert find() == weights
    monkeypatch.setenv(VARIABLE, str(tmp_path / "nowhere.th"))
    with pytest.raises(ModelError, match="is no file"):
        find()
