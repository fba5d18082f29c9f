"""`musiscene-train nano`: its arguments, and what it says. Loads no torch until it runs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress as Bars
from rich.table import Table

from musiscene_core.errors import EngineError

if TYPE_CHECKING:
    from musiscene_training.nano.figures import Figures

_NUMBERS: tuple[tuple[str, str], ...] = (
    ("seed", "of everything; the same numbers make the same captioner"),
    ("cues", "of the corpus, those held out for tuning included"),
    ("last", "cues for the last figures alone"),
    ("encoder-steps", "of the encoder's training"),
    ("language-steps", "of the language model's"),
    ("mu-steps", "of the MU phase"),
    ("msi-steps", "of the MSI phase"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument(
        "--output", required=True, type=Path, metavar="DIR", help="the captioner's folder"
    )
    parser.add_argument(
        "--work",
        required=True,
        type=Path,
        metavar="DIR",
        help="for what is half done, 4.5 MB a cue; the same command again goes on from it",
    )
    parser.add_argument(
        "--processes", type=_whole, default=2, metavar="N", help="that play music (%(default)s)"
    )
    parser.add_argument(
        "--tuning",
        action="store_true",
        help="figures of the cues held out for tuning, not of those for the last figures",
    )
    numbers = parser.add_argument_group("numbers", "unless given, those of the shipped captioner")
    for name, described in _NUMBERS:
        numbers.add_argument(f"--{name}", type=_whole, metavar="N", help=described)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Make a captioner and print how good it is.

    Raises:
        EngineError: a package is missing.
        MusiSceneError: what the user can mend.
    """
    try:
        from musiscene_training.nano.recipe import Recipe, make
    except ImportError as error:
        raise EngineError(
            f"Training needs the package {error.name}, which is not installed.",
            hint="Run: pip install 'musiscene[train]'",
        ) from error
    names = [name.replace("-", "_") for name, _ in _NUMBERS]
    given = {name: value for name in names if (value := getattr(arguments, name)) is not None}
    console = Console(stderr=True, highlight=False)
    losses: dict[str, float] = {}

    def heard(stage: str, step: int, loss: float) -> None:
        losses[stage] = loss if not step else 0.95 * losses.get(stage, loss) + 0.05 * loss

    with Bars(console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("Starting", total=1.0)

        def shown(stage: str, fraction: float) -> None:
            name = stage.rpartition(" ")[2]
            loss = f", loss {losses[name]:.3f}" if name in losses else ""
            bars.update(task, description=stage + loss, completed=fraction)

        figures = make(
            arguments.work,
            arguments.output,
            Recipe(**given),
            processes=arguments.processes,
            tuning=arguments.tuning,
            progress=shown,
            on_loss=heard,
        )
    _print(figures, Console(file=sys.stdout, highlight=False))
    sys.stdout.write(f"{arguments.output}: a nano captioner.\n")
    return 0


def _print(figures: Figures, console: Console) -> None:
    table = Table("heard right", *figures.accuracy)
    names = next(iter(figures.accuracy.values()), {})
    for name in names:
        table.add_row(name, *(f"{split.get(name, 0):.3f}" for split in figures.accuracy.values()))
    console.print(table)
    table = Table("model", "question", "sound", "BLEU", "BLEU-4", "METEOR", "ROUGE-L")
    for row in figures.rows:
        numbers = (row.bleu, row.bleu4, row.meteor, row.rouge_l)
        table.add_row(row.model, row.question, row.sound, *(f"{number:.3f}" for number in numbers))
    console.print(table)
    if not figures.synonyms:
        console.print("METEOR matched forms and stems only: there is no WordNet here.")


def _whole(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError("must be 1 to 1000000")
    return int(text)
