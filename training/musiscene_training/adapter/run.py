"""A whole training: from a dataset and a captioner to what can be used."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
import torch

from musiscene_core.captioning.mullama.config import Manifest, read_manifest
from musiscene_core.captioning.mullama.listening import Chunks
from musiscene_core.captioning.mullama.model import MuLlama
from musiscene_core.captioning.mullama.packs import identity
from musiscene_core.captioning.mullama.saved import load
from musiscene_core.codec import digest, write_atomically
from musiscene_core.errors import InputError
from musiscene_core.licences import licence_of_made
from musiscene_core.progress import Portion, Progress, silent
from musiscene_training.adapter import checkpoints, record
from musiscene_training.adapter.examples import Example, examples
from musiscene_training.adapter.features import FeatureCache, Features, Heard, hear
from musiscene_training.adapter.journal import plot, read_log
from musiscene_training.adapter.learner import check_length
from musiscene_training.adapter.loop import Loop, Work
from musiscene_training.adapter.parallel import Processes, in_words
from musiscene_training.adapter.phases import Trained, prepare
from musiscene_training.adapter.results import write_captioner, write_house_pack
from musiscene_training.adapter.settings import Settings
from musiscene_training.dataset import Dataset, Problem, read_dataset
from musiscene_training.evaluate.captions import looks_english
from musiscene_training.holding import alone

PROBLEMS_FILE = "problems.jsonl"
PLOTS = "plots"
_MOST_BAD = 0.2
_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a user wants trained.

    Attributes:
        captioner: folder of the one to start from.
        data: folder of the dataset.
        output: folder of the training; what was begun there goes on.
        settings: the numbers.
        features: folder of the feature cache; None for one in the dataset's.
        most_bad: the share of rows that may be left out before the training is refused.
        name: of the house pack.
        description: of the house pack, a sentence for its users.
        licence: of what is made, in its makers' words; empty for the captioner's own, or for a
            house pack the rows'. What a row's licence forbids goes with it all the same.
        device: as Processes takes it.
    """

    captioner: Path
    data: Path
    output: Path
    settings: Settings
    features: Path | None = None
    most_bad: float = _MOST_BAD
    name: str = "house"
    description: str = ""
    licence: str = ""
    device: str = ""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a training.

    Attributes:
        finished: whether it is at its end; if not, the same command goes on.
        step: steps done.
        steps: steps in all.
        best_loss: of the validations; None without any.
        problems: rows that were left out.
        result: folder of the captioner or pack; None while not finished.
        is_first: whether this process is the one to speak.
        warnings: answers that do not look English, and signs of failure in the last validation, a
            sentence each.
    """

    finished: bool
    step: int
    steps: int
    best_loss: float | None
    problems: tuple[Problem, ...]
    result: Path | None
    is_first: bool
    warnings: tuple[str, ...] = ()


def train(wish: Wish, progress: Progress = silent) -> Outcome:
    """Train, or go on with a training.

    Raises:
        InputError: the dataset or the captioner cannot be used.
        RequestError: another training lies in the output folder, or the settings make no sense.
        OutputError: no space or no permission; the last checkpoint stands.
        EngineError: a device, another process or the loss failed.
    """
    processes = Processes(device=wish.device)
    with in_words(processes.count), ExitStack() as held:
        outcome = _train(wish, processes, held, progress)
    processes.leave()
    return outcome


def _train(wish: Wish, processes: Processes, held: ExitStack, progress: Progress) -> Outcome:
    settings = wish.settings
    dataset = read_dataset(wish.data)
    manifest = read_manifest(wish.captioner)
    model = load(
        wish.captioner,
        device=str(processes.device),
        precision="float32" if settings.precision == "float32" else "half",
        progress=Portion(progress, 0.0, 1.0),
    )
    check_length(model.backbone, settings.most_tokens)
    cache = FeatureCache(
        wish.features or wish.data / "features",
        manifest.encoder.fingerprint,
        (manifest.config.encoder_states, manifest.config.encoder_width),
    )
    heard = _hear(dataset, cache, model, processes, progress)
    trained = prepare(model, settings)
    parts = {
        split: examples(model, dataset.part(split), heard.keys, settings.most_tokens)
        for split in ("train", "validation")
    }
    training, validation = parts["train"][0], parts["validation"][0]
    problems = [*dataset.problems, *heard.problems, *parts["train"][1], *parts["validation"][1]]
    _check_rows(len(training) + len(validation), training, problems, wish)
    used = record.Record(
        settings=settings,
        captioner=identity(manifest),
        captioner_folder=str(wish.captioner),
        data_digest=_data_digest([*training, *validation]),
        rows={
            "train": len(training),
            "validation": len(validation),
            "cut": sum(one.cut for one in [*training, *validation]),
            "left out": len(problems),
        },
        trained=trained.count,
        code=record.code_version(),
        packages=record.package_versions(),
        hardware=record.hardware(str(processes.device), processes.count),
    )
    processes.first_does(partial(_begin, wish.output, held, used, problems))
    work = Work(
        trained=trained,
        settings=settings,
        training=training,
        validation=validation,
        heard=partial(_features, cache, dataset.folder),
        folder=wish.output,
    )
    loop = Loop(work, processes)
    finished = loop.run(progress)
    result = None
    if finished:
        result = processes.first_does(partial(_write, wish, work, manifest, used.data_digest, loop))
    processes.first_does(partial(_plot, wish.output))
    return Outcome(
        finished=finished,
        step=loop.state.step,
        steps=loop.schedule.steps,
        best_loss=loop.state.best_loss,
        problems=tuple(problems),
        result=result,
        is_first=processes.is_first,
        warnings=(
            *_foreign([*training, *validation]),
            *_stricter(wish, _licence(wish, work, manifest)),
            *_warnings(wish.output),
        ),
    )


def _hear(
    dataset: Dataset, cache: FeatureCache, model: MuLlama, processes: Processes, progress: Progress
) -> Heard:
    """Every process hears its share of the rows that are used; all learn what was heard."""
    rows = [row for row in dataset.rows if row.split != "test"]
    mine = rows[processes.index :: processes.count]
    began = time.monotonic()

    def ear(chunks: Chunks) -> Features:
        return model.encode(chunks).numpy()

    def told(done: int, fresh: bool) -> None:
        pace = (time.monotonic() - began) / done
        stage = f"Listening, row {done} of {len(mine)}"
        progress(f"{stage}, {pace:.1f} s each" if fresh else stage, done / len(mine))

    shares = processes.each_does(lambda: hear(mine, dataset.folder, cache, ear, told))
    keys = {row: key for share in shares for row, key in share.keys.items()}
    return Heard(keys, [problem for share in shares for problem in share.problems])


def _features(cache: FeatureCache, folder: Path, example: Example) -> Features:
    features = cache.get(example.key, example.row, folder)
    if features is None:
        raise InputError(
            f"What was heard for {example.row.id} is no longer at {cache.path(example.key)}.",
            hint="Run the same command again: it is heard anew.",
        )
    return features


def _check_rows(
    usable: int, training: Sequence[Example], problems: Sequence[Problem], wish: Wish
) -> None:
    told = "; ".join(f"{one.row}: {one.why}" for one in problems[:3])
    if not training:
        raise InputError(
            f"No row of {wish.data} can be trained on. {told}",
            hint="Mend those rows; at least one must be of the split train.",
        )
    share = len(problems) / (usable + len(problems))
    if share > wish.most_bad:
        raise InputError(
            f"{len(problems)} of {usable + len(problems)} rows cannot be used: {told}",
            hint="Mend them, or leave them out with --most-bad 1; what was heard is kept.",
        )


def _data_digest(used: Sequence[Example]) -> str:
    rows = [(one.row.id, one.row.question, one.row.answer, one.row.split, one.key) for one in used]
    return digest(sorted(rows))


def _begin(folder: Path, held: ExitStack, used: record.Record, problems: Sequence[Problem]) -> None:
    record.check_folder(folder)
    held.enter_context(alone(folder))
    record.begin(folder, used)
    lines = [msgspec.json.encode(problem) + b"\n" for problem in problems]
    write_atomically(folder / PROBLEMS_FILE, b"".join(lines))


def _licence(wish: Wish, work: Work, manifest: Manifest) -> str:
    """Of what is made: as was said, with what the rows, and the weights it goes on from, forbid."""
    rows = [one.row.licence for one in work.training]
    if wish.settings.phase == "house":
        return licence_of_made(wish.licence, rows)
    return licence_of_made(wish.licence or manifest.licence, (manifest.licence, *rows))


def _stricter(wish: Wish, licence: str) -> tuple[str, ...]:
    if not wish.licence or licence == wish.licence:
        return ()
    return (f"Its licence is not {wish.licence} alone but: {licence}.",)


def _write(wish: Wish, work: Work, manifest: Manifest, data_digest: str, loop: Loop) -> Path:
    trained: Trained = work.trained
    if loop.state.best_loss is not None:
        checkpoints.restore_best(wish.output, trained.parameters)
    if wish.settings.phase == "house":
        target = wish.output / "packs" / wish.name
        write_house_pack(
            target,
            trained,
            manifest,
            wish.settings,
            dataset_digest=data_digest,
            description=wish.description,
            licence=_licence(wish, work, manifest),
        )
    else:
        target = wish.output / "captioner"
        licensed = msgspec.structs.replace(manifest, licence=_licence(wish, work, manifest))
        with torch.no_grad():
            write_captioner(target, trained, licensed, wish.captioner, data_digest)
    return target


def _foreign(used: Sequence[Example]) -> tuple[str, ...]:
    """What is to be said of answers that do not look English, which the prompt around them is."""
    found = [one.row.id for one in used if not looks_english(one.row.answer)]
    if not found:
        return ()
    more = ", ..." if len(found) > _SHOWN else ""
    return (
        f"{len(found)} of {len(used)} answers do not look English ({', '.join(found[:_SHOWN])}"
        f"{more}): they were trained on as they are.",
    )


def _warnings(folder: Path) -> tuple[str, ...]:
    judged = [event for event in read_log(folder) if event["event"] == "signs"]
    return tuple(judged[-1]["warnings"]) if judged else ()


def _plot(folder: Path) -> None:
    plot(folder / PLOTS, read_log(folder))
