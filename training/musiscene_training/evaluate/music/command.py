"""`musiscene-train evaluate music`: its arguments, and what it does with them."""

from __future__ import annotations

import argparse
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from musiscene_core.errors import RequestError

if TYPE_CHECKING:
    from musiscene_training.evaluate.music.evaluation import Wish

_MOST_BAD, _DRAWS = 0.2, 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument(
        "reference", type=Path, metavar="REFERENCE_DIR", help="music to compare with"
    )
    parser.add_argument(
        "generated",
        type=Path,
        nargs="+",
        metavar="GENERATED_DIR",
        help="made music: sounds, or folders of takes; several are rows of one table",
    )
    add_models(parser)
    parser.add_argument(
        "--background",
        type=Path,
        metavar="DIR",
        help="music that FADs are counted from instead, as Herrmann-1's cinematic set",
    )
    parser.add_argument(
        "--captions", type=Path, metavar="FILE", help="words by the sounds' names: id and text"
    )
    parser.add_argument(
        "--output",
        required=True,
        type=Path,
        metavar="DIR",
        help="a new folder, an empty one, or one in which the same ended early, to go on",
    )
    parser.set_defaults(run=run)


def add_models(parser: argparse._ActionsContainer) -> None:
    """The arguments that say by what music is heard."""
    parser.add_argument(
        "--embedding",
        action="append",
        metavar="SPEC",
        help="for FAD: mfcc (no weights), vggish:FILE, clap:DIR, torchscript:FILE or onnx:FILE;"
        " may be given more than once (mfcc)",
    )
    parser.add_argument(
        "--classifier",
        action="append",
        default=[],
        metavar="SPEC",
        help="for KL: passt:FILE, ast:DIR, torchscript:FILE or onnx:FILE",
    )
    parser.add_argument("--clap", type=Path, metavar="DIR", help="for the CLAP score")
    parser.add_argument(
        "--most-bad",
        type=float,
        default=_MOST_BAD,
        metavar="SHARE",
        help="of a folder's sounds that may be left out, 0 to 1 (%(default)s)",
    )
    parser.add_argument(
        "--draws",
        type=int,
        default=_DRAWS,
        metavar="N",
        help="resampled sets behind each interval, 0 for none (%(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Evaluate music; returns the exit code."""
    from musiscene_training.evaluate.music.evaluation import evaluate_music
    from musiscene_training.evaluate.music.remembering import HEARD
    from musiscene_training.evaluate.music.report import items, plot, table
    from musiscene_training.evaluate.output import check_output, deliver, shown_progress

    check_output(arguments.output, HEARD)
    made = {path.resolve().name: path for path in arguments.generated}
    if len(made) < len(arguments.generated):
        raise RequestError(
            "Two folders of made music have one name, by which rows are told apart.",
            hint="Rename one.",
        )
    wish = replace(wish_of(arguments, arguments.reference, made), kept=arguments.output / HEARD)
    with shown_progress() as shown:
        report = evaluate_music(wish, shown)
    deliver(arguments.output, table(report), items(report), plot(report), report)
    # All is in the result now, and nothing goes on from here.
    shutil.rmtree(arguments.output / HEARD, ignore_errors=True)
    return 0


def wish_of(arguments: argparse.Namespace, reference: Path | None, made: dict[str, Path]) -> Wish:
    """What the arguments ask for.

    Raises:
        RequestError: a number makes no sense.
    """
    from musiscene_training.evaluate.music.evaluation import Wish

    if not 0 <= arguments.most_bad <= 1 or not 0 <= arguments.draws <= 100_000:
        raise RequestError("--most-bad must be 0 to 1, and --draws 0 to 100000.")
    return Wish(
        reference=reference,
        made=made,
        background=getattr(arguments, "background", None),
        embeddings=tuple(arguments.embedding or ("mfcc",)),
        classifiers=tuple(arguments.classifier),
        clap=arguments.clap,
        captions=getattr(arguments, "captions", None),
        most_bad=arguments.most_bad,
        draws=arguments.draws,
    )
