"""The `musiscene-train` command: reads arguments, runs one command, turns errors into exit codes.

    0    done
    2    something the user can mend: one sentence, and what to do next, on stderr
    130  cancelled with Ctrl-C

Commands import what they need when they run, so that --help answers at once.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress as Bars

from musiscene_core.errors import EngineError, MusiSceneError
from musiscene_core.paths import keep_plot_caches
from musiscene_training.adapter import command as adapter
from musiscene_training.evaluate import command as evaluate
from musiscene_training.experiments import command as experiments
from musiscene_training.importing import command as importing
from musiscene_training.nano import command as nano
from musiscene_training.survey import command as survey
from musiscene_training.vacad import command as vacad

EXIT_BAD_INPUT = 2
EXIT_CANCELLED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    arguments = build_parser().parse_args(argv)
    keep_plot_caches()
    try:
        return int(arguments.run(arguments))
    except MusiSceneError as error:
        sys.stderr.write(f"musiscene-train: {error.message}\n")
        if error.hint:
            sys.stderr.write(f"  {error.hint}\n")
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        sys.stderr.write("musiscene-train: cancelled\n")
        return EXIT_CANCELLED


def build_parser() -> argparse.ArgumentParser:
    """The arguments of every command."""
    parser = argparse.ArgumentParser(
        prog="musiscene-train",
        description="Make captioners: convert, train, evaluate them; and hold listening tests.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    convert = commands.add_parser(
        "convert", help="published weights, once, to a folder that MusiScene loads"
    )
    convert.add_argument(
        "--llama",
        required=True,
        type=Path,
        metavar="DIR",
        help="LLaMA as Meta hands it out: params.json, tokenizer.model, consolidated.*.pth",
    )
    convert.add_argument(
        "--mert",
        required=True,
        type=Path,
        metavar="DIR",
        help="MERT-v1: config.json with pytorch_model.bin or model.safetensors",
    )
    convert.add_argument(
        "--checkpoint", required=True, type=Path, metavar="FILE", help="MU-LLaMA's checkpoint.pth"
    )
    convert.add_argument(
        "--output", required=True, type=Path, metavar="DIR", help="a folder that is not there yet"
    )
    convert.add_argument(
        "--query-len",
        type=_count,
        default=1,
        metavar="N",
        help="prefix tokens a layer it was trained with (%(default)s)",
    )
    convert.add_argument(
        "--licence", default="", help="what its makers allow, kept with the weights"
    )
    convert.add_argument(
        "--dataset-digest", default="", metavar="SHA256", help="of what it was trained on"
    )
    convert.set_defaults(run=_convert)
    new = commands.add_parser("new", help="a captioner that has learned nothing, to be trained")
    adapter.add_fresh_arguments(new)
    new.set_defaults(run=adapter.run_fresh)
    training = commands.add_parser(
        "adapter", help="train a captioner further, or a house pack for one"
    )
    adapter.add_arguments(training)
    training.set_defaults(run=adapter.run)
    nano.add_arguments(
        commands.add_parser("nano", help="make the small captioner that MusiScene comes with")
    )
    experiments.add_arguments(commands.add_parser("experiment", help="experiments of the papers"))
    evaluate.add_arguments(
        commands.add_parser("evaluate", help="how near captions come to their references")
    )
    survey.add_arguments(
        commands.add_parser("survey", help="blind listening tests in a browser, and their results")
    )
    vacad.add_arguments(
        commands.add_parser("vacad", help="build a dataset from clips: pictures, music and words")
    )
    importing.add_arguments(
        commands.add_parser("import", help="datasets of others, and a studio's own cue library")
    )
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1024:
        raise argparse.ArgumentTypeError("must be 1 to 1024")
    return int(text)


def _convert(arguments: argparse.Namespace) -> int:
    try:
        from musiscene_core.captioning.mullama.conversion import Originals, convert
    except ImportError as error:
        raise EngineError(
            f"Converting needs the package {error.name}, which is not installed.",
            hint="Run: pip install 'musiscene[models]'",
        ) from error
    originals = Originals(
        llama=arguments.llama,
        encoder=arguments.mert,
        checkpoint=arguments.checkpoint,
        query_len=arguments.query_len,
        licence=arguments.licence,
        dataset_digest=arguments.dataset_digest,
    )
    console = Console(stderr=True, highlight=False)
    with Bars(console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("Starting", total=1.0)

        def shown(stage: str, fraction: float) -> None:
            bars.update(task, description=stage, completed=fraction)

        manifest = convert(originals, arguments.output, shown)
    tuned = f"LoRA of rank {manifest.config.lora_rank}" if manifest.config.lora_rank else "no LoRA"
    sys.stdout.write(
        f"{arguments.output}: a captioner over {manifest.config.prefix_layers} layers, {tuned}.\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
