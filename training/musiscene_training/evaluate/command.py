"""`musiscene-train evaluate`: its arguments, and what it says and writes."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import Progress as Bars

from musiscene_core.codec import write_atomically
from musiscene_core.errors import OutputError
from musiscene_training.evaluate.captions import read_captions, read_training_texts
from musiscene_training.evaluate.report import ItemFigures, Report, plot, table
from musiscene_training.evaluate.scoring import evaluate_captions

RESULT_FILE, TABLE_FILE, ITEMS_FILE, PLOT_FILE = (
    "result.json",
    "table.md",
    "items.csv",
    "scores.png",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    kinds = parser.add_subparsers(dest="what", required=True)
    msi = kinds.add_parser("msi", help="captions against their references")
    msi.add_argument(
        "predictions",
        type=Path,
        metavar="PREDICTIONS",
        help=".jsonl, .csv or .parquet with id and text, and references unless given apart",
    )
    msi.add_argument(
        "--references", type=Path, metavar="FILE", help="with id and references, or id and text"
    )
    msi.add_argument(
        "--output", required=True, type=Path, metavar="DIR", help="a new folder, or an empty one"
    )
    msi.add_argument(
        "--training",
        type=Path,
        metavar="PATH",
        help="what the captioner was trained with, a file or a dataset, to find copies of it",
    )
    msi.add_argument("--bert", type=Path, metavar="DIR", help="BERTScore's model: roberta-large")
    msi.add_argument("--name", default="", help="of the captioner, in the table (the file's name)")
    msi.add_argument(
        "--count-empty", action="store_true", help="score empty captions as zero, not as a mistake"
    )
    msi.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate captions; returns the exit code."""
    output: Path = arguments.output
    _check_output(output)
    given = read_captions(
        arguments.predictions, arguments.references, count_empty=arguments.count_empty
    )
    training = read_training_texts(arguments.training) if arguments.training else []
    console = Console(stderr=True, highlight=False)
    with Bars(console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("Starting", total=1.0)

        def shown(stage: str, fraction: float) -> None:
            bars.update(task, description=stage, completed=fraction)

        report, items = evaluate_captions(
            given,
            arguments.name or arguments.predictions.stem,
            training,
            arguments.bert,
            shown,
        )
    text = table(report)
    # Before anything is written: a full disk shall not cost the figures.
    sys.stdout.write(text)
    _write(output, report, items, text)
    sys.stdout.write(f"{output}: {TABLE_FILE}, {ITEMS_FILE}, {PLOT_FILE}, {RESULT_FILE}\n")
    return 0


def _check_output(output: Path) -> None:
    try:
        taken = output.exists() and (not output.is_dir() or any(output.iterdir()))
    except OSError as error:
        raise OutputError.from_os(error, output) from error
    if taken:
        raise OutputError(
            f"{output} is there already and not empty.", hint="Name a new folder with --output."
        )


def _write(output: Path, report: Report, items: Sequence[ItemFigures], text: str) -> None:
    write_atomically(output / TABLE_FILE, text.encode())
    write_atomically(output / ITEMS_FILE, _csv(items))
    write_atomically(output / PLOT_FILE, plot(report, items))
    # Last: where it is, the evaluation is whole.
    whole = msgspec.json.format(msgspec.json.encode(report), indent=2)
    write_atomically(output / RESULT_FILE, whole + b"\n")


def _csv(items: Sequence[ItemFigures]) -> bytes:
    file = io.StringIO(newline="")
    rows = csv.writer(file)
    rows.writerow(ItemFigures.__struct_fields__)
    for item in items:
        rows.writerow(
            f"{value:.4f}" if isinstance(value, float) else _unarmed(value)
            for value in msgspec.structs.astuple(item)
        )
    return file.getvalue().encode()


def _unarmed(value: object) -> object:
    """`value`, unless a spreadsheet would run it as a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in tuple("=+-@\t\r") else value
