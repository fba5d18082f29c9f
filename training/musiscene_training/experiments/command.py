"""`musiscene-train experiment`: its arguments, and what it does with them."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import msgspec

from musiscene_core.errors import CancelledError, EngineError, RequestError
from musiscene_core.request import GenerationProfile
from musiscene_training.adapter.command import EXIT_STOPPED, add_numbers, wanted_numbers
from musiscene_training.experiments.capacity import HIDDEN

_LEAST_CUES, _MOST_CUES, _MOST = 12, 100_000, 1024
_SCALES = ("full", "tiny")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    kinds = parser.add_subparsers(dest="what", required=True)
    one = kinds.add_parser(
        "replication", help="tables 2 and 3 of the MusiScene paper, published rows beside ours"
    )
    _add_shared(one)
    one.add_argument("--bert", type=Path, metavar="DIR", help="BERTScore's model: roberta-large")
    one.add_argument(
        "--tags", type=Path, metavar="FILE", help="id and tags, for the row of captions from tags"
    )
    one.add_argument(
        "--music",
        default="",
        metavar="ENGINE",
        help="make table 3 too, with music by this engine of the daemon: composer, musicgen:medium",
    )
    one.add_argument(
        "--texts",
        type=Path,
        metavar="FILE",
        help="captions of pictures for table 3: id, video and fusion (vacad.parquet of the build)",
    )
    one.add_argument(
        "--embedding", action="append", metavar="SPEC", help="for FAD, as evaluate music (mfcc)"
    )
    one.add_argument(
        "--classifier",
        action="append",
        default=[],
        metavar="SPEC",
        help="for KL, as evaluate music",
    )
    one.set_defaults(run=run_replication)
    one = kinds.add_parser(
        "capacity", help="how wide the adapter must be: quality against training time"
    )
    _add_shared(one)
    one.add_argument(
        "--hidden",
        default=",".join(map(str, HIDDEN)),
        metavar="NUMBERS",
        help="widths inside the adapter's bridges, with commas (%(default)s)",
    )
    one.add_argument(
        "--repeats", type=_count, default=1, metavar="N", help="of each, other seeds (%(default)s)"
    )
    one.add_argument(
        "--phase",
        choices=("msi", "pretrain"),
        default="msi",
        help="that trains: the adapter alone, or prefix queries and gates too (%(default)s)",
    )
    one.set_defaults(run=run_capacity)
    one = kinds.add_parser(
        "generalisation", help="how well a captioner does with genres that it was not trained on"
    )
    _add_shared(one)
    one.add_argument(
        "--left-out",
        default="",
        metavar="GENRES",
        help="never trained on, with commas: classical,traditional",
    )
    one.add_argument(
        "--genres",
        type=Path,
        metavar="FILE",
        help="id and genre, or id and labels as in vacad.parquet; the rows' own column genre else",
    )
    one.set_defaults(run=run_generalisation)
    one = kinds.add_parser(
        "hallucination", help="how often captions of models and of people tell what is not there"
    )
    one.add_argument("ratings", type=Path, metavar="RATED", help="id, source and hallucinated")
    one.add_argument(
        "--output", required=True, type=Path, metavar="DIR", help="a new folder, or an empty one"
    )
    one.set_defaults(run=run_hallucination)


def _add_shared(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output",
        required=True,
        type=Path,
        metavar="DIR",
        help="of the experiment; the same command again goes on where it was",
    )
    parser.add_argument(
        "--scale",
        choices=_SCALES,
        default="full",
        help="tiny makes a small random captioner and music for it here (%(default)s)",
    )
    parser.add_argument("--captioner", type=Path, metavar="DIR", help="the one to start from")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="scenes, as vacad and import write them"
    )
    parser.add_argument(
        "--features", type=Path, metavar="DIR", help="what was heard is kept here (DATA/features)"
    )
    parser.add_argument(
        "--cues", type=_cues, metavar="N", help="of the music that --scale tiny makes (60)"
    )
    parser.add_argument(
        "--profile",
        choices=get_args(GenerationProfile),
        default="steady",
        help="how freely captioners choose their words (%(default)s)",
    )
    parser.add_argument(
        "--most-bad",
        type=float,
        default=0.2,
        metavar="SHARE",
        help="share of rows that may be left out, 0 to 1 (%(default)s)",
    )
    parser.add_argument(
        "--processes",
        type=_count,
        default=1,
        metavar="N",
        help="that train, one a GPU (%(default)s)",
    )
    parser.add_argument("--device", default="", choices=["", "cpu"], help="leave GPUs alone")
    parser.add_argument(
        "--draws",
        type=int,
        default=2000,
        metavar="N",
        help="resampled sets behind each interval, 0 for none (%(default)s)",
    )
    add_numbers(parser)


def run_replication(arguments: argparse.Namespace) -> int:
    """Make tables 2 and 3 again; returns the exit code."""

    def perform(performing: Any, asked: Any, progress: Any) -> Any:
        music = None
        if arguments.music:
            music = performing.MusicAsked(
                engine=arguments.music,
                texts=arguments.texts,
                embeddings=tuple(arguments.embedding or ("mfcc",)),
                classifiers=tuple(arguments.classifier),
            )
        return performing.replicate(
            asked, _tell, progress, bert=arguments.bert, tags=arguments.tags, music=music
        )

    from musiscene_training.experiments import replication

    return _run(arguments, "msi", perform, replication)


def run_capacity(arguments: argparse.Namespace) -> int:
    """Compare adapters of several widths; returns the exit code."""
    from musiscene_training.experiments import capacity

    hidden = capacity.widths(arguments.hidden)

    def perform(performing: Any, asked: Any, progress: Any) -> Any:
        return performing.try_capacities(asked, hidden, arguments.repeats, _tell, progress)

    return _run(arguments, arguments.phase, perform, capacity)


def run_generalisation(arguments: argparse.Namespace) -> int:
    """Judge by genres that were not trained on; returns the exit code."""
    from musiscene_training.experiments import generalisation

    left_out = tuple(word.strip() for word in arguments.left_out.split(",") if word.strip())
    made_here = arguments.scale == "tiny" and arguments.data is None
    if not left_out and not made_here:
        raise RequestError(
            "No genre is left out of training.",
            hint="Name some, for example --left-out classical,traditional.",
        )

    def perform(performing: Any, asked: Any, progress: Any) -> Any:
        return performing.generalise(asked, left_out, arguments.genres, _tell, progress)

    return _run(arguments, "msi", perform, generalisation)


def run_hallucination(arguments: argparse.Namespace) -> int:
    """Count a rated sample; returns the exit code."""
    from musiscene_training.evaluate.output import as_csv, check_output, deliver
    from musiscene_training.experiments.hallucination import Rate, plot, rates, read_ratings, table

    check_output(arguments.output)
    found = rates(read_ratings(arguments.ratings))
    items = as_csv(Rate.__struct_fields__, [msgspec.structs.astuple(one) for one in found])
    deliver(arguments.output, table(found), items, plot(found), found)
    return 0


def _run(
    arguments: argparse.Namespace,
    phase: str,
    perform: Callable[[Any, Any, Any], Any],
    drawn_by: Any,
) -> int:
    """Perform an experiment, and write and print what was found.

    Args:
        arguments: of the command.
        phase: that trains.
        perform: the experiment: given the module, what is asked and the progress, it returns what
            was found, and items.
        drawn_by: the module whose `table` and `plot` show it.
    """
    from musiscene_training.devices import GOES_ON, device_in_words
    from musiscene_training.evaluate.output import as_csv, deliver, shown_progress
    from musiscene_training.experiments.judged import Scored
    from musiscene_training.holding import alone

    if not 0 <= arguments.most_bad <= 1 or not 0 <= arguments.draws <= 100_000:
        raise RequestError("--most-bad must be 0 to 1, and --draws 0 to 100000.")
    if os.environ.get("WORLD_SIZE", "1") != "1":
        raise RequestError(
            "An experiment starts its processes itself.",
            hint="Run it without torchrun, and say how many with --processes.",
        )
    try:
        from musiscene_core.neural.threads import use_threads
        from musiscene_training.experiments import performing, staging, tiny_data

        use_threads()
    except ImportError as error:
        raise EngineError(
            f"Experiments need the package {error.name}, which is not installed.",
            hint="Run: pip install 'musiscene[train]'",
        ) from error
    asked = staging.Asked(
        output=arguments.output,
        scale=arguments.scale,
        captioner=arguments.captioner,
        data=arguments.data,
        features=arguments.features,
        cues=arguments.cues or tiny_data.CUES,
        phase=phase,
        numbers=wanted_numbers(arguments),
        profile=arguments.profile,
        most_bad=arguments.most_bad,
        device=arguments.device,
        processes=arguments.processes,
        draws=arguments.draws,
    )
    try:
        with alone(arguments.output), shown_progress() as shown, device_in_words(GOES_ON):
            found, scored = perform(performing, asked, shown)
    except CancelledError as error:
        sys.stderr.write(f"{error.message} Run the same command again to go on.\n")
        return EXIT_STOPPED
    items = as_csv(Scored.__struct_fields__, [msgspec.structs.astuple(one) for one in scored])
    deliver(arguments.output, drawn_by.table(found), items, drawn_by.plot(found), found)
    return 0


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MOST:
        raise argparse.ArgumentTypeError(f"must be 1 to {_MOST}")
    return int(text)


def _cues(text: str) -> int:
    if not text.isdecimal() or not _LEAST_CUES <= int(text) <= _MOST_CUES:
        raise argparse.ArgumentTypeError(f"must be {_LEAST_CUES} to {_MOST_CUES}")
    return int(text)
