"""A run of an experiment: a captioner, trained or as it was given, and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from musiscene_core.codec import read_json, to_json, write_atomically
from musiscene_core.errors import CancelledError
from musiscene_core.progress import Portion, Progress
from musiscene_training.adapter.journal import read_log
from musiscene_training.adapter.record import code_version, read_record
from musiscene_training.adapter.run import Outcome, Wish, train
from musiscene_training.dataset import Problem
from musiscene_training.evaluate.signatures import standing
from musiscene_training.experiments.answers import Questions, answers
from musiscene_training.experiments.launching import launch
from musiscene_training.experiments.study import RUN_FILE, Run

TRAINING, ANSWERS_FILE = "training", "answers.jsonl"


def as_given(folder: Path, name: str, captioner: Path, asked: Questions, progress: Progress) -> Run:
    """Have a captioner answer as it is; a run that is done is read instead.

    Raises:
        MusiSceneError: as `answers`.
    """
    path = folder / RUN_FILE
    if path.exists():
        return read_json(path, Run)
    said = answers(captioner, asked, folder / ANSWERS_FILE, progress)
    run = Run(
        name=name,
        captioner=str(captioner),
        answers=said.texts,
        problems=said.problems,
        code=code_version(),
    )
    write_atomically(path, to_json(run))
    return run


def trained(
    folder: Path, name: str, wish: Wish, asked: Questions, processes: int, progress: Progress
) -> Run:
    """Train, and have what comes of it answer; a run that is done is read instead.

    Args:
        folder: of the run.
        name: of the run.
        wish: the training; its output is set here.
        asked: what is asked afterwards.
        processes: that train; more than one are started by torchrun.
        progress: hears of all of it.

    Raises:
        CancelledError: Ctrl-C; the same again goes on.
        MusiSceneError: as `train` and `answers`.
    """
    path = folder / RUN_FILE
    if path.exists():
        return read_json(path, Run)
    wish = replace(wish, output=folder / TRAINING)
    if processes > 1:
        launch(said(wish), processes, wish.output, Portion(progress, 0.0, 0.8))
    # After the others it finds the training finished, and says what came of it.
    done = train(wish, Portion(progress, 0.0, 0.8))
    if not done.finished or done.result is None:
        raise CancelledError(f"Stopped after step {done.step} of {done.steps} of {name}.")
    found = answers(done.result, asked, folder / ANSWERS_FILE, Portion(progress, 0.8, 1.0))
    run = _run(name, wish, done, found.texts, found.problems)
    write_atomically(path, to_json(run))
    return run


def _run(
    name: str, wish: Wish, done: Outcome, texts: dict[str, str], problems: Sequence[Problem]
) -> Run:
    steps = [event for event in read_log(wish.output) if event["event"] == "step"]
    losses = [event["loss"] for event in steps]
    last = losses[-max(1, len(losses) // 10) :]
    return Run(
        name=name,
        captioner=str(done.result),
        answers=texts,
        problems=(*done.problems, *problems),
        trained=read_record(wish.output).trained,
        steps=done.steps,
        seconds=sum(event["seconds"] for event in steps),
        loss=sum(last) / len(last) if last else None,
        moving=standing(losses),
        code=code_version(),
    )


def said(wish: Wish) -> list[str]:
    """The command line of a training."""
    settings: dict[str, Any] = msgspec.to_builtins(wish.settings)
    command = ["adapter", settings.pop("phase")]
    for name in ("captioner", "data", "output", "features"):
        command += [f"--{name}", str(getattr(wish, name))]
    command += ["--most-bad", str(wish.most_bad)]
    command += ["--device", wish.device] if wish.device else []
    command += ["--compile"] if settings.pop("compile") else []
    command += ["--linears", ",".join(settings.pop("linears"))]
    for name, value in settings.items():
        command += [f"--{name.replace('_', '-')}", str(value)]
    return command
