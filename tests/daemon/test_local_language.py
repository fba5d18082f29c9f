"""A language model in a folder: a real one, tiny and random, asked in this process."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
transformers = pytest.importorskip("transformers", reason="the extra 'models' is not installed")

from tokenizers import Tokenizer  # noqa: E402
from tokenizers.models import WordLevel  # noqa: E402
from tokenizers.pre_tokenizers import Whitespace  # noqa: E402

from musiscene_core.captioning.language.model import Sampling  # noqa: E402
from musiscene_core.captioning.writing import written  # noqa: E402
from musiscene_core.errors import CancelledError, EngineError, RequestError  # noqa: E402
from musiscene_daemon.engines.local_language import LocalLanguageModel  # noqa: E402
from musiscene_daemon.residency.residents import Residents  # noqa: E402
from musiscene_daemon.scribe import Scribe  # noqa: E402

pytestmark = pytest.mark.models

WORDS = "<end> <unknown> slow fast soft loud strings piano drums and over with under a the music"
CHAT = "{% for m in messages %}music {{ m['content'] }} slow{% endfor %}"


def folder_of_a_model(folder: Path, chat: str | None = None) -> Path:
    vocabulary = {word: place for place, word in enumerate(WORDS.split())}
    plain = Tokenizer(WordLevel(vocabulary, unk_token="<unknown>"))
    plain.pre_tokenizer = Whitespace()
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=plain, eos_token="<end>", unk_token="<unknown>"
    )
    tokenizer.chat_template = chat
    tokenizer.save_pretrained(folder)
    torch.manual_seed(5)
    config = transformers.LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=256,
        bos_token_id=None,
        eos_token_id=None,
        initializer_range=0.4,
    )
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    return folder


SAMPLING = Sampling(max_tokens=24, seed=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of_a_model(tmp_path_factory.mktemp("tiny-writer"), CHAT)


def test_it_answers_piece_by_piece_and_alike_for_one_seed(folder: Path) -> None:
    model = LocalLanguageModel(folder, Residents())
    pieces: list[str] = []
    first = model.ask("the music", SAMPLING, on_piece=pieces.append)
    assert first.text == "".join(pieces)
    assert len(pieces) > 1
    assert (first.model, first.place, first.left_machine) == (folder.name, "", False)
    assert model.ask("the music", SAMPLING) == first
    others = {model.ask("the music", Sampling(max_tokens=24, seed=seed)).text for seed in range(4)}
    assert len(others) > 1


def test_the_answer_is_what_transformers_itself_draws(folder: Path) -> None:
    greedy = Sampling(temperature=0.0, max_tokens=12)
    mine = LocalLanguageModel(folder, Residents()).ask("the music", greedy).text
    assert len(mine.split()) > 6
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    ids = tokenizer("music the music slow", return_tensors="pt").input_ids
    drawn = model.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, do_sample=False, pad_token_id=0
    )
    assert mine == tokenizer.decode(drawn[0, ids.shape[1] :], skip_special_tokens=True)


def test_a_model_without_a_chat_template_gets_the_prompt_as_it_is(tmp_path: Path) -> None:
    model = LocalLanguageModel(folder_of_a_model(tmp_path / "plain"), Residents())
    assert model.ask("slow strings", SAMPLING).text


def test_drawing_leaves_others_chance_alone(folder: Path) -> None:
    torch.manual_seed(9)
    wanted = torch.rand(3)
    torch.manual_seed(9)
    LocalLanguageModel(folder, Residents()).ask("the music", SAMPLING)
    assert torch.equal(torch.rand(3), wanted)


def test_it_can_be_stopped_half_way(folder: Path) -> None:
    heard: list[str] = []

    def progress(stage: str, fraction: float) -> None:
        if len(heard) == 2:
            raise CancelledError("enough")

    with pytest.raises(CancelledError):
        LocalLanguageModel(folder, Residents()).ask(
            "the music", SAMPLING, on_piece=heard.append, progress=progress
        )
    assert len(heard) == 2


def test_a_prompt_beyond_its_reach_is_refused(folder: Path) -> None:
    model = LocalLanguageModel(folder, Residents())
    with pytest.raises(RequestError, match="language model takes 232 with 24 for the answer"):
        model.ask("music " * 300, SAMPLING)


def test_what_is_no_model_is_told_in_words(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(EngineError, match="holds no language model"):
        LocalLanguageModel(tmp_path / "nowhere", Residents())
    broken = folder_of_a_model(tmp_path / "broken", CHAT)
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-500])
    with pytest.raises(EngineError, match="cannot be loaded"):
        LocalLanguageModel(broken, Residents()).ask("the music", SAMPLING)
    unspoken = folder_of_a_model(tmp_path / "unspoken", CHAT)
    (unspoken / "tokenizer.json").write_text("{", encoding="utf-8")
    with pytest.raises(EngineError, match="cannot be loaded"):
        LocalLanguageModel(unspoken, Residents()).ask("the music", SAMPLING)


def test_the_scribe_takes_the_folder_that_the_environment_names(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MUSISCENE_LLM_URL", raising=False)
    monkeypatch.setenv("MUSISCENE_LLM_FOLDER", str(folder))
    residents = Residents()
    scribe = Scribe("model", residents, 0)
    assert scribe.has_model
    made = written("the music", LocalLanguageModel(folder, residents), SAMPLING)
    assert made.origin == "model"
    assert made.how is not None
    assert made.how.writer == folder.name
    assert [info.name for info in residents.models()] == [f"language:{folder}"]
