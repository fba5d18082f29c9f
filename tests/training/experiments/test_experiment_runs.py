"""Runs of experiments with tiny real models: gone on with after a kill, and made by processes."""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("transformers", reason="the extra 'models' is not installed")
pytest.importorskip("peft", reason="the extra 'models' is not installed")

from musiscene_core.captioning.generation import Generation  # noqa: E402
from musiscene_core.captioning.mullama.config import read_manifest  # noqa: E402
from musiscene_core.captioning.mullama.model import MuLlama  # noqa: E402
from musiscene_core.captioning.mullama.saved import load  # noqa: E402
from musiscene_core.errors import CancelledError, EngineError, InputError  # noqa: E402
from musiscene_core.progress import silent  # noqa: E402
from musiscene_training.adapter.checkpoints import CHECKPOINTS  # noqa: E402
from musiscene_training.adapter.command import wanted_numbers  # noqa: E402
from musiscene_training.adapter.journal import read_log  # noqa: E402
from musiscene_training.adapter.settings import settings_for  # noqa: E402
from musiscene_training.cli import build_parser  # noqa: E402
from musiscene_training.dataset import Row, read_dataset  # noqa: E402
from musiscene_training.experiments import answers as asking  # noqa: E402
from musiscene_training.experiments.answers import Questions, answers  # noqa: E402
from musiscene_training.experiments.launching import failure  # noqa: E402
from musiscene_training.experiments.new_adapter import with_new_adapter  # noqa: E402
from musiscene_training.experiments.runs import TRAINING, said, trained  # noqa: E402
from tests.support import tiny_training  # noqa: E402

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("place")
    tiny_training.make_captioner(folder)
    tiny_training.make_data(folder / "data", 10, 2)
    return folder


def asked(place, *more, **other):
    given = read_dataset(place / "data")
    return Questions(
        rows=(*given.rows, *more),
        folder=given.folder,
        features=place / "features",
        generation=Generation(max_tokens=6),
        device="cpu",
        **other,
    )


def test_answers_go_on_after_a_kill_and_are_the_same(place, tmp_path, monkeypatch):
    whole, torn = tmp_path / "whole.jsonl", tmp_path / "torn.jsonl"
    wanted = answers(place / "captioner", asked(place), whole, silent).texts
    assert len(wanted) == 12
    # A kill in the middle of a line, after a few of the first batch's.
    torn.write_bytes(b"\n".join(whole.read_bytes().split(b"\n")[:3])[:-4])
    questions = []
    monkeypatch.setattr(
        MuLlama, "answer", spied(MuLlama.answer, lambda given: questions.extend(given))
    )
    assert answers(place / "captioner", asked(place), torn, silent).texts == wanted
    assert len(questions) == 10
    lines = [json.loads(line) for line in torn.read_bytes().splitlines()]
    assert sorted(one["id"] for one in lines) == sorted(wanted)
    # All are there: nothing is loaded any more.
    monkeypatch.setattr(asking, "load", None)
    assert answers(place / "captioner", asked(place), torn, silent).texts == wanted


def spied(real, told):
    def answer(self, features, questions, settings, *more):
        told(questions)
        return real(self, features, questions, settings, *more)

    return answer


def test_music_that_cannot_be_heard_is_told_and_too_much_of_it_refused(place, tmp_path):
    bad = [Row(id=f"bad{n}", question="What?", answer="x", sound="absent.wav") for n in range(3)]
    path = tmp_path / "answers.jsonl"
    found = answers(place / "captioner", asked(place, *bad[:2]), path, silent)
    assert [one.row for one in found.problems] == ["bad0", "bad1"]
    assert len(found.texts) == 12
    again = answers(place / "captioner", asked(place, *bad[:2]), path, silent)
    assert again.problems == found.problems
    with pytest.raises(InputError, match="3 of 15 held-out rows cannot be heard: bad0") as refused:
        answers(place / "captioner", asked(place, *bad, most_bad=0.1), path, silent)
    assert "--most-bad" in refused.value.hint


def test_a_new_adapter_is_as_wide_as_is_wanted_and_nothing_else_is_new(place, tmp_path):
    made = with_new_adapter(place / "captioner", 24, 3, tmp_path / "made")
    before, after = load(place / "captioner"), load(made)
    assert read_manifest(made).config.bridge_inner == 24
    assert after.adapter.bridges[0].gate.weight.shape == (24, 32)
    assert torch.equal(before.prefix.gates, after.prefix.gates)
    assert not torch.equal(before.adapter.projection.weight, after.adapter.projection.weight)
    same = load(with_new_adapter(place / "captioner", 24, 3, tmp_path / "same"))
    assert torch.equal(same.adapter.projection.weight, after.adapter.projection.weight)


def test_a_training_is_said_as_a_command_that_means_the_same(place, tmp_path):
    wish = tiny_training.wish(
        place / "captioner", place / "data", tmp_path / "run", rank=3, compile=True, clip=0.5
    )
    given = build_parser().parse_args(said(wish))
    assert settings_for(given.phase, wanted_numbers(given)) == wish.settings
    assert (given.captioner, given.data, given.output) == (wish.captioner, wish.data, wish.output)


@pytest.mark.slow
def test_a_run_in_two_processes_is_the_run_of_one(place, tmp_path):
    wish = tiny_training.wish(
        place / "captioner", place / "data", tmp_path, features=place / "features"
    )
    one, two = (
        trained(tmp_path / str(count), "run", wish, asked(place), count, silent) for count in (1, 2)
    )
    assert two.loss == pytest.approx(one.loss, abs=1e-4)
    assert (two.steps, two.trained) == (one.steps, one.trained)
    again = trained(tmp_path / "2", "run", wish, asked(place), 2, silent)
    assert again == two


def adapters(output):
    """The processes of this machine that train into `output`."""
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            words = (
                (folder / "cmdline").read_bytes().split(b"\0") if folder.name.isdecimal() else []
            )
            if b"musiscene_training.cli" in words and str(output).encode() in words:
                found.append(int(folder.name))
    return sorted(found)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are found in Linux's /proc")
def test_a_killed_process_is_told_of_and_a_stopped_run_has_saved(place, tmp_path):
    long = {"epochs": 400, "save_every": 50, "features": place / "features"}
    wish = tiny_training.wish(place / "captioner", place / "data", tmp_path, **long)
    output = tmp_path / "killed" / TRAINING

    def end(number, after=0):
        def watch(stage, fraction):
            if stage.startswith("Training, epoch") and read_log(output)[-1]["step"] > after:
                # The launcher of both is the first.
                os.kill(adapters(output)[-1] if number == signal.SIGKILL else os.getpid(), number)

        return watch

    with pytest.raises(EngineError, match=r"process \d+ was ended by SIGKILL") as told:
        trained(tmp_path / "killed", "run", wish, asked(place), 2, end(signal.SIGKILL))
    assert "goes on from the last checkpoint" in told.value.hint
    assert adapters(output) == []
    done = read_log(output)[-1]["step"]
    assert done > 1
    with pytest.raises(CancelledError):
        trained(tmp_path / "killed", "run", wish, asked(place), 2, end(signal.SIGINT, done))
    assert adapters(output) == []
    saved = sorted((output / CHECKPOINTS).iterdir())[-1].name
    steps = [one["step"] for one in read_log(output) if one["event"] == "step"]
    assert steps == list(range(1, len(steps) + 1))
    assert int(saved.rpartition("-")[2]) == steps[-1] > done


def test_what_processes_say_as_they_end_is_told():
    lines = ["W1129 torch\n", "musiscene-train: The disk is full.\n", "  Make room.\n"]
    error = failure([*lines, "traceback : Signal 15 (SIGTERM) received by PID 7\n"], 2, 1)
    assert str(error) == "The training in 2 processes ended: The disk is full. Make room."
    killed = "traceback : Signal 9 (SIGKILL) received by PID 12\n"
    assert "process 12 was ended by SIGKILL" in failure([*lines, killed], 2, 1).message
    assert failure(["what\n"], 3, 5).message == "The training in 3 processes ended with 5: what"
