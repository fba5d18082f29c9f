"""From nothing to a captioner, in stages that each go on where they were stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import msgspec
import torch
from torch import nn

from musiscene_core.codec import write_atomically
from musiscene_core.errors import InputError, OutputError
from musiscene_core.progress import Portion, Progress, silent
from musiscene_training.nano import asks, corpus, examples
from musiscene_training.nano.export import export
from musiscene_training.nano.figures import Figures, measure
from musiscene_training.nano.hearing import hear, train_encoder
from musiscene_training.nano.model import EncoderShape, LanguageShape
from musiscene_training.nano.speaking import (
    Heard,
    train_language,
    train_msi,
    train_mu,
    vocabulary,
)

FIGURES_FILE = "figures.json"
RECIPE_FILE = "recipe.json"
OnLoss = Callable[[str, int, float], None]


@dataclass(frozen=True)
class Recipe:
    """How a nano captioner is made; the same recipe and packages make the same one.

    Attributes:
        seed: of everything.
        cues: of the corpus, those held out for tuning included.
        last: cues beside it, for the last figures alone.
        of_each: examples of each cue.
        encoder_steps: of the encoder's training.
        language_steps: of the language model's.
        mu_steps: of the MU phase.
        msi_steps: of the MSI phase.
        encoder: the encoder's sizes.
        language: the language model's, but for the number of words.
    """

    seed: int = 9
    cues: int = 984
    last: int = 84
    of_each: int = 7
    encoder_steps: int = 1000
    language_steps: int = 600
    mu_steps: int = 200
    msi_steps: int = 360
    encoder: EncoderShape = field(default_factory=EncoderShape)
    language: LanguageShape = field(default_factory=lambda: LanguageShape(words=0))


def make(
    work: Path,
    output: Path,
    recipe: Recipe,
    *,
    processes: int = 1,
    tuning: bool = False,
    progress: Progress = silent,
    on_loss: OnLoss = lambda stage, step, loss: None,
) -> Figures:
    """Make a captioner into `output`; what is in `work` already is not made again.

    Args:
        work: for the corpus and what is half done; about 4.5 MB a cue.
        output: the captioner's folder; its files are replaced at the end.
        recipe: how.
        processes: that play and listen to the corpus.
        tuning: figures of the held-out cues that are for tuning; those kept for the last figures
            are not even made.
        progress: hears how far it is; may raise to stop.
        on_loss: hears of every step of every stage.

    Returns:
        How good it is on what it never trained on; in `output` too, as FIGURES_FILE.

    Raises:
        InputError: `work` belongs to another recipe, or a file there is damaged.
        OutputError: a folder cannot be written.
    """
    _claim(work, recipe)
    last = () if tuning else asks.kept_for_last(recipe.last)
    numbers = (*range(recipe.cues), *last)
    _side_by_side(
        partial(corpus.build, work / "corpus", seed=recipe.seed),
        numbers,
        processes,
        Portion(progress, 0.0, 0.35),
    )
    _side_by_side(
        partial(
            examples.build,
            work / "examples",
            work / "corpus",
            seed=recipe.seed,
            of_each=recipe.of_each,
        ),
        numbers,
        processes,
        Portion(progress, 0.35, 0.5),
    )
    seen = [
        number for number in range(recipe.cues) if asks.ask(number, recipe.seed).split == "train"
    ]
    train = examples.read(work / "examples", seen)
    encoder = train_encoder(
        work,
        train,
        recipe.encoder,
        steps=recipe.encoder_steps,
        seed=recipe.seed,
        progress=Portion(progress, 0.5, 0.65),
        on_loss=partial(on_loss, "encoder"),
    )
    words = vocabulary()
    language = train_language(
        work,
        words,
        replace(recipe.language, words=len(words)),
        steps=recipe.language_steps,
        seed=recipe.seed,
        progress=Portion(progress, 0.65, 0.77),
        on_loss=partial(on_loss, "language"),
    )
    heard = Heard(hear(encoder, train)[0], train.traits)
    mu = train_mu(
        work,
        words,
        language,
        heard,
        steps=recipe.mu_steps,
        seed=recipe.seed,
        progress=Portion(progress, 0.77, 0.87),
        on_loss=partial(on_loss, "mu"),
    )
    msi = train_msi(
        work,
        words,
        language,
        mu,
        heard,
        steps=recipe.msi_steps,
        seed=recipe.seed,
        progress=Portion(progress, 0.87, 0.97),
        on_loss=partial(on_loss, "msi"),
    )
    export(
        output,
        words,
        encoder,
        language,
        {"mu": mu, "msi": msi},
        heard.embeddings,
        seed=recipe.seed,
        cues=len(seen),
    )
    trained = set(seen)
    held_out = last or [number for number in numbers if number not in trained]
    figures = measure(
        output,
        examples.read(work / "examples", held_out),
        recipe.seed,
        progress=Portion(progress, 0.97, 1.0),
    )
    text = msgspec.json.format(msgspec.json.encode(figures), indent=1)
    write_atomically(output / FIGURES_FILE, text + b"\n")
    return figures


def parameters(module: nn.Module) -> int:
    """How many numbers a module has learned."""
    return sum(weight.numel() for weight in module.parameters())


def _claim(work: Path, recipe: Recipe) -> None:
    """Say whose recipe `work` follows; steps and cues may change, what else there is may not."""
    path = work / RECIPE_FILE
    mine = msgspec.json.encode(replace(recipe, cues=0, last=0))
    try:
        work.mkdir(parents=True, exist_ok=True)
        theirs = path.read_bytes() if path.exists() else mine
    except OSError as error:
        raise OutputError.from_os(error, work) from error
    if theirs != mine:
        raise InputError(
            f"{work} belongs to another recipe.",
            hint="Give the numbers it was begun with, or another --work folder.",
        )
    write_atomically(path, mine)


def _side_by_side(
    build: Callable[..., object], numbers: Sequence[int], processes: int, progress: Progress
) -> None:
    """Have `build` make the cues of `numbers`, in several processes where there are some."""
    if processes <= 1:
        build(numbers=numbers, progress=progress)
        return
    size = max(1, len(numbers) // (8 * processes))
    pieces = [numbers[at : at + size] for at in range(0, len(numbers), size)]
    with ProcessPoolExecutor(processes, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        left = [pool.submit(_built, build, piece) for piece in pieces]
        try:
            for done, one in enumerate(left):
                one.result()
                progress("Making the corpus", (done + 1) / len(left))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _built(build: Callable[..., object], numbers: Sequence[int]) -> None:
    build(numbers=numbers)
