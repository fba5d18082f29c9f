"""`musiscene-train survey`: its arguments, and what it says and writes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec

from musiscene_core.codec import to_json, write_atomically
from musiscene_core.errors import EngineError, InputError
from musiscene_training.evaluate.output import shown_progress
from musiscene_training.survey.questions import FORMS

PORT = 8037
RATINGS, SYSTEMS, REPORT, PLOT, RESULT = (
    "ratings.csv",
    "systems.csv",
    "report.md",
    "ratings.png",
    "result.json",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    steps = parser.add_subparsers(dest="step", required=True)
    prepare = steps.add_parser("prepare", help="from scenes to a survey: equally loud, unnamed")
    prepare.add_argument(
        "scenes", type=Path, metavar="SCENES", help="a folder for each scene, or a .csv file"
    )
    prepare.add_argument(
        "--output", required=True, type=Path, metavar="DIR", help="a new folder, or an empty one"
    )
    prepare.add_argument(
        "--ask",
        choices=sorted(FORMS),
        default="suitability",
        help="suitability, 0 to 100 (MusiScene), or relevance and quality, 1 to 5 (Herrmann-1)",
    )
    prepare.add_argument(
        "--reference", default="", metavar="SYSTEM", help="rated unnamed like all others"
    )
    prepare.add_argument("--title", default="Music for scenes", help="what listeners see above it")
    prepare.add_argument("--seed", type=int, default=0, help="of all orders (%(default)s)")
    prepare.add_argument(
        "--loudness",
        type=float,
        default=-23.0,
        metavar="LUFS",
        help="of every version (%(default)s)",
    )
    prepare.set_defaults(run=run_prepare)
    serve = steps.add_parser("serve", help="hold it, until Ctrl-C; go on at any time")
    serve.add_argument("folder", type=Path, metavar="DIR", help="that was prepared")
    serve.add_argument(
        "--host",
        default="127.0.0.1",
        help="this machine's address in the network, or 0.0.0.0, to let in phones (%(default)s)",
    )
    serve.add_argument("--port", type=_port, default=PORT, help="0 for any (%(default)s)")
    serve.set_defaults(run=run_serve)
    results = steps.add_parser("results", help="ratings, figures and a plot, also while it is held")
    results.add_argument("folder", type=Path, metavar="DIR", help="that was prepared")
    results.add_argument(
        "--output", type=Path, metavar="DIR", help="where to write them (DIR/results)"
    )
    results.set_defaults(run=run_results)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError("must be 0 to 65535")
    return int(text)


def run_prepare(arguments: argparse.Namespace) -> int:
    """Prepare a survey; returns the exit code."""
    from musiscene_training.survey.preparing import prepare
    from musiscene_training.survey.sources import find_sources

    if not -60 <= arguments.loudness <= -5:
        raise InputError(
            f"{arguments.loudness:g} LUFS is not a loudness to listen at.",
            hint="Give --loudness between -60 and -5; -23 is usual.",
        )
    sources = find_sources(arguments.scenes)
    with shown_progress() as told:
        survey, noticed = prepare(
            sources,
            arguments.output,
            questions=FORMS[arguments.ask],
            reference=arguments.reference,
            title=arguments.title,
            seed=arguments.seed,
            loudness_lufs=arguments.loudness,
            told=told,
        )
    gains = [item.gain_db for item in survey.items]
    reference = f", {survey.reference} as hidden reference" if survey.reference else ""
    sys.stdout.write(
        f"{arguments.output}: {len(survey.scenes)} scenes, {len(survey.systems)} systems"
        f"{reference}.\nAll play at {survey.loudness_lufs:.1f} LUFS, by gains of "
        f"{min(gains):+.1f} to {max(gains):+.1f} dB.\n"
    )
    for sentence in noticed:
        sys.stderr.write(f"  {sentence}\n")
    sys.stdout.write(f"Hold it with: musiscene-train survey serve {arguments.output}\n")
    return 0


def run_serve(arguments: argparse.Namespace) -> int:
    """Hold a survey until Ctrl-C; returns the exit code."""
    try:
        from musiscene_training.survey.serving import hold
    except ImportError as error:
        raise EngineError(
            f"Holding a survey needs the package {error.name}, which is not installed.",
            hint="Run: pip install 'musiscene[survey]'",
        ) from error
    from musiscene_training.survey.plan import read_survey

    def said(address: str, lan: bool) -> None:
        if lan:
            sys.stderr.write(
                "Others in this network can open the survey with this address, unencrypted.\n"
                "Give it to listeners alone, and use it only in a network you trust.\n"
            )
        sys.stdout.write(f"{address}\nCtrl-C ends it; all ratings are kept.\n")
        sys.stdout.flush()

    survey = read_survey(arguments.folder)
    try:
        hold(survey, arguments.folder, arguments.host, arguments.port, said)
    except KeyboardInterrupt:
        # The way a survey ends.
        sys.stderr.write(f"Ended; the ratings are in {arguments.folder}.\n")
    return 0


def run_results(arguments: argparse.Namespace) -> int:
    """Write what came of a survey; returns the exit code."""
    from musiscene_training.survey.plan import read_survey
    from musiscene_training.survey.results import outcomes, plot, ratings_csv, report, systems_csv
    from musiscene_training.survey.store import RATINGS_FILE, Store

    survey = read_survey(arguments.folder)
    nobody = InputError(
        f"Nobody has rated all versions of a scene in {arguments.folder} yet.",
        hint=f"Hold it with: musiscene-train survey serve {arguments.folder}",
    )
    if not (arguments.folder / RATINGS_FILE).is_file():
        raise nobody
    store = Store(arguments.folder)
    rated, listeners = store.rated(), store.listeners()
    found = outcomes(survey, rated)
    output: Path = arguments.output or arguments.folder / "results"
    if rated:
        write_atomically(output / RATINGS, ratings_csv(rated))
    if not found:
        raise nobody
    text = report(survey, listeners, found)
    sys.stdout.write(text)
    write_atomically(output / SYSTEMS, systems_csv(survey, found))
    write_atomically(output / REPORT, text.encode())
    write_atomically(output / PLOT, plot(survey, found))
    figures = {"systems": survey.systems, "outcomes": msgspec.to_builtins(found)}
    write_atomically(output / RESULT, to_json(figures))
    sys.stdout.write(f"\n{output}: {', '.join((RATINGS, SYSTEMS, REPORT, PLOT, RESULT))}\n")
    return 0
