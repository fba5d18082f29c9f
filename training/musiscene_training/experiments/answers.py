"""What a captioner says of held-out music, kept a batch at a time so that a kill costs one."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from musiscene_core.captioning.generation import Generation
from musiscene_core.captioning.mullama.config import read_manifest
from musiscene_core.captioning.mullama.listening import Chunks
from musiscene_core.captioning.mullama.model import MuLlama
from musiscene_core.captioning.mullama.saved import load
from musiscene_core.codec import write_atomically
from musiscene_core.errors import InputError, OutputError
from musiscene_core.progress import Portion, Progress
from musiscene_training.adapter.features import FeatureCache, Features, hear
from musiscene_training.dataset import Problem, Row

_BATCH = 8


@dataclass(frozen=True, kw_only=True)
class Questions:
    """What is asked, and of what.

    Attributes:
        rows: each with its question.
        folder: that their paths are relative to.
        features: where what was heard is kept.
        generation: how answers are drawn.
        device: "cpu" to leave GPUs alone; empty for what there is.
        precision: of the language model, as a training has it.
        most_bad: the share of rows that may go unheard.
    """

    rows: Sequence[Row]
    folder: Path
    features: Path
    generation: Generation
    device: str = ""
    precision: str = "float32"
    most_bad: float = 0.2


@dataclass(frozen=True)
class Said:
    """What was said.

    Attributes:
        texts: by row.
        problems: rows whose music cannot be heard.
    """

    texts: dict[str, str]
    problems: tuple[Problem, ...]


def answers(captioner: Path, asked: Questions, path: Path, progress: Progress) -> Said:
    """Answer all questions, or those that `path` has no answers to yet.

    Raises:
        InputError: too little that is asked of can be heard.
        ModelError: the captioner cannot be loaded.
        OutputError: no space or no permission; what was answered is kept.
    """
    known, problems = _kept(path)
    left = {one.row for one in problems}
    waiting = [row for row in asked.rows if row.id not in known and row.id not in left]
    if waiting:
        model = _loaded(captioner, asked, Portion(progress, 0.0, 0.1))
        cache = _cache(captioner, asked.features)
        heard = hear(
            waiting,
            asked.folder,
            cache,
            lambda chunks: _heard(model, chunks),
            lambda done, fresh: progress("Listening", 0.1 + 0.3 * done / len(waiting)),
        )
        for problem in heard.problems:
            _add(path, [{"id": problem.row, "problem": problem.why}])
        problems += heard.problems
        able = [row for row in waiting if row.id in heard.keys]
        for first in range(0, len(able), _BATCH):
            some = able[first : first + _BATCH]
            progress("Answering", 0.4 + 0.6 * first / len(able))
            features = np.stack([_of(cache, heard.keys[row.id], row, asked) for row in some])
            written = model.answer(
                torch.from_numpy(features), [row.question for row in some], asked.generation
            )
            texts = {row.id: text for row, text in zip(some, written, strict=True)}
            _add(path, [{"id": name, "text": text} for name, text in texts.items()])
            known |= texts
    texts = {row.id: known[row.id] for row in asked.rows if row.id in known}
    if not texts or len(problems) > asked.most_bad * len(asked.rows):
        told = "; ".join(f"{one.row}: {one.why}" for one in problems[:3])
        raise InputError(
            f"{len(problems)} of {len(asked.rows)} held-out rows cannot be heard: {told}",
            hint="Mend them, or leave them out with --most-bad 1.",
        )
    return Said(texts, tuple(problems))


def _loaded(captioner: Path, asked: Questions, progress: Progress) -> MuLlama:
    gpu = torch.cuda.is_available() and asked.device != "cpu"
    return load(
        captioner,
        device="cuda" if gpu else "cpu",
        precision="float32" if asked.precision == "float32" else "half",
        progress=progress,
    )


def _cache(captioner: Path, folder: Path) -> FeatureCache:
    manifest = read_manifest(captioner)
    shape = (manifest.config.encoder_states, manifest.config.encoder_width)
    return FeatureCache(folder, manifest.encoder.fingerprint, shape)


def _heard(model: MuLlama, chunks: Chunks) -> Features:
    with torch.inference_mode():
        features: Features = model.encode(chunks).cpu().numpy()
    return features


def _of(cache: FeatureCache, key: str, row: Row, asked: Questions) -> Features:
    features = cache.get(key, row, asked.folder)
    if features is None:
        raise InputError(
            f"What was heard for {row.id} is no longer at {cache.path(key)}.",
            hint="Run the same command again: it is heard anew.",
        )
    return features


def _kept(path: Path) -> tuple[dict[str, str], list[Problem]]:
    """What was answered before; a torn last line is taken out of the file."""
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return {}, []
    except OSError as error:
        raise OutputError.from_os(error, path) from error
    texts: dict[str, str] = {}
    problems: list[Problem] = []
    whole: list[bytes] = []
    for line in lines[:-1]:
        try:
            found = json.loads(line)
            if "problem" in found:
                problems.append(Problem(found["id"], found["problem"]))
            else:
                texts[found["id"]] = found["text"]
        except (ValueError, KeyError, TypeError):
            continue
        whole.append(line + b"\n")
    if b"".join(whole) != b"\n".join(lines):
        write_atomically(path, b"".join(whole))
    return texts, problems


def _add(path: Path, found: Sequence[dict[str, str]]) -> None:
    data = b"".join(json.dumps(one, ensure_ascii=False).encode() + b"\n" for one in found)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise OutputError.from_os(error, path) from error
