"""A captioner that begins with nothing, learns to listen, and refuses what it cannot be yet."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("transformers", reason="the extra 'models' is not installed")
pytest.importorskip("peft", reason="the extra 'models' is not installed")

from musiscene_core.captioning.mullama.config import read_manifest  # noqa: E402
from musiscene_core.captioning.mullama.saved import load, own_tensors  # noqa: E402
from musiscene_core.errors import RequestError  # noqa: E402
from musiscene_training.adapter.run import train  # noqa: E402
from musiscene_training.cli import main  # noqa: E402
from tests.support import tiny_captioner, tiny_training  # noqa: E402

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("place")
    tiny_training.make_captioner(folder)
    tiny_training.make_data(folder / "data")
    return folder


def test_it_begins_as_its_language_model_and_listens_after_pretraining(place, capsys):
    new = ["new", "--base", f"{place}/captioner/base", "--mert", f"{place}/mert"]
    new += ["--output", f"{place}/begun", "--licence", "MIT"]
    assert main(new) == 0
    assert "2 layers" in capsys.readouterr().out
    assert main(new) == 2
    assert "exists already" in capsys.readouterr().err
    manifest = read_manifest(place / "begun")
    assert (manifest.config.prefix_layers, manifest.licence) == (2, "MIT")
    model = load(place / "begun")
    ids = torch.tensor([[1, 5, 9]])
    heard = torch.randn(1, tiny_captioner.STATES, tiny_captioner.HEARD_WIDTH)
    with torch.no_grad():
        scores = model(ids, torch.ones_like(ids), heard)
        assert torch.equal(scores, model.backbone(input_ids=ids).logits)
    with pytest.raises(RequestError, match="does not listen yet"):
        train(tiny_training.wish(place / "begun", place / "data", place / "early"))
    wished = tiny_training.wish(place / "begun", place / "data", place / "run", phase="pretrain")
    learned = load(train(wished).result)
    before, after = own_tensors(model), own_tensors(learned)
    assert all(not torch.equal(after[name], before[name]) for name in before)
    with torch.no_grad():
        assert not torch.equal(learned(ids, torch.ones_like(ids), heard), scores)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (["--prefix-layers", "9"], "9 layers cannot hear: the language model has 3"),
        (["--query-len", "0"], "must be 1 to 1024"),
        (["--base", "absent"], "no folder of a language model"),
        (["--mert", "absent"], "absent"),
    ],
)
def test_what_cannot_be_made_is_refused_with_nothing_left_behind(
    place, tmp_path, changes, says, capsys
):
    new = ["new", "--base", f"{place}/captioner/base", "--mert", f"{place}/mert"]
    assert main([*new, "--output", f"{tmp_path}/begun", *changes]) == 2
    assert says in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
