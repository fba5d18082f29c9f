"""`musiscene-train evaluate`: its arguments, and what it says and writes."""

from __future__ import annotations

import argparse
from pathlib import Path

import msgspec

from musiscene_training.evaluate.captions import read_captions, read_training_texts
from musiscene_training.evaluate.music import command as music
from musiscene_training.evaluate.output import as_csv, check_output, deliver, shown_progress
from musiscene_training.evaluate.report import ItemFigures, plot, table
from musiscene_training.evaluate.scoring import evaluate_captions
from musiscene_training.evaluate.strategies import command as strategies
from musiscene_training.evaluate.tags import NAME, baseline, read_tags


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
    msi.add_argument(
        "--tags",
        type=Path,
        metavar="FILE",
        help="id and tags, for a row of captions made from them alone, as LP-MusicCaps does",
    )
    msi.add_argument("--name", default="", help="of the captioner, in the table (the file's name)")
    msi.add_argument(
        "--count-empty", action="store_true", help="score empty captions as zero, not as a mistake"
    )
    msi.set_defaults(run=run)
    music.add_arguments(
        kinds.add_parser("music", help="made music against other music and its captions")
    )
    strategies.add_arguments(
        kinds.add_parser("strategies", help="kinds of captions, and the music made from each")
    )


def run(arguments: argparse.Namespace) -> int:
    """Evaluate captions; returns the exit code."""
    check_output(arguments.output)
    given = read_captions(
        arguments.predictions, arguments.references, count_empty=arguments.count_empty
    )
    training = read_training_texts(arguments.training) if arguments.training else []
    baselines = {}
    if arguments.tags:
        tags = read_tags(arguments.tags)
        baselines[NAME] = baseline([one.id for one in given.items], tags)
    with shown_progress() as shown:
        report, items = evaluate_captions(
            given,
            arguments.name or arguments.predictions.stem,
            training,
            arguments.bert,
            baselines,
            shown,
        )
    rows = [msgspec.structs.astuple(item) for item in items]
    written = as_csv(ItemFigures.__struct_fields__, rows)
    deliver(arguments.output, table(report), written, plot(report, items), report)
    return 0
