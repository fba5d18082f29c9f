"""A tiny captioner and a dataset for it, to be trained for real. Imports torch: skip before."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from musiscene_core.captioning.mullama.conversion import Originals, convert
from musiscene_core.captioning.prompts import SCENE
from musiscene_training.adapter.run import Wish
from musiscene_training.adapter.settings import settings_for
from musiscene_training.dataset import Row, write_rows
from tests.support import tiny_captioner
from tests.support.make_media import make_sound

ANSWERS = (
    "the music is slow and sad",
    "a chase at night",
    "the music is slow",
    "a chase",
    "slow and sad at night",
)
QUICK = {
    "batch": 4,
    "epochs": 2,
    "warmup_epochs": 0.0,
    "rate": 1e-3,
    "save_every": 1,
    "shown": 0,
    "most_tokens": 512,
}


def make_captioner(folder: Path, **shape: Any) -> Path:
    """A converted captioner in `folder`/captioner."""
    tiny = tiny_captioner.make(folder, **shape)
    given = Originals(
        llama=tiny.llama,
        encoder=tiny.encoder,
        checkpoint=tiny.checkpoint,
        query_len=tiny.query_len,
        licence="MIT",
    )
    convert(given, folder / "captioner")
    return folder / "captioner"


def make_data(folder: Path, training: int = 7, validation: int = 2, **more: Any) -> Path:
    """A dataset whose music was heard before: random features."""
    folder.mkdir(parents=True)
    chance = np.random.default_rng(0)
    rows = []
    for number in range(training + validation):
        shape = (tiny_captioner.STATES, tiny_captioner.HEARD_WIDTH)
        np.save(folder / f"{number}.npy", chance.normal(size=shape).astype(np.float32))
        rows.append(
            Row(
                id=f"r{number}",
                question="What is it?",
                answer=ANSWERS[number % len(ANSWERS)] + " again" * (number % 3),
                features=f"{number}.npy",
                split="train" if number < training else "validation",
                **more,
            )
        )
    write_rows(folder, rows)
    return folder


def make_music(folder: Path, names: tuple[str, ...]) -> None:
    """Sound files of a second, each of another pitch."""
    chance = np.random.default_rng(1)
    for number, name in enumerate(names):
        times = np.arange(24_000) / 24_000
        wave = 0.3 * np.sin(2 * np.pi * (110 + 50 * number) * times)
        noise = 0.02 * chance.normal(size=times.size)
        make_sound(folder / name, (wave + noise)[None].astype(np.float32), rate=24_000)


def make_style(folder: Path, count: int = 8) -> None:
    """A dataset of sound files with captions in words of one's own."""
    folder.mkdir(parents=True)
    names = tuple(f"{number}.wav" for number in range(count))
    make_music(folder, names)
    rows = [
        Row(id=name, question=SCENE, answer=ANSWERS[number % len(ANSWERS)], sound=name)
        for number, name in enumerate(names)
    ]
    write_rows(folder, rows)


def wish(captioner: Path, data: Path, output: Path, phase: str = "msi", **numbers: Any) -> Wish:
    """A quick training."""
    named = ("most_bad", "name", "features", "licence")
    ours = {name: numbers.pop(name) for name in named if name in numbers}
    settings = settings_for(phase, {**QUICK, **numbers})
    return Wish(
        captioner=captioner, data=data, output=output, settings=settings, device="cpu", **ours
    )


def command(wished: Wish) -> list[str]:
    """The command line that trains the same."""
    said = [sys.executable, "-m", "musiscene_training.cli", "adapter", wished.settings.phase]
    for name in ("captioner", "data", "output", "name", "device"):
        said += [f"--{name}", str(getattr(wished, name))]
    for name in (*QUICK, "shown_tokens", "sharing"):
        said += [f"--{name.replace('_', '-')}", str(getattr(wished.settings, name))]
    return said


def launch(wished: Wish, count: int) -> list[subprocess.Popen[str]]:
    """The training in `count` processes that find each other as those of torchrun do."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = []
    for rank in range(count):
        place = {
            "RANK": rank,
            "LOCAL_RANK": rank,
            "WORLD_SIZE": count,
            "LOCAL_WORLD_SIZE": count,
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": port,
            "OMP_NUM_THREADS": 1,
        }
        started.append(
            subprocess.Popen(
                command(wished),
                env={**os.environ, **{name: str(value) for name, value in place.items()}},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    return started


if __name__ == "__main__":
    place = Path(sys.argv[1])
    make_captioner(place)
    make_style(place / "mystyle")
    print(f"{place}/captioner and {place}/mystyle")
