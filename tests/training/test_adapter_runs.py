"""Whole trainings of a tiny real model: resumed, killed, on a full disk, with bad clips."""

from __future__ import annotations

import dataclasses
import os
import resource
import signal
import subprocess
import time

import pytest

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("transformers", reason="the extra 'models' is not installed")
pytest.importorskip("peft", reason="the extra 'models' is not installed")

import msgspec  # noqa: E402
import numpy as np  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

from musiscene_core.captioning.generation import Generation  # noqa: E402
from musiscene_core.captioning.mullama.config import read_manifest  # noqa: E402
from musiscene_core.captioning.mullama.packs import read_pack  # noqa: E402
from musiscene_core.captioning.mullama.saved import load  # noqa: E402
from musiscene_core.errors import EngineError, InputError, OutputError, RequestError  # noqa: E402
from musiscene_core.neural import threads  # noqa: E402
from musiscene_training.adapter.checkpoints import BEST_FILE, CHECKPOINTS  # noqa: E402
from musiscene_training.adapter.journal import read_log  # noqa: E402
from musiscene_training.adapter.record import read_record  # noqa: E402
from musiscene_training.adapter.run import PLOTS, PROBLEMS_FILE, train  # noqa: E402
from musiscene_training.dataset import Problem, Row, write_rows  # noqa: E402
from musiscene_training.holding import alone  # noqa: E402
from tests.support import tiny_captioner, tiny_training  # noqa: E402
from tests.support.tiny_training import wish  # noqa: E402

pytestmark = pytest.mark.models

STEPS = 4


@pytest.fixture(scope="module", autouse=True)
def as_many_threads_as_the_command():
    """Sums over other parts round otherwise: what was begun by it is gone on with here."""
    before = torch.get_num_threads()
    threads.use_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A captioner, a dataset of 7 + 2 rows, and a training of it that nothing disturbed."""
    folder = tmp_path_factory.mktemp("place")
    captioner = tiny_training.make_captioner(folder)
    data = tiny_training.make_data(folder / "data")
    done = train(wish(captioner, data, folder / "whole", shown=1, shown_tokens=4))
    assert done.finished
    assert (done.step, done.steps) == (STEPS, STEPS)
    return folder


def started(place, output, **more):
    return wish(place / "captioner", place / "data", output, shown=1, shown_tokens=4, **more)


def newest(folder):
    return sorted((folder / CHECKPOINTS).iterdir())[-1]


def assert_same(run, whole):
    """Bit for bit: what trained, its moments, what is best, what came of it, and the log."""
    assert newest(run).name == newest(whole).name
    for name in ("trained.safetensors", "optimiser.safetensors", "state.json"):
        assert (newest(run) / name).read_bytes() == (newest(whole) / name).read_bytes(), name
    for name in (BEST_FILE, "captioner/adapter.safetensors", "captioner/manifest.json"):
        assert (run / name).read_bytes() == (whole / name).read_bytes(), name
    timeless = [
        [
            {key: value for key, value in event.items() if "second" not in key}
            for event in read_log(one)
        ]
        for one in (run, whole)
    ]
    assert timeless[0] == timeless[1]


def interrupted_after(step):
    def progress(stage, fraction):
        if stage.startswith("Epoch") and fraction == step / STEPS:
            os.kill(os.getpid(), signal.SIGINT)

    return progress


@pytest.mark.parametrize("told", [1, 2])
def test_ctrl_c_and_the_same_again_is_as_if_uninterrupted(place, tmp_path, told):
    wished = started(place, tmp_path / "run")
    # The signal comes when one step was told of, and is obeyed when the next is done: at the end
    # of an epoch, and within one.
    stopped = train(wished, interrupted_after(told))
    assert (stopped.finished, stopped.step) == (False, told + 1)
    assert train(wished).finished
    assert_same(tmp_path / "run", place / "whole")


def test_a_training_killed_at_any_moment_goes_on_from_its_checkpoint(place, tmp_path):
    wished = started(place, tmp_path / "run")
    child = subprocess.Popen(
        tiny_training.command(wished), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while child.poll() is None and not list((tmp_path / "run").glob("checkpoints/step-*")):
        time.sleep(0.01)
    child.kill()
    child.wait()
    assert train(wished).finished
    assert_same(tmp_path / "run", place / "whole")


def test_a_damaged_checkpoint_is_told_and_the_one_before_goes_on(place, tmp_path, caplog):
    wished = started(place, tmp_path / "run")
    train(wished, interrupted_after(2))
    path = newest(tmp_path / "run") / "optimiser.safetensors"
    path.write_bytes(path.read_bytes()[:-7])
    assert train(wished).finished
    assert str(path.parent) in caplog.text
    assert_same(tmp_path / "run", place / "whole")


def test_a_finished_training_says_so_again_and_changes_nothing(place, tmp_path):
    before = (newest(place / "whole") / "trained.safetensors").stat().st_mtime_ns
    again = train(started(place, place / "whole"))
    assert again.finished
    assert (newest(place / "whole") / "trained.safetensors").stat().st_mtime_ns == before


def test_the_loss_falls_and_all_of_it_is_written_down(place):
    whole = place / "whole"
    events = read_log(whole)
    steps = [event for event in events if event["event"] == "step"]
    checks = [event for event in events if event["event"] == "validation"]
    assert [event["step"] for event in steps] == [1, 2, 3, 4]
    assert [event["rows"] for event in steps] == [4, 3, 4, 3]
    assert sum(event["loss"] for event in steps[2:]) < sum(event["loss"] for event in steps[:2])
    assert [event["step"] for event in checks] == [2, 4]
    assert {"id", "question", "wrote", "wanted"} == set(checks[0]["captions"][0])
    signs = [event for event in events if event["event"] == "signs"]
    assert [event["step"] for event in signs] == [2, 4]
    assert {"distinct-2", "copies of training text", "warnings"} <= set(signs[0])
    record = read_record(whole)
    assert record.rows == {"train": 7, "validation": 2, "cut": 0, "left out": 0}
    assert record.trained == sum(
        tensor.numel() for tensor in load_file(newest(whole) / "trained.safetensors").values()
    )
    assert record.settings.seed == 0
    assert len(record.data_digest) == 64
    for name in ("loss", "rate", "tokens_a_second"):
        assert (whole / PLOTS / f"{name}.png").read_bytes()[:4] == b"\x89PNG"


def test_a_trained_captioner_is_loaded_and_answers_otherwise(place):
    before, after = load(place / "captioner"), load(place / "whole/captioner")
    manifest = read_manifest(place / "whole/captioner")
    assert manifest.dataset_digest == read_record(place / "whole").data_digest
    assert manifest.licence == "MIT"
    shape = (1, tiny_captioner.STATES, tiny_captioner.HEARD_WIDTH)
    heard = torch.randn(shape, generator=torch.Generator().manual_seed(3))
    ids = torch.tensor([[1, 5, 9]])
    with torch.no_grad():
        scores = [model(ids, torch.ones_like(ids), heard) for model in (before, after)]
    assert not torch.allclose(*scores, atol=1e-4)


def test_a_new_lora_of_finetune_is_loaded_as_part_of_the_captioner(place, tmp_path):
    wished = started(place, tmp_path / "run", phase="finetune", rank=3, epochs=1)
    assert train(wished).finished
    manifest = read_manifest(tmp_path / "run/captioner")
    assert (manifest.config.lora_rank, manifest.config.lora_alpha) == (3, 16.0)
    load(tmp_path / "run/captioner")
    best = load_file(tmp_path / "run" / BEST_FILE)
    own = load_file(tmp_path / "run/captioner/adapter.safetensors")
    name = "base_model.model.model.layers.1.mlp.up_proj.lora_B"
    assert torch.equal(own[f"{name}.weight"], best[f"backbone.{name}.default.weight"])
    assert own[f"{name}.bias"].any()


def test_a_house_pack_changes_what_its_captioner_says(place, tmp_path):
    data = tiny_training.make_data(tmp_path / "data", licence="CC-BY-NC-4.0")
    wished = {"phase": "house", "name": "noir", "rate": 0.05, "licence": "MIT"}
    done = train(wish(place / "captioner", data, tmp_path / "run", **wished))
    manifest = read_manifest(place / "captioner")
    pack = read_pack(done.result, manifest)
    assert (pack.name, pack.manifest.rank) == ("noir", 8)
    assert pack.manifest.licence == "MIT; made of what is under CC-BY-NC-4.0"
    assert f"Its licence is not MIT alone but: {pack.manifest.licence}." in done.warnings
    model = load(place / "captioner")
    shape = (1, tiny_captioner.STATES, tiny_captioner.HEARD_WIDTH)
    heard = torch.randn(shape, generator=torch.Generator().manual_seed(3))
    settings = Generation(temperature=0.0, max_tokens=8)
    plain = model.answer(heard, ["What is it?"], settings)
    with model.house.mixed([(pack, 1.0)]):
        assert model.answer(heard, ["What is it?"], settings) != plain


def test_training_ends_where_validation_gets_no_better(place, tmp_path):
    wished = wish(
        place / "captioner", place / "data", tmp_path / "run", epochs=20, rate=0.5, patience=2
    )
    done = train(wished)
    assert done.finished
    assert done.step < 40
    losses = [one["loss"] for one in read_log(tmp_path / "run") if one["event"] == "validation"]
    assert losses[-3] == min(losses) == done.best_loss
    best = load_file(tmp_path / "run" / BEST_FILE)
    own = load_file(tmp_path / "run/captioner/adapter.safetensors")
    assert torch.equal(own["adapter.projection.weight"], best["adapter.projection.weight"])
    assert train(wished).step == done.step


@pytest.mark.parametrize(
    ("more", "says"),
    [({"batch": 3}, "batch was 4, not 3"), ({"phase": "house"}, "phase was msi, not house")],
)
def test_another_training_in_the_same_folder_is_refused_naming_what_differs(place, more, says):
    with pytest.raises(RequestError, match=says) as refused:
        train(started(place, place / "whole", **more))
    assert "--output" in refused.value.hint


def test_a_folder_with_something_else_in_it_is_left_alone(place, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(RequestError, match="not empty"):
        train(started(place, tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_dataset_of_one_row_trains(place, tmp_path):
    data = tiny_training.make_data(tmp_path / "data", 1, 0)
    done = train(wish(place / "captioner", data, tmp_path / "run", batch=32))
    assert (done.finished, done.steps, done.best_loss) == (True, 2, None)
    load(done.result)


def test_a_loss_that_is_no_number_ends_it_with_what_to_do(place, tmp_path):
    wished = started(place, tmp_path / "run", rate=1e30, epochs=4)
    with pytest.raises(EngineError, match="The loss is no number any more in step") as failed:
        train(wished)
    assert "--rate" in failed.value.hint
    assert "new folder" in failed.value.hint


@pytest.fixture
def limited():
    """Files may grow to so many bytes: a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))

    yield limit
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_told_and_costs_nothing_that_was_saved(place, tmp_path, limited):
    wished = started(place, tmp_path / "run")
    size = (newest(place / "whole") / "trained.safetensors").stat().st_size

    def filling(stage, fraction):
        if stage.startswith("Epoch") and fraction == 2 / STEPS:
            limited(size // 2)

    with pytest.raises(OutputError, match=r"cannot be written|disk is full") as refused:
        train(wished, filling)
    assert refused.value.hint
    limited(resource.getrlimit(resource.RLIMIT_FSIZE)[1])
    assert newest(tmp_path / "run").name == "step-00000001"
    assert not list((tmp_path / "run").rglob(".*safetensors"))
    assert train(wished).finished
    assert_same(tmp_path / "run", place / "whole")


def sounding(folder, names):
    """A dataset of sound files."""
    folder.mkdir()
    tiny_training.make_music(folder, names)
    rows = [
        Row(id=name, question="What is it?", answer="slow", sound=name, split="train")
        for name in names
    ]
    write_rows(folder, rows)
    return rows


def test_clips_that_cannot_be_heard_are_left_out_and_told_by_name(place, tmp_path):
    data = tmp_path / "data"
    rows = sounding(data, ("a.wav", "b.wav", "c.wav"))
    (data / "broken.wav").write_bytes(b"RIFF")
    np.save(data / "odd.npy", np.zeros((2, 2), np.float32))
    np.save(data / "pickled.npy", np.array([{}], dtype=object), allow_pickle=True)
    bad = [
        Row(id="absent", question="What?", answer="x", sound="absent.wav", split="train"),
        Row(id="broken", question="What?", answer="x", sound="broken.wav", split="train"),
        Row(id="odd", question="What?", answer="x", features="odd.npy", split="train"),
        Row(id="pickled", question="What?", answer="x", features="pickled.npy", split="train"),
        Row(id="late", question="What?", answer="x", sound="a.wav", start_s=99, split="train"),
    ]
    write_rows(data, [*rows, *bad])
    wished = wish(place / "captioner", data, tmp_path / "run", batch=8, epochs=1)
    with pytest.raises(InputError, match="5 of 8 rows cannot be used: absent") as refused:
        train(wished)
    assert "--most-bad" in refused.value.hint
    assert not (tmp_path / "run").exists()
    assert len(list((data / "features").glob("*/*.npy"))) == 3
    done = train(dataclasses.replace(wished, most_bad=1.0))
    told = [
        msgspec.json.decode(line, type=Problem)
        for line in (tmp_path / "run" / PROBLEMS_FILE).read_bytes().splitlines()
    ]
    assert [one.row for one in told] == [row.id for row in bad]
    assert tuple(told) == done.problems
    assert all(one.why for one in told)


def test_what_was_heard_is_heard_once_whatever_files_are_called(place, tmp_path, monkeypatch):
    from musiscene_core.captioning.mullama.encoder import Encoder

    heard = []
    encode = Encoder.states

    def spied(self, chunk, *further, **named):
        heard.append(len(chunk))
        return encode(self, chunk, *further, **named)

    monkeypatch.setattr(Encoder, "states", spied)
    data = tmp_path / "data"
    rows = sounding(data, ("a.wav", "b.wav"))
    captioner = place / "captioner"
    train(wish(captioner, data, tmp_path / "one", epochs=1))
    assert heard == [24_000, 24_000]
    (data / "a.wav").rename(data / "moved.wav")
    write_rows(data, [msgspec.structs.replace(rows[0], sound="moved.wav"), rows[1]])
    train(wish(captioner, data, tmp_path / "two", epochs=1))
    assert len(heard) == 2
    assert read_record(tmp_path / "one").data_digest == read_record(tmp_path / "two").data_digest
    damaged = next((data / "features").glob("*/*.npy"))
    damaged.write_bytes(damaged.read_bytes()[:-5])
    train(wish(captioner, data, tmp_path / "three", epochs=1))
    assert len(heard) == 3


def test_a_full_disk_while_listening_keeps_what_was_heard(place, tmp_path, limited):
    data = tmp_path / "data"
    sounding(data, ("a.wav", "b.wav", "c.wav"))
    shown = []

    def filling(stage, fraction):
        shown.append(stage)
        if stage.startswith("Listening, row 2"):
            limited(64)

    wished = wish(place / "captioner", data, tmp_path / "run", epochs=1)
    with pytest.raises(OutputError) as refused:
        train(wished, filling)
    assert refused.value.hint
    limited(resource.getrlimit(resource.RLIMIT_FSIZE)[1])
    assert len(list((data / "features").glob("*/*.npy"))) == 2
    assert train(wished).finished


def test_the_command_says_what_it_made_and_how_to_use_it(place, tmp_path, capsys):
    from musiscene_training.cli import main

    wished = started(place, tmp_path / "run", phase="house", name="noir", epochs=1)
    command = tiny_training.command(wished)[3:]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert f"Written: {tmp_path}/run/packs/noir" in said
    assert "--adapter noir" in said
    assert main([*command, "--name", "a/b"]) == 2
    assert "no name for a house pack" in capsys.readouterr().err
    assert main([*command, "--epochs", "0"]) == 2
    assert "epochs" in capsys.readouterr().err
    assert main(["adapter", "msi", *command[2:], "--data", str(tmp_path / "absent")]) == 2
    assert "holds no dataset" in capsys.readouterr().err


def test_a_folder_that_is_trained_in_is_not_trained_in_by_another(place, tmp_path):
    wished = started(place, tmp_path / "run", epochs=1)
    with alone(tmp_path / "run"), pytest.raises(RequestError, match=r"Another process \(\d+\)"):
        train(wished)
    assert train(wished).finished
