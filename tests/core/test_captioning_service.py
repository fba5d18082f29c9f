"""The captioner as it serves: settled in any precision, its size known, nobody knowing another."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tracemalloc
from fractions import Fraction
from pathlib import Path

import msgspec
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("transformers", reason="the extra 'models' is not installed")
pytest.importorskip("peft", reason="the extra 'models' is not installed")

from safetensors.torch import load_file, save_file  # noqa: E402

from musiscene_core.captioning.generation import Generation  # noqa: E402
from musiscene_core.captioning.heard import Section  # noqa: E402
from musiscene_core.captioning.mullama import ways as choosing  # noqa: E402
from musiscene_core.captioning.mullama.asking import ask  # noqa: E402
from musiscene_core.captioning.mullama.backbone import load_backbone  # noqa: E402
from musiscene_core.captioning.mullama.config import read_manifest  # noqa: E402
from musiscene_core.captioning.mullama.conversion import Originals, convert  # noqa: E402
from musiscene_core.captioning.mullama.footprint import Footprint, footprint  # noqa: E402
from musiscene_core.captioning.mullama.listening import file_chunks  # noqa: E402
from musiscene_core.captioning.mullama.saved import load, reference, save  # noqa: E402
from musiscene_core.errors import CancelledError, EngineError, ModelError, RequestError  # noqa: E402
from musiscene_core.timeline import MediaReference  # noqa: E402
from tests.support import tiny_captioner as tiny_models  # noqa: E402
from tests.support.make_media import make_sound, tone  # noqa: E402

pytestmark = pytest.mark.models

GREEDY = Generation(temperature=0.0, max_tokens=10)
FREE = Generation(temperature=1.5, top_p=0.95, max_tokens=10, seed=3)
ASKED = ["Describe the music.", "What is it good for, at night, in a house by the sea?", "Tempo?"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("model")
    tiny = tiny_models.make(made, phase="finetune")
    given = Originals(llama=tiny.llama, encoder=tiny.encoder, checkpoint=tiny.checkpoint)
    convert(given, made / "captioner")
    return made / "captioner"


def features(count):
    chance = torch.Generator().manual_seed(5)
    return torch.randn(count, tiny_models.STATES, tiny_models.HEARD_WIDTH, generator=chance)


@pytest.mark.parametrize("precision", ["float32", "half", "int8"])
@pytest.mark.parametrize("settings", [GREEDY, FREE], ids=["greedy", "sampled"])
def test_answers_do_not_depend_on_the_batch_in_any_precision(folder, precision, settings):
    model = load(folder, precision=precision, to_answer=True)
    heard = features(3)
    together = model.answer(heard, ASKED, settings)
    alone = [model.answer(heard[i : i + 1], [ASKED[i]], settings)[0] for i in range(3)]
    backwards = model.answer(heard.flip(0), ASKED[::-1], settings)[::-1]
    assert together == alone == backwards
    assert len(set(together)) > 1


def test_a_settled_captioner_says_the_same_with_half_the_weights(folder):
    whole, settled = load(folder), load(folder, to_answer=True)
    assert settled.answer(features(3), ASKED, FREE) == whole.answer(features(3), ASKED, FREE)
    held = {
        name: part.untyped_storage().nbytes()
        for name, part in settled.backbone.named_parameters()
        if name.endswith("_proj.base_layer.weight")
    }
    # The values of the two layers that hear are kept; of all else one number is.
    assert sum(size > 4 for size in held.values()) == tiny_models.TOP
    ids = torch.tensor([[1, 2]])
    with pytest.raises(RuntimeError, match="only answer"):
        settled(ids, torch.ones_like(ids), features(1))


def test_eight_bits_are_packed_from_the_file_and_no_longer_hang_on_it(folder, tmp_path):
    copy = tmp_path / "captioner"
    shutil.copytree(folder, copy)
    model = load(copy, precision="int8", to_answer=True)
    before = model.answer(features(3), ASKED, GREEDY)
    maps = Path("/proc/self/maps")
    if maps.exists():
        import gc

        gc.collect()
        assert str(copy) not in maps.read_text()
    for path in copy.rglob("*.safetensors"):
        path.write_bytes(b"")
    assert model.answer(features(3), ASKED, GREEDY) == before


@pytest.mark.skipif(
    importlib.util.find_spec("bitsandbytes") is None, reason="bitsandbytes is not installed"
)
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
def test_four_bits_where_the_library_is_there(folder):
    model = load(folder, precision="int4", to_answer=True)
    linear = model.backbone.get_base_model().model.layers[0].self_attn.q_proj.base_layer
    assert type(linear).__name__ == "Linear4bit"
    assert linear.weight.dtype == torch.uint8
    assert len(set(model.answer(features(3), ASKED, FREE))) == 3


def test_four_bits_without_the_library_say_how_to_get_it(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EngineError, match="bitsandbytes") as refused:
        load_backbone(folder / "base", four_bits=True)
    assert "pip install" in refused.value.hint


def test_a_load_is_cancelled_between_two_tensors(folder):
    told = []

    def cancel(stage, fraction):
        told.append((stage, fraction))
        if fraction > 0.4:
            raise CancelledError("cancelled")

    with pytest.raises(CancelledError):
        load(folder, progress=cancel)
    assert sum(stage == "Loading the language model" for stage, _ in told) > 5


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("base/model-00001.safetensors", "model.layers.1.mlp.up_proj.weight"),
        ("encoder/model.safetensors", "encoder.layers.0.attention.k_proj.weight"),
        ("adapter.safetensors", "adapter.bridges.1.down.weight"),
    ],
)
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused_naming_the_tensor(
    folder, tmp_path, file, name, value
):
    copy = tmp_path / "captioner"
    shutil.copytree(folder, copy)
    tensors = load_file(copy / file)
    tensors[name].view(-1)[7] = value
    save_file(tensors, copy / file)
    manifest = read_manifest(copy)
    # As if it had been made so: what is told here is not a file that was exchanged.
    fields = {
        "base": reference(copy / "base", copy),
        "encoder": reference(copy / "encoder", copy),
    }
    save(copy, load_file(copy / "adapter.safetensors"), msgspec.structs.replace(manifest, **fields))
    with pytest.raises(ModelError, match=name.replace(".", r"\.")) as refused:
        load(copy)
    assert "no number" in refused.value.message


def test_its_size_is_known_before_it_is_loaded(folder):
    size = footprint(folder)
    model = load(folder)
    numbers = sum(one.numel() for one in model.backbone.get_base_model().model.parameters())
    lora = sum(p.numel() for n, p in model.backbone.named_parameters() if "lora" in n)
    norms = sum(p.numel() for n, p in model.backbone.named_parameters() if "modules_to_save" in n)
    head = model.backbone.get_base_model().lm_head.weight.numel()
    assert size.linears + size.embedding + size.rest == numbers - lora - norms
    assert size.head == head
    assert size.encoder == sum(one.numel() for one in model.encoder.hubert.parameters())
    own = sum(one.numel() for part in (model.adapter, model.prefix) for one in part.parameters())
    assert size.own == own + lora + norms
    assert size.bytes("float32", 700) > size.bytes("half", 700) > size.bytes("int8", 700)
    assert size.bytes("half", 700, batch=8) >= size.bytes("half", 700)


def test_the_size_of_the_published_captioner_is_what_its_shape_says(tmp_path):
    """LLaMA-2-7B's shapes: 13.5 GB in halves, and 6.9 GB in 8 bits but for embedding and head."""
    layer = 4 * 4096 * 4096 + 3 * 4096 * 11_008
    size = Footprint(
        linears=32 * layer,
        values=20 * 4096 * 4096,
        head=32_000 * 4096,
        embedding=32_000 * 4096,
        rest=65 * 4096,
        own=650_000_000,
        encoder=315_000_000,
        cached=2 * 32 * 4096,
        vocabulary=32_000,
        encoding=2_300_000_000,
        encoding_on_cpu=300_000_000,
    )
    assert round(size.token_bytes("half") / 1e9, 1) == 13.2
    assert round(size.token_bytes("int8") / 1e9, 1) == 6.7
    # 1 MiB a token, 0.8 GB an answer, beside 18 GB of weights.
    assert size.at_once_on_cpu("half", 768, 8) == 5
    assert size.at_once_on_cpu("half", 768, 2) == 2
    assert size.at_once_on_cpu("int8", 100_000, 8) == 1
    halves = size.bytes("half", 768) / 1e9
    assert 13.5 + 0.7 + 3.9 + 2.3 < halves < 1.1 * (13.5 + 0.7 + 3.9 + 2.3)
    assert size.bytes("int4", 768) < 0.7 * size.bytes("half", 768)
    held = size.bytes("int8", 768, on_cpu=True)
    # A processor hears in small parts: the cache of 768 tokens is what takes more.
    assert held == pytest.approx(1.05 * (size.weight_bytes("int8") + 805_690_000), rel=1e-3)
    assert size.bytes("int8", 768) - held > 1_500_000_000


def test_what_a_folder_holds_is_told_without_torch(folder, tmp_path):
    code = (
        "import sys; from pathlib import Path\n"
        "from musiscene_core.captioning.mullama.footprint import footprint\n"
        "from musiscene_core.captioning.mullama.packs import shelf\n"
        "from musiscene_daemon.engines.mullama import MullamaCaptioner\n"
        f"print(footprint(Path({str(folder)!r})).linears > 0)\n"
        "print(MullamaCaptioner().describe().needs)\n"
        "print([name for name in ('torch', 'transformers', 'peft') if name in sys.modules])\n"
    )
    environment = {**os.environ, "MUSISCENE_CAPTIONER": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.split() == ["True", "[]"]


def test_the_way_to_hold_it_follows_the_machine(folder, monkeypatch):
    size = footprint(folder)
    assert [(way.kind, way.precision) for way in choosing.ways(size, gpus=False)] == [
        ("cpu", "float32")
    ]
    monkeypatch.setattr(choosing, "SMALL_BYTES", 0)
    times = {"int8": 0.2, "half": 0.1, "float32": 0.4}
    monkeypatch.setattr(
        choosing, "pace", lambda _, one: choosing.Pace(token_s=times[one], bound_s=0.05, dtype=one)
    )
    found = [way.precision for way in choosing.ways(size, gpus=False)]
    assert found[:3] == ["half", "int8", "float32"]
    assert choosing.ways(size, gpus=True)[0] == choosing.Way(kind="gpu", precision="half")
    monkeypatch.setenv("MUSISCENE_CAPTIONER_PRECISION", "int8")
    assert [way.precision for way in choosing.ways(size, gpus=True)] == ["int8", "int8"]
    monkeypatch.setenv("MUSISCENE_CAPTIONER_PRECISION", "int9")
    with pytest.raises(RequestError, match="int9") as refused:
        choosing.ways(size, gpus=False)
    assert "half" in refused.value.hint


def test_the_pace_is_measured_on_products_of_its_shapes(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path))
    size = footprint(folder)
    assert len(size.products) == 4 * tiny_models.LAYERS + 1
    assert sum(rows * inputs for rows, inputs in size.products) == size.linears + size.head
    found = choosing.pace(size, "float32")
    assert found is not None
    assert found.token_s > found.bound_s > 0
    assert (tmp_path / "cache").exists()
    assert choosing.pace(size, "int4") is None


def sections(tmp_path, *spans):
    path = make_sound(tmp_path / "music.wav", tone(48_000 * 4, 440))
    media = MediaReference(path=str(path))
    return [Section(media=media, start_s=start, end_s=end) for start, end in spans]


def test_sections_are_answered_alike_however_many_at_a_time(folder, tmp_path):
    model = load(folder, to_answer=True)
    given = sections(tmp_path, (0, 1), (1, 2.5), (2, 4), (1, 1.01), (0, 4))
    results = [ask(model, given, ASKED, FREE, batch=batch) for batch in (1, 2, 8)]
    assert results[0] == results[1] == results[2]
    assert [bool(one.problem) for one in results[0]] == [False, False, False, True, False]
    assert [len(one.answers) for one in results[0]] == [3, 3, 3, 0, 3]
    features_ = model.encode(file_chunks(given[1].media.path, Fraction(1), Fraction(5, 2)))
    assert results[0][1].answers[2] == model.answer(features_[None], ASKED[2:], FREE)[0]


def test_each_section_is_heard_once_whatever_is_asked(folder, tmp_path, monkeypatch):
    model = load(folder, to_answer=True)
    heard = []
    encode = model.encoder.states

    def spied(chunk, *further, **named):
        heard.append(len(chunk))
        return encode(chunk, *further, **named)

    monkeypatch.setattr(model.encoder, "states", spied)
    ask(model, sections(tmp_path, (0, 1), (1, 3)), ASKED, GREEDY)
    assert heard == [24_000, 48_000]


def test_work_begun_again_with_less_at_a_time_tells_nothing_twice(folder, tmp_path):
    model = load(folder, to_answer=True)
    told = {}

    def hear(section, question, piece):
        assert piece
        told[section, question] = told.get((section, question), "") + piece

    def ladder(step, batch):
        step(batch)
        return step(1)

    said = ask(model, sections(tmp_path, (0, 1), (1, 3)), ASKED, FREE, on_text=hear, ladder=ladder)
    assert {key: text.strip() for key, text in told.items()} == {
        (place, number): answer
        for place, one in enumerate(said)
        for number, answer in enumerate(one.answers)
        if answer
    }


def test_it_is_stopped_while_it_listens(folder, tmp_path):
    model = load(folder, to_answer=True)
    steps = []

    def progress(stage, fraction):
        steps.append(fraction)
        if len(steps) == 4:
            raise CancelledError("cancelled")

    with pytest.raises(CancelledError):
        ask(model, sections(tmp_path, (0, 4)), ASKED, GREEDY, progress=progress)
    assert steps == sorted(steps)
    assert ask(model, sections(tmp_path, (0, 1)), ASKED[:1], GREEDY)[0].answers


@pytest.mark.slow
def test_hours_of_sections_need_the_memory_of_one(folder, tmp_path):
    model = load(folder, to_answer=True)
    path = make_sound(tmp_path / "short.wav", tone(48_000, 440))
    hours = Section(media=MediaReference(path=str(path)), start_s=0, end_s=3 * 3600)
    # The tiny encoder listens as the real one does, a minute at a time.
    tracemalloc.start()
    (said,) = ask(model, [hours], ASKED[:1], GREEDY)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert said.answers
    assert peak < 8 * 60 * 24_000 * 4


@pytest.mark.parametrize(("channels", "rate"), [(1, 11_025), (2, 44_100), (6, 48_000)])
def test_any_layout_and_rate_is_heard(folder, tmp_path, channels, rate):
    model = load(folder, to_answer=True)
    times = np.arange(2 * rate) / rate
    sound = np.stack([0.2 * np.sin(880 * np.pi * times)] * channels).astype(np.float32)
    path = make_sound(tmp_path / "music.wav", sound, rate=rate)
    section = Section(media=MediaReference(path=str(path)), start_s=0, end_s=2)
    (said,) = ask(model, [section], ASKED[:1], GREEDY)
    assert said.answers
    assert not said.problem


def test_samples_that_are_no_numbers_are_a_problem_of_their_section_alone(folder, tmp_path):
    model = load(folder, to_answer=True)
    times = np.arange(4 * 44_100) / 44_100
    sound = 0.2 * np.sin(880 * np.pi * times)[None].astype(np.float32)
    sound[0, 3 * 44_100] = np.nan
    path = make_sound(tmp_path / "broken.wav", sound, rate=44_100, codec="pcm_f32le")
    media = MediaReference(path=str(path))
    given = [Section(media=media, start_s=at, end_s=at + 2) for at in (0, 2)]
    said = ask(model, given, ASKED[:1], GREEDY)
    assert not said[0].problem
    assert "no numbers" in said[1].problem


@pytest.mark.parametrize("question", ["", "   ", "word " * 10_000])
def test_a_question_that_cannot_be_asked_is_refused_before_anything_is_heard(
    folder, tmp_path, question, monkeypatch
):
    model = load(folder, to_answer=True)
    monkeypatch.setattr(model, "encode", None)
    with pytest.raises(RequestError):
        ask(model, sections(tmp_path, (0, 1)), ["Fine?", question], GREEDY)
