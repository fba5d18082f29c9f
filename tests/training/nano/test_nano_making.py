"""A nano captioner made from nothing at a tiny size: every stage, stopped, resumed and exported."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
for _needed in ("nltk", "rouge_score", "sacrebleu"):
    pytest.importorskip(_needed, reason="the extra 'train' is not installed")

from musiscene_core.captioning.generation import Generation  # noqa: E402
from musiscene_core.captioning.nano.asking import answer_tokens  # noqa: E402
from musiscene_core.captioning.nano.features import Views  # noqa: E402
from musiscene_core.captioning.nano.network import Speaker, embedding, told  # noqa: E402
from musiscene_core.captioning.nano.saved import load  # noqa: E402
from musiscene_core.captioning.prompts import DESCRIBE, SCENE  # noqa: E402
from musiscene_core.errors import InputError, ModelError  # noqa: E402
from musiscene_training.cli import main  # noqa: E402
from musiscene_training.nano import examples, fitting, recipe  # noqa: E402
from musiscene_training.nano.export import export  # noqa: E402
from musiscene_training.nano.hearing import HEADS, _balanced, hear, train_encoder  # noqa: E402
from musiscene_training.nano.model import (  # noqa: E402
    Adapter,
    Encoder,
    EncoderShape,
    Language,
    LanguageShape,
)
from musiscene_training.nano.speaking import (  # noqa: E402
    Heard,
    _blurred,
    train_language,
    train_msi,
    train_mu,
    vocabulary,
)

pytestmark = [pytest.mark.models, pytest.mark.slow]

ENCODER = EncoderShape(channels=(8, 12), kernels=(5, 3), strides=(4, 4), pulse=8, pitch=8, width=16)
LANGUAGE = LanguageShape(
    words=0,
    width=16,
    layers=3,
    heads=2,
    inner=24,
    heard_layers=2,
    heard_tokens=3,
    bridges=2,
    bridge_inner=24,
)
TINY = recipe.Recipe(
    seed=3,
    cues=12,
    last=2,
    of_each=1,
    encoder_steps=4,
    language_steps=4,
    mu_steps=4,
    msi_steps=4,
    encoder=ENCODER,
    language=LANGUAGE,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    work, output = tmp_path_factory.mktemp("work"), tmp_path_factory.mktemp("output")
    return work, output, recipe.make(work, output, TINY)


@pytest.fixture(scope="module")
def heard():
    random = np.random.default_rng(1)
    return Heard(
        torch.from_numpy(random.standard_normal((6, 16)).astype(np.float32)),
        tuple(_traits(random) for _ in range(6)),
    )


def _traits(random):
    from musiscene_training.nano.truth import any_traits

    return any_traits(random)


def test_the_same_recipe_makes_the_same_captioner_and_redoes_nothing(made, tmp_path):
    work, output, figures = made
    before = {path.name: path.read_bytes() for path in output.iterdir()}
    assert set(before) == {"model.json", "weights.npz", "figures.json"}
    times = {path: path.stat().st_mtime_ns for path in work.rglob("*") if path.suffix != ".json"}
    assert recipe.make(work, tmp_path / "again", TINY) == figures
    assert {p.name: p.read_bytes() for p in (tmp_path / "again").iterdir()} == before
    assert {path: path.stat().st_mtime_ns for path in times} == times


def test_figures_cover_what_was_held_out(made):
    _, _, figures = made
    assert [figures.items[f"unseen-{what}, plain"] for what in ("seeds", "idioms")] == [1, 1]
    assert all(0 <= row.bleu <= 1 for row in figures.rows)
    assert figures.row("MusiScene-nano", SCENE).model == "MusiScene-nano"


def test_another_recipe_is_refused_in_the_same_folder(made, tmp_path):
    with pytest.raises(InputError, match="another recipe"):
        recipe.make(made[0], tmp_path, replace(TINY, seed=4))


def test_numpy_says_what_torch_says(tmp_path):
    torch.manual_seed(1)
    words = vocabulary()
    encoder, language = Encoder(ENCODER, dict(HEADS)), Language(replace(LANGUAGE, words=len(words)))
    adapter = Adapter(16, language.shape)
    with torch.no_grad():
        adapter.gates.normal_()
        for norm in encoder.norms:
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)
            norm.weight.normal_()
        # What is exported is float16: torch computes with the same numbers.
        for part in (language, adapter):
            for weight in part.parameters():
                weight.copy_(weight.half().float())
    adapters = {"mu": adapter, "msi": adapter}
    export(tmp_path, words, encoder, language, adapters, torch.rand(9, 16), seed=1, cues=0)
    nano = load(tmp_path)
    random = np.random.default_rng(1)
    views = Views(
        random.standard_normal((250, 64)).astype(np.float32),
        random.standard_normal((6, 72)).astype(np.float32),
        random.dirichlet(np.ones(36), 40).reshape(40, 3, 12).astype(np.float32),
        random.uniform(0, 2, (5, 7)).astype(np.float32),
    )
    encoder.eval()
    with torch.no_grad():
        embedded = encoder(*(torch.from_numpy(view)[None] for view in views))
        kinds = encoder.told(embedded)["kind"][0].numpy()
    mine = embedding(nano.encoder, nano.manifest.strides, views)
    assert np.allclose(mine, embedded[0].numpy(), rtol=0.02, atol=0.02)
    assert np.allclose(told(nano.encoder, "kind", mine), kinds, rtol=0.02, atol=0.02)

    tokens = [1, *words.tokens(SCENE), 2, 10, 11, 12]
    with torch.no_grad():
        wanted = language(torch.tensor([tokens]), adapter, torch.from_numpy(mine)[None])[0]
    speaker = Speaker(nano.language, nano.adapters["msi"], mine, LANGUAGE.heads)
    for token, logits in zip(tokens, wanted, strict=True):
        assert np.allclose(speaker.logits(token), logits.numpy(), rtol=1e-3, atol=1e-4)


def test_what_is_heard_changes_the_answer(tmp_path, heard):
    words = vocabulary()
    language = Language(replace(LANGUAGE, words=len(words)))
    adapter = Adapter(16, language.shape)
    tokens = torch.tensor([[1, 5, 9]])
    deaf = language(tokens, adapter, heard.embeddings[:1])
    assert torch.equal(deaf, language(tokens)), "gates begin at zero"
    with torch.no_grad():
        adapter.gates.fill_(1.0)
    one = language(tokens, adapter, heard.embeddings[:1])
    assert not torch.allclose(one, language(tokens, adapter, heard.embeddings[1:2]))


def test_embeddings_are_blurred_and_stay_what_they_mostly_are():
    embeddings = torch.eye(6) * 10
    blurred = _blurred(embeddings, np.array([2, 5]), np.random.default_rng(1))
    assert blurred.argmax(dim=1).tolist() == [2, 5]
    assert not torch.equal(blurred, embeddings[[2, 5]])


def test_pitch_views_keep_their_strength_when_their_ranges_change():
    pitch = torch.rand(4, 40, 3, 12)
    pitch *= 40 / pitch.sum(dim=(1, 2, 3), keepdim=True)
    changed = _balanced(pitch, np.random.default_rng(1))
    assert torch.allclose(changed.sum(dim=(1, 2, 3)), torch.full((4,), 40.0), rtol=1e-4)
    ranges = changed.sum(dim=(1, 3)) / pitch.sum(dim=(1, 3))
    assert ranges.std(dim=1).min() > 0.01
    assert torch.allclose(changed / pitch, (changed / pitch)[:, :1, :, :1].expand_as(pitch))


def test_each_phase_changes_its_own_parameters_and_no_others(tmp_path, heard):
    words = vocabulary()
    language = train_language(tmp_path, words, replace(LANGUAGE, words=len(words)), steps=2, seed=1)
    before = {name: weight.clone() for name, weight in language.state_dict().items()}
    mu = train_mu(tmp_path, words, language, heard, steps=2, seed=1)
    changed = {
        n for n, weight in language.state_dict().items() if not torch.equal(weight, before[n])
    }
    assert changed == set(before)
    frozen = {name: weight.clone() for name, weight in language.state_dict().items()}
    # From step 2 on: with the gates at zero, nothing behind them learns in the first.
    msi = train_msi(tmp_path, words, language, mu, heard, steps=3, seed=1)
    assert all(torch.equal(weight, frozen[n]) for n, weight in language.state_dict().items())
    ours = dict(mu.named_parameters())
    assert all(not torch.equal(weight, ours[name]) for name, weight in msi.named_parameters())


def test_a_stage_that_was_killed_ends_as_one_that_was_not(tmp_path, heard, monkeypatch):
    monkeypatch.setattr(fitting, "SAVE_EVERY", 2)
    words = vocabulary()
    shape = replace(LANGUAGE, words=len(words))

    def killed(stage, fraction):
        if fraction > 0.5:
            raise KeyboardInterrupt

    (tmp_path / "once").mkdir()
    (tmp_path / "twice").mkdir()
    whole = train_language(tmp_path / "once", words, shape, steps=5, seed=1)
    with pytest.raises(KeyboardInterrupt):
        train_language(tmp_path / "twice", words, shape, steps=5, seed=1, progress=killed)
    steps = []
    resumed = train_language(
        tmp_path / "twice", words, shape, steps=5, seed=1, on_loss=lambda s, _: steps.append(s)
    )
    assert steps == [2, 3, 4]
    for name, weight in whole.state_dict().items():
        assert torch.equal(weight, resumed.state_dict()[name]), name


def test_a_damaged_checkpoint_is_named_with_what_to_do(tmp_path):
    words = vocabulary()
    (tmp_path / "language.pt").write_bytes(b"no checkpoint")
    with pytest.raises(ModelError, match=r"language\.pt") as told:
        train_language(tmp_path, words, replace(LANGUAGE, words=len(words)), steps=2, seed=1)
    assert "Delete it" in told.value.hint


def test_the_encoder_learns_what_it_is_shown(made, tmp_path):
    work, _, _ = made
    shown = examples.read(work / "examples", range(12))
    losses = []
    encoder = train_encoder(
        tmp_path, shown, ENCODER, steps=30, seed=1, on_loss=lambda _, loss: losses.append(loss)
    )
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])
    assert hear(encoder, shown)[0].shape == (12, 16)


def test_an_answer_of_random_weights_is_within_the_vocabulary(made):
    nano = load(made[1])
    tokens = list(answer_tokens(nano, np.ones(16, np.float32), DESCRIBE, "mu", Generation()))
    assert nano.sentences.has(DESCRIBE, tokens), "bound to sentences"
    free = Generation(temperature=1.0)
    tokens = list(answer_tokens(nano, np.ones(16, np.float32), DESCRIBE, "mu", free, bound=False))
    assert nano.words.knows(nano.words.text(tokens))
    assert not nano.sentences.has(DESCRIBE, tokens)
    assert len(tokens) <= LANGUAGE.tokens


def test_the_command_without_torch_says_how_to_get_it(tmp_path, capsys, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "torch", None)
    for name in [name for name in sys.modules if name.startswith("musiscene_training.nano.recipe")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "musiscene_training.nano.recipe", raising=False)
    code = main(["nano", "--output", str(tmp_path / "o"), "--work", str(tmp_path / "w")])
    assert code == 2
    assert "musiscene[train]" in capsys.readouterr().err
