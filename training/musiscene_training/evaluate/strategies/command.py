"""`musiscene-train evaluate strategies`: its arguments, and what it does with them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from musiscene_core.errors import InputError, RequestError
from musiscene_core.progress import Portion
from musiscene_core.request import NANO, GenerationProfile, LanguageUse, engine_and_model
from musiscene_training.evaluate.music.command import add_models, wish_of

if TYPE_CHECKING:
    from musiscene_core.progress import Progress
    from musiscene_training.evaluate.music.evaluation import Wish as MusicWish
    from musiscene_training.evaluate.music.findings import MusicReport
    from musiscene_training.evaluate.strategies.findings import Comparison
    from musiscene_training.evaluate.strategies.making import Made

REPORT_FILE, CAPTIONS_FILE, SOUNDS_FILE = "report.md", "captions.csv", "sounds.csv"
LISTENING_FILE = "listening.csv"
_MAKING, _SCORING = 0.8, 0.9
"""Progress once all is made, and once captions are scored."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument(
        "folder",
        type=Path,
        metavar="FOLDER",
        help="scenes: NAME.mp4, beside it NAME.wav (its music) or NAME.reference.wav; or timelines",
    )
    parser.add_argument(
        "--output",
        required=True,
        type=Path,
        metavar="DIR",
        help="a new folder, or the one of the same comparison, to go on in",
    )
    parser.add_argument(
        "--references",
        type=Path,
        metavar="FILE",
        help="captions that would be right: id, reference, video, music, fusion, herrmann, tags"
        " (FOLDER/references.csv, .jsonl or .parquet)",
    )
    parser.add_argument(
        "--strategies",
        metavar="NAMES",
        help="which of msi, video, music, fusion, herrmann and tags, with commas between"
        " (all; tags where there are tags)",
    )
    making = parser.add_argument_group("what is made", "by the daemon, as for an editor")
    making.add_argument(
        "--engine",
        default="composer",
        metavar="NAME",
        help="who makes the music: composer, musicgen, musicgen:MODEL; none for captions alone"
        " (%(default)s)",
    )
    making.add_argument("--captioner", default=NANO, help="who listens (%(default)s)")
    making.add_argument(
        "--language",
        choices=get_args(LanguageUse),
        default="auto",
        help="whether a language model writes fusion and Herrmann-1's conditions, or rules"
        " (%(default)s)",
    )
    making.add_argument(
        "--profile",
        choices=get_args(GenerationProfile),
        default="steady",
        help="how freely the captioner chooses its words (%(default)s)",
    )
    making.add_argument("--seed", type=int, default=0, metavar="N", help="of words and music")
    judging = parser.add_argument_group("what is counted")
    judging.add_argument(
        "--bert", type=Path, metavar="DIR", help="BERTScore's model: roberta-large"
    )
    judging.add_argument(
        "--training",
        type=Path,
        metavar="PATH",
        help="what the captioner was trained with, a file or a dataset, to find copies of it",
    )
    judging.add_argument(
        "--background",
        type=Path,
        metavar="DIR",
        help="music that FADs are counted from instead, as Herrmann-1's cinematic set",
    )
    add_models(judging)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare caption strategies; returns the exit code."""
    from musiscene_core.protocol import connect
    from musiscene_training.evaluate.captions import read_training_texts
    from musiscene_training.evaluate.music.evaluation import check_models
    from musiscene_training.evaluate.output import shown_progress
    from musiscene_training.evaluate.strategies.findings import (
        Comparison,
        alike,
        captions_said,
        coverage,
        listening_rows,
        score_captions,
    )
    from musiscene_training.evaluate.strategies.making import Making, check
    from musiscene_training.evaluate.strategies.scenes import read_scenes
    from musiscene_training.evaluate.strategies.wish import Wish, begin

    found = read_scenes(arguments.folder, arguments.references)
    scenes = found.scenes
    tagged = any(scene.tags for scene in scenes)
    engine, model = engine_and_model("" if arguments.engine == "none" else arguments.engine)
    wish = Wish(
        strategies=_strategies(arguments.strategies, tagged=tagged),
        engine=engine,
        model=model,
        captioner=arguments.captioner,
        language=arguments.language,
        profile=arguments.profile,
        seed=arguments.seed,
    )
    training = read_training_texts(arguments.training) if arguments.training else []
    # Before the long work: what is wrong with a model is told now.
    check_models(wish_of(arguments, None, {}))
    output = arguments.output.expanduser().absolute()
    with shown_progress() as shown:
        with connect(daemon="") as client:
            check(client, wish, scenes)
            kept = begin(output, wish, scenes)
            made = Making(client, kept, output, Portion(shown, 0.0, _MAKING)).make(scenes)
        problems = {**found.problems, **made.problems}
        if not made.briefs:
            name, why = next(iter(problems.items()))
            raise InputError(
                f"None of the scenes could be captioned; {name}: {why}",
                hint="Look whether the movies play.",
            )
        told = captions_said(scenes, made, wish)
        scoring = Portion(shown, _MAKING, _SCORING)
        captions = score_captions(told, scenes, training, arguments.bert, scoring)
        music = _music(arguments, output, made, Portion(shown, _SCORING, 1.0))
    comparison = Comparison(
        wish=wish,
        scenes=tuple(scene.name for scene in scenes if scene.name in made.briefs),
        said=tuple(told),
        captions=tuple(captions),
        music=music,
        problems=problems,
        notes=(
            *found.notes,
            *coverage(told, made, len(made.briefs), wish),
            *alike(made, output),
        ),
    )
    _deliver(output, comparison, listening_rows(scenes, made, output))
    return 0


def _strategies(text: str | None, *, tagged: bool) -> tuple[str, ...]:
    from musiscene_training.evaluate.strategies.wish import KINDS, STRATEGIES, TAGS

    if text is None:
        return STRATEGIES if tagged else tuple(KINDS)
    named = [word.strip().lower() for word in text.split(",") if word.strip()]
    unknown = [name for name in named if name not in STRATEGIES]
    if unknown or not named:
        raise RequestError(
            f"There is no strategy {unknown[0]!r}." if unknown else "No strategy was named.",
            hint=f"There are {', '.join(STRATEGIES)}.",
        )
    if TAGS in named and not tagged:
        raise RequestError(
            "No scene has tags.", hint="Give them in a column named tags of --references."
        )
    return tuple(name for name in STRATEGIES if name in named)


def _music(
    arguments: argparse.Namespace, output: Path, made: Made, progress: Progress
) -> MusicReport | None:
    from musiscene_training.evaluate.music.evaluation import ORIGINALS, evaluate_music
    from musiscene_training.evaluate.music.remembering import HEARD
    from musiscene_training.evaluate.strategies.making import MUSIC, ORIGINAL

    if not made.music:
        return None
    folders = {name: output / MUSIC / name for name in made.music}
    reference = output / MUSIC / ORIGINAL if made.originals else None
    wish: MusicWish = wish_of(arguments, reference, folders)
    # Scenes that were asked for another time lie there as well.
    among = {**made.music, ORIGINALS: made.originals}
    wish = replace(wish, among=among, kept=output / HEARD)
    return evaluate_music(wish, progress)


def _deliver(output: Path, found: Comparison, listening: Sequence[Sequence[str]]) -> None:
    from musiscene_core.codec import to_json, write_atomically
    from musiscene_training.evaluate.music.report import items, plot
    from musiscene_training.evaluate.output import RESULT_FILE, as_csv
    from musiscene_training.evaluate.strategies import report

    text = report.document(found)
    files = {
        report.CAPTIONS_PLOT: report.captions_plot(found),
        CAPTIONS_FILE: report.captions_csv(found),
    }
    if found.music is not None:
        files |= {report.MUSIC_PLOT: plot(found.music), SOUNDS_FILE: items(found.music)}
    if listening:
        files[LISTENING_FILE] = as_csv(("scene", "system", "file", "picture"), listening)
    # Before anything is written: a full disk shall not cost the figures.
    sys.stdout.write(text)
    written = {name: data for name, data in files.items() if data is not None}
    for name, data in {REPORT_FILE: text.encode(), **written}.items():
        write_atomically(output / name, data)
    # Last: where it is, the comparison is whole.
    write_atomically(output / RESULT_FILE, to_json(found))
    sys.stdout.write(f"{output}: {', '.join((REPORT_FILE, *written, RESULT_FILE))}\n")
