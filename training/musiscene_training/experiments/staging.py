"""An experiment made ready: what it starts from, what it trains on, and what it is known by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import torch

from musiscene_core.captioning.generation import PROFILES
from musiscene_core.captioning.mullama.config import read_manifest
from musiscene_core.captioning.mullama.packs import identity
from musiscene_core.errors import RequestError
from musiscene_core.progress import Portion, Progress
from musiscene_core.request import GenerationProfile
from musiscene_training.adapter.record import code_version, hardware, package_versions
from musiscene_training.adapter.run import Wish
from musiscene_training.adapter.settings import Phase, settings_for
from musiscene_training.dataset import Dataset, Row, read_dataset
from musiscene_training.experiments import tiny_data
from musiscene_training.experiments.answers import Questions
from musiscene_training.experiments.study import Record, begin, check_folder
from musiscene_training.experiments.tiny import make_captioner, read_of

TINY = "tiny"
_TINY_NUMBERS: Mapping[str, Any] = {
    "epochs": 30,
    "batch": 8,
    "rate": 1e-2,
    "clip": 1.0,
    "most_tokens": 512,
    "shown": 0,
    "save_every": 1000,
}
_TINY_TOKENS = 80


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a user wants of any experiment.

    Attributes:
        output: folder of the experiment; what was begun there goes on.
        scale: "full", or "tiny" to have captioner and data made here.
        captioner: to start from; None at tiny scale.
        data: the dataset; None at tiny scale for one that is made here.
        features: where what was heard is kept; None for a folder in the dataset's.
        cues: of a dataset that is made here.
        phase: that trains.
        numbers: of the training, where they are not the phase's own.
        profile: how freely captioners choose their words.
        most_bad: the share of rows that may be left out.
        device: "cpu" to leave GPUs alone; empty for what there is.
        processes: that train; more than one are started by torchrun.
        draws: behind each interval.
    """

    output: Path
    scale: str = "full"
    captioner: Path | None = None
    data: Path | None = None
    features: Path | None = None
    cues: int = tiny_data.CUES
    phase: Phase = "msi"
    numbers: dict[str, Any] = field(default_factory=dict)
    profile: GenerationProfile = "steady"
    most_bad: float = 0.2
    device: str = ""
    processes: int = 1
    draws: int = 2000


@dataclass(frozen=True, kw_only=True)
class Stage:
    """An experiment made ready.

    Attributes:
        asked: what is wanted.
        captioner: to start from.
        dataset: all rows.
        features: where what was heard is kept.
        wish: a training, but for its data and its output.
    """

    asked: Asked
    captioner: Path
    dataset: Dataset
    features: Path
    wish: Wish

    def questions(self, rows: Sequence[Row]) -> Questions:
        """What captioners are asked of these rows."""
        generation = msgspec.structs.replace(
            PROFILES[self.asked.profile], seed=self.wish.settings.seed
        )
        if self.asked.scale == TINY:
            most = min(_TINY_TOKENS, generation.max_tokens)
            generation = msgspec.structs.replace(generation, max_tokens=most)
        return Questions(
            rows=rows,
            folder=self.dataset.folder,
            features=self.features,
            generation=generation,
            device=self.asked.device,
            precision=self.wish.settings.precision,
            most_bad=self.asked.most_bad,
        )

    def run(self, name: str) -> Path:
        """The folder of a run."""
        return self.asked.output / "runs" / name

    def begin(self, experiment: str, **more: Any) -> Record:
        """Write the experiment's record, or make sure that it is the one there.

        Raises:
            RequestError: another experiment lies there.
        """
        asked = self.asked
        settings = {"scale": asked.scale, "profile": asked.profile, **more}
        record = Record(
            experiment=experiment,
            settings=settings | {"training": msgspec.to_builtins(self.wish.settings)},
            captioner=identity(read_manifest(self.captioner)),
            data_digest=self.dataset.digest,
            code=code_version(),
            packages=package_versions(),
            hardware=hardware(_device(asked.device), asked.processes),
        )
        return begin(asked.output, record)


def ready(asked: Asked, progress: Progress) -> Stage:
    """Have captioner and data, made here where that is wanted.

    Raises:
        RequestError: something is not named, or other things lie in the output folder.
        InputError: the dataset cannot be used.
        CancelledError: Ctrl-C; the same again goes on.
    """
    check_folder(asked.output)
    numbers = dict(asked.numbers)
    captioner, data = asked.captioner, asked.data
    if asked.scale == TINY:
        numbers = {**_TINY_NUMBERS, **numbers}
        seed = int(numbers.get("seed", 0))
        home = asked.output / TINY
        read: list[str] | None = None
        if data is None:
            data = tiny_data.make_data(home, asked.cues, seed, Portion(progress, 0.0, 0.5))
            read = tiny_data.reading(seed)
        if captioner is None:
            music = data.parent / "music"
            read = read or read_of(data, music)
            captioner = make_captioner(home, read, music, seed, Portion(progress, 0.5, 1.0))
    if captioner is None or data is None:
        raise RequestError(
            "A captioner and a dataset must be named.",
            hint="Give --captioner DIR and --data DIR, or --scale tiny to have both made here.",
        )
    dataset = read_dataset(data)
    settings = settings_for(asked.phase, numbers)
    features = asked.features or data / "features"
    wish = Wish(
        captioner=captioner,
        data=data,
        output=asked.output,
        settings=settings,
        features=features,
        most_bad=asked.most_bad,
        device=asked.device,
    )
    return Stage(asked=asked, captioner=captioner, dataset=dataset, features=features, wish=wish)


def _device(named: str) -> str:
    return named or ("cuda" if torch.cuda.is_available() else "cpu")
