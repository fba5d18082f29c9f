"""Which models of MusicGen there are to choose from, and what is said where there are none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("transformers", reason="the extra 'models' is not installed")

from musiscene_core.errors import EngineError  # noqa: E402
from musiscene_core.progress import silent  # noqa: E402
from musiscene_core.protocol.admission import check  # noqa: E402
from musiscene_core.request import ScoreRequest  # noqa: E402
from musiscene_daemon.engines.musicgen.engine import DTYPE_VARIABLE, MusicGenEngine  # noqa: E402
from musiscene_daemon.engines.musicgen.finding import WEIGHTS_VARIABLE  # noqa: E402
from tests.support import tiny_musicgen  # noqa: E402
from tests.support.scenes import brief_of  # noqa: E402

pytestmark = pytest.mark.models


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home and a hub's cache in which there is no model; where they lie."""
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.delenv(WEIGHTS_VARIABLE, raising=False)
    return tmp_path


def test_without_weights_it_says_what_is_missing(bare: Path) -> None:
    info = MusicGenEngine().describe()
    assert str(bare / "data/models") in info.lacks
    with pytest.raises(EngineError, match="cannot work yet: No weights of MusicGen"):
        check(ScoreRequest(brief=brief_of(5.0), engine="musicgen"), [info], ())


@pytest.mark.parametrize(
    ("named", "words"),
    [("nowhere", "is no folder"), ("empty", "holds no MusicGen"), ("other", "holds no MusicGen")],
)
def test_a_folder_that_is_no_musicgen_is_said_to_be_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str, words: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other/config.json").write_text('{"model_type": "llama"}')
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(tmp_path / named))
    assert words in MusicGenEngine().describe().lacks


def test_models_in_the_data_folder_and_the_hub_cache_are_found(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from musiscene_daemon.engines.musicgen.finding import choices, find, found

    large = bare / "data/models/musicgen-large"
    small = bare / "hub/models--facebook--musicgen-small/snapshots/abc"
    for folder in (large, small):
        folder.mkdir(parents=True)
    assert find() is None
    (large / "config.json").write_text("{}")
    assert find() == large
    (small / "config.json").write_text("{}")
    assert find() == small
    assert list(choices()) == ["small", "large"]
    own = bare / "musicgen-own"
    monkeypatch.setenv(WEIGHTS_VARIABLE, os.pathsep.join((str(own), str(large))))
    assert choices() == {"own": own, "large": large, "small": small}
    assert found("small") == small
    with pytest.raises(EngineError, match="no MusicGen called 'tiny', but own, large, small"):
        found("tiny")
    with pytest.raises(EngineError, match="which is no folder"):
        found()


def test_one_of_several_models_is_chosen_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv(DTYPE_VARIABLE, "float32")
    weights = tiny_musicgen.save(tmp_path / "musicgen-tiny")
    engine = MusicGenEngine()
    second = tiny_musicgen.save(tmp_path / "musicgen-second")
    monkeypatch.setenv(WEIGHTS_VARIABLE, os.pathsep.join((str(weights), str(second))))
    info = engine.describe()
    assert [model.name for model in info.models] == ["tiny", "second"]
    assert all(model.bytes > 1000 and not model.problem for model in info.models)
    assert info.models[0].licence == "CC-BY-NC-4.0"
    second_wish = ScoreRequest(brief=brief_of(0.5), engine="musicgen", model="second")
    check(second_wish, [info], ())
    place = tmp_path / "take"
    place.mkdir()
    take = engine.score(second_wish, 1, "take-1", place, silent)
    assert take.provenance.model == "musicgen-second"
