"""`musiscene-train experiment`: its arguments, and what it does with them."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    kinds = parser.add_subparsers(dest="what", required=True)
    one = kinds.add_parser(
        "hallucination", help="how often captions of models and of people tell what is not there"
    )
    one.add_argument("ratings", type=Path, metavar="RATED", help="id, source and hallucinated")
    one.add_argument(
        "--output", required=True, type=Path, metavar="DIR", help="a new folder, or an empty one"
    )
    one.set_defaults(run=run_hallucination)


def run_hallucination(arguments: argparse.Namespace) -> int:
    """Count a rated sample; returns the exit code."""
    import msgspec

    from musiscene_training.evaluate.output import as_csv, check_output, deliver
    from musiscene_training.experiments.hallucination import Rate, plot, rates, read_ratings, table

    check_output(arguments.output)
    found = rates(read_ratings(arguments.ratings))
    items = as_csv(Rate.__struct_fields__, [msgspec.structs.astuple(one) for one in found])
    deliver(arguments.output, table(found), items, plot(found), found)
    return 0
