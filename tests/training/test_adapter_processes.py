"""One training in two real processes: the same as in one, and what becomes of a killed one."""

from __future__ import annotations

import signal
import time

import pytest

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("transformers", reason="the extra 'models' is not installed")
pytest.importorskip("peft", reason="the extra 'models' is not installed")

from safetensors.torch import load_file  # noqa: E402

from musiscene_training.adapter.journal import read_log  # noqa: E402
from musiscene_training.adapter.run import train  # noqa: E402
from tests.support import tiny_training  # noqa: E402
from tests.support.tiny_training import launch, wish  # noqa: E402

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("place")
    tiny_training.make_captioner(folder, phase="finetune")
    tiny_training.make_data(folder / "data")
    return folder


def ended(processes, within_s=120):
    """What each said, once all have ended."""
    try:
        return [process.communicate(timeout=within_s) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def assert_like_one(run, alone):
    """The same but for the order that sums were made in."""
    events, others = ([one for one in read_log(path) if "loss" in one] for path in (run, alone))
    assert [one["step"] for one in events] == [one["step"] for one in others]
    for one, other in zip(events, others, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-4)
        if one["event"] == "step":
            assert one["gradient_norm"] == pytest.approx(other["gradient_norm"], rel=1e-3)
    ours, theirs = (load_file(path / "best.safetensors") for path in (run, alone))
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        # Where a gradient is all but nothing, AdamW makes a step of its last bit.
        off = (tensor - theirs[name]).abs() > 1e-4
        assert off.float().mean() < 0.02, name


@pytest.mark.parametrize(
    ("sharing", "phase"),
    [
        pytest.param("ddp", "finetune", marks=pytest.mark.slow),
        pytest.param("fsdp", "finetune", marks=pytest.mark.slow),
        pytest.param("fsdp", "msi", marks=pytest.mark.slow),
        pytest.param("ddp", "house", marks=pytest.mark.slow),
    ],
)
def test_two_processes_train_as_one_does(place, tmp_path, sharing, phase):
    captioner, data = place / "captioner", place / "data"
    both = wish(captioner, data, tmp_path / "two", phase=phase, sharing=sharing)
    said = ended(launch(both, 2))
    assert "Trained for 4 steps" in said[0][0], said
    assert said[1][0] == ""
    train(wish(captioner, data, tmp_path / "one", phase=phase))
    assert_like_one(tmp_path / "two", tmp_path / "one")


@pytest.mark.slow
def test_when_a_process_is_killed_the_other_says_so_and_the_training_goes_on(place, tmp_path):
    wished = wish(place / "captioner", place / "data", tmp_path / "run", epochs=200)
    processes = launch(wished, 2)
    deadline = time.monotonic() + 120
    while len(read_log(tmp_path / "run")) < 3 and time.monotonic() < deadline:
        time.sleep(0.1)
    processes[1].send_signal(signal.SIGKILL)
    (_, said), _ = ended(processes)
    assert processes[0].returncode == 2, said
    assert "Another process of this training has ended." in said
    assert "the same command again" in said
    done = len([one for one in read_log(tmp_path / "run") if one["event"] == "step"])
    again = launch(wished, 2)
    while len(read_log(tmp_path / "run")) < done + 3 and time.monotonic() < deadline + 120:
        time.sleep(0.1)
    for process in again:
        process.send_signal(signal.SIGTERM)
    (stopped, _), _ = ended(again)
    assert [process.returncode for process in again] == [130, 130]
    assert "Run the same command again to go on." in stopped
    steps = [one["step"] for one in read_log(tmp_path / "run") if one["event"] == "step"]
    assert steps == list(range(1, len(steps) + 1))
    assert len(steps) > done - 1
