"""`musiscene-train adapter`: its arguments, and what it says. Loads no torch until it runs."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any, get_args

from rich.console import Console
from rich.progress import (
    BarColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars

from musiscene_core.captioning.mullama.packs import PackedLinear, check_name
from musiscene_core.errors import EngineError, RequestError
from musiscene_core.progress import Progress, silent
from musiscene_training.adapter.settings import Phase, Precision, Sharing, settings_for
from musiscene_training.evaluate.output import NowAndThen

EXIT_DONE, EXIT_STOPPED = 0, 130
_MOST = 1024

_NUMBERS: tuple[tuple[str, type, str], ...] = (
    ("epochs", int, "times that all rows are seen"),
    ("batch", int, "rows a step, over all processes together"),
    ("base-rate", float, "learning rate of a batch of 256; falls in proportion with the batch"),
    ("rate", float, "learning rate as it is, instead"),
    ("warmup-epochs", float, "over which the rate rises"),
    ("weight-decay", float, "of everything but norms and biases"),
    ("clip", float, "largest norm of the gradients; 0 for any"),
    ("most-tokens", int, "of a row, prompt included; longer ones are cut"),
    ("pack-tokens", int, "of rows side by side in one pass: as many as memory allows"),
    ("rank", int, "of the LoRA that finetune and house make"),
    ("alpha", float, "that LoRA is scaled by alpha / rank"),
    ("seed", int, "of new weights and of the order of rows"),
    ("patience", int, "epochs without a better validation before it ends; 0 for never"),
    ("save-every", int, "steps between checkpoints; there is one after each epoch too"),
    ("shown", int, "validation rows whose captions are written after each epoch"),
    ("shown-tokens", int, "length of those captions at most"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("phase", choices=get_args(Phase), help="what trains; see docs/training.md")
    parser.add_argument(
        "--captioner", required=True, type=Path, metavar="DIR", help="the one to start from"
    )
    parser.add_argument(
        "--data", required=True, type=Path, metavar="DIR", help="folder with rows.jsonl or Parquet"
    )
    parser.add_argument(
        "--output",
        required=True,
        type=Path,
        metavar="DIR",
        help="of this training; the same command again goes on from its last checkpoint",
    )
    parser.add_argument(
        "--features", type=Path, metavar="DIR", help="what was heard is kept here (DATA/features)"
    )
    parser.add_argument(
        "--most-bad",
        type=float,
        default=0.2,
        metavar="SHARE",
        help="share of rows that may be left out, 0 to 1 (%(default)s)",
    )
    parser.add_argument("--name", default="house", help="of the house pack (%(default)s)")
    parser.add_argument("--description", default="", help="of the house pack, a sentence")
    parser.add_argument("--licence", default="", help="what its makers allow, kept with the result")
    parser.add_argument("--device", default="", choices=["", "cpu"], help="leave GPUs alone")
    add_numbers(parser)


def add_numbers(parser: argparse.ArgumentParser) -> None:
    """The arguments that change the numbers of a training."""
    numbers = parser.add_argument_group("numbers", "unless given, those of the published trainings")
    for name, kind, described in _NUMBERS:
        numbers.add_argument(f"--{name}", type=kind, metavar="N", help=described)
    numbers.add_argument(
        "--linears",
        metavar="NAMES",
        help=f"that the LoRA of house goes around, of {','.join(get_args(PackedLinear))}",
    )
    numbers.add_argument("--precision", choices=get_args(Precision), help="of what is frozen")
    numbers.add_argument(
        "--sharing",
        choices=get_args(Sharing),
        help="with several processes: each holds everything, or a share of what is frozen",
    )
    numbers.add_argument(
        "--compile",
        action="store_true",
        default=None,
        help="let torch compile norms and feed-forward blocks",
    )


def add_fresh_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `musiscene-train new`."""
    parser.add_argument(
        "--base", required=True, type=Path, metavar="DIR", help="a language model of transformers"
    )
    parser.add_argument(
        "--mert", required=True, type=Path, metavar="DIR", help="MERT-v1, as published or converted"
    )
    parser.add_argument(
        "--output", required=True, type=Path, metavar="DIR", help="a folder that is not there yet"
    )
    parser.add_argument(
        "--prefix-layers", type=int, default=0, metavar="N", help="that shall hear (20 of 32)"
    )
    parser.add_argument(
        "--query-len", type=int, default=1, metavar="N", help="prefix tokens a layer (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of its random weights (%(default)s)")
    parser.add_argument("--licence", default="", help="what the two models allow")


def run_fresh(arguments: argparse.Namespace) -> int:
    """Make a captioner that has learned nothing; returns the exit code.

    Raises:
        MusiSceneError: something the user can mend.
    """
    if not (0 <= arguments.prefix_layers <= _MOST and 1 <= arguments.query_len <= _MOST):
        raise RequestError(
            f"Layers and prefix tokens must be 1 to {_MOST}.", hint="Leave them out."
        )
    try:
        from musiscene_training.adapter.fresh import make
    except ImportError as error:
        raise _not_installed(error) from error
    manifest = make(
        arguments.base,
        arguments.mert,
        arguments.output,
        prefix_layers=arguments.prefix_layers,
        query_len=arguments.query_len,
        seed=arguments.seed,
        licence=arguments.licence,
    )
    sys.stdout.write(
        f"{arguments.output}: a captioner over {manifest.config.prefix_layers} layers that has "
        "learned nothing.\nTrain it with musiscene-train adapter pretrain.\n"
    )
    return EXIT_DONE


def _not_installed(error: ImportError) -> EngineError:
    return EngineError(
        f"Training needs the package {error.name}, which is not installed.",
        hint="Run: pip install 'musiscene[train]'",
    )


def run(arguments: argparse.Namespace) -> int:
    """Train as asked; returns the exit code.

    Raises:
        MusiSceneError: something the user can mend.
    """
    settings = settings_for(arguments.phase, wanted_numbers(arguments))
    check_name(arguments.name)
    if settings.phase != "house" and arguments.description:
        sys.stderr.write("musiscene-train: --description is of house packs alone\n")
    try:
        from musiscene_core.neural.threads import use_threads
        from musiscene_training.adapter.run import Wish, train

        use_threads()
    except ImportError as error:
        raise _not_installed(error) from error
    wish = Wish(
        captioner=arguments.captioner,
        data=arguments.data,
        output=arguments.output,
        settings=settings,
        features=arguments.features,
        most_bad=arguments.most_bad,
        name=arguments.name,
        description=arguments.description,
        licence=arguments.licence,
        device=arguments.device,
    )
    console = Console(stderr=True, highlight=False)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    if console.is_terminal:
        with Bars(*columns, console=console, transient=True) as bars:
            done = train(wish, _shown(bars))
    else:
        # The log of a scheduler: of several processes the first alone speaks.
        first = os.environ.get("RANK", "0") == "0"
        done = train(wish, NowAndThen(console) if first else silent)
    if done.is_first:
        sys.stdout.write(_said(done, wish))
    return EXIT_DONE if done.finished else EXIT_STOPPED


def wanted_numbers(arguments: argparse.Namespace) -> dict[str, Any]:
    """The numbers of a training that were given, by the names of Settings."""
    names = [name.replace("-", "_") for name, _, _ in _NUMBERS]
    names += ["precision", "sharing", "compile"]
    given = {name: getattr(arguments, name) for name in names}
    if arguments.linears is not None:
        given["linears"] = [name.strip() for name in arguments.linears.split(",")]
    return {name: value for name, value in given.items() if value is not None}


def _shown(bars: Bars) -> Progress:
    """A bar for each kind of work, each with a pace of its own."""
    tasks: dict[str, Any] = {}

    def show(stage: str, fraction: float) -> None:
        kind = stage.partition(" ")[0]
        if kind not in tasks:
            tasks[kind] = bars.add_task(stage, total=1.0)
        bars.update(tasks[kind], description=stage, completed=fraction)

    return show


def _said(done: Any, wish: Any) -> str:
    lines = []
    if done.problems:
        many = f"{len(done.problems)} rows were left out"
        lines.append(f"{many}: {wish.output / 'problems.jsonl'} says why.")
    if not done.finished:
        lines.append(
            f"Stopped after step {done.step} of {done.steps}. Run the same command again to go on."
        )
    else:
        best = "" if done.best_loss is None else f", best validation loss {done.best_loss:.3f}"
        lines.append(f"Trained for {done.step} steps{best}.")
        lines += [f"WARNING: {warning}" for warning in done.warnings]
        lines.append(f"Written: {done.result}")
        if wish.settings.phase == "house":
            lines.append(f"Copy it to {wish.captioner / 'packs'} and restart the daemon, then")
            lines.append(f"use it with --captioner mullama --adapter {wish.name}.")
    return "\n".join(lines) + "\n"
