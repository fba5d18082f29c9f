"""The experiments themselves: which runs there are, in which order, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from musiscene_core.captioning.prompts import DESCRIBE
from musiscene_core.progress import Portion, Progress
from musiscene_core.protocol import connect
from musiscene_training.dataset import Row
from musiscene_training.evaluate.music.evaluation import Wish, evaluate_music
from musiscene_training.evaluate.music.findings import MusicReport
from musiscene_training.evaluate.music.remembering import HEARD
from musiscene_training.evaluate.scoring import evaluate_captions
from musiscene_training.evaluate.tags import NAME as TAGS
from musiscene_training.evaluate.tags import baseline, read_tags
from musiscene_training.experiments import capacity, generalisation, made_music, tiny_data
from musiscene_training.experiments.judged import (
    METRICS,
    Judged,
    Scored,
    captions_of,
    in_figures,
    judged,
)
from musiscene_training.experiments.new_adapter import with_new_adapter
from musiscene_training.experiments.parts import choosing, held_back, trainable
from musiscene_training.experiments.replication import GIVEN, TRAINED, Replication
from musiscene_training.experiments.runs import as_given, trained
from musiscene_training.experiments.staging import TINY, Asked, Stage, ready
from musiscene_training.experiments.study import Run

Teller = Callable[[str], None]
_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class MusicAsked:
    """What a user wants of table 3.

    Attributes:
        engine: of the daemon, or "engine:model".
        texts: file with captions of pictures and fusion; None for none.
        embeddings: for FAD.
        classifiers: for KL.
    """

    engine: str
    texts: Path | None = None
    embeddings: tuple[str, ...] = ("mfcc",)
    classifiers: tuple[str, ...] = ()


def replicate(
    asked: Asked,
    tell: Teller,
    progress: Progress,
    *,
    bert: Path | None = None,
    tags: Path | None = None,
    music: MusicAsked | None = None,
) -> tuple[Replication, tuple[Scored, ...]]:
    """Tables 2 and 3; returns what was found, and item by item.

    Args:
        asked: what is wanted.
        tell: hears a line as each run is done.
        progress: hears of everything.
        bert: folder of BERTScore's model.
        tags: file of tags by row, for the baseline.
        music: of table 3; None for none.

    Raises:
        CancelledError: Ctrl-C; the same again goes on.
        MusiSceneError: what the user can mend; what is done is kept.
    """
    stage = ready(asked, Portion(progress, 0.0, 0.3))
    if tags is None and asked.scale == TINY and asked.data is None:
        tags = stage.dataset.folder.parent / tiny_data.TAGS_FILE
    held, training = held_back(stage.dataset), stage.dataset.part("train")
    record = stage.begin("replication", rows={"train": len(training), "held out": len(held)})
    data = trainable(asked.output / "data/msi", stage.dataset, training, choosing(stage.dataset))
    questions = stage.questions(held)
    given = as_given(
        stage.run("given"), GIVEN, stage.captioner, questions, Portion(progress, 0.3, 0.4)
    )
    texts = [row.answer for row in training]
    before, scored = _told(tell, given, held, texts, asked)
    wish = replace(stage.wish, data=data)
    run = trained(
        stage.run("msi"), TRAINED, wish, questions, asked.processes, Portion(progress, 0.4, 0.8)
    )
    after, more = _told(tell, run, held, texts, asked)
    heard = [row for row in held if row.id in run.answers and row.id in given.answers]
    others = {GIVEN: [given.answers[row.id] for row in heard]}
    if tags is not None:
        others[TAGS] = baseline([row.id for row in heard], read_tags(tags))
    report, _ = evaluate_captions(
        captions_of(heard, run.answers), TRAINED, texts, bert, others, Portion(progress, 0.8, 0.85)
    )
    notes = _notes(stage, run)
    if tags is None:
        notes.append("There is no row of captions from tags: give them with --tags.")
    found = None
    if music is not None:
        found, missing = _music(stage, music, run, progress)
        notes += missing
    else:
        notes.append("Table 3 was not made: name an engine with --music to have it.")
    result = Replication(
        record=record,
        captions=report,
        judged=(before, after),
        trained=run.trained,
        steps=run.steps,
        seconds=run.seconds,
        music=found,
        notes=tuple(notes),
    )
    return result, (*scored, *more)


def try_capacities(
    asked: Asked, hidden: Sequence[int], repeats: int, tell: Teller, progress: Progress
) -> tuple[capacity.Capacity, tuple[Scored, ...]]:
    """Train an adapter of each width, as often as is wanted, each time with the next seed.

    Raises:
        CancelledError: Ctrl-C; the same again goes on.
        MusiSceneError: what the user can mend; what is done is kept.
    """
    stage = ready(asked, Portion(progress, 0.0, 0.2))
    held, training = held_back(stage.dataset), stage.dataset.part("train")
    rows = {"train": len(training), "held out": len(held)}
    record = stage.begin("capacity", rows=rows, hidden=list(hidden), repeats=repeats)
    data = trainable(asked.output / "data/msi", stage.dataset, training, choosing(stage.dataset))
    texts = [row.answer for row in training]
    sizes: list[capacity.Size] = []
    scored: list[Scored] = []
    runs: list[Run] = []
    wanted = [(width, nth) for width in hidden for nth in range(repeats)]
    for done, (width, nth) in enumerate(wanted):
        part = Portion(
            progress, 0.2 + 0.8 * done / len(wanted), 0.2 + 0.8 * (done + 1) / len(wanted)
        )
        seed = stage.wish.settings.seed + nth
        name = f"hidden-{width}-seed-{seed}"
        begun = with_new_adapter(stage.captioner, width, seed, asked.output / "captioners" / name)
        settings = msgspec.structs.replace(stage.wish.settings, seed=seed)
        wish = replace(stage.wish, data=data, captioner=begun, settings=settings)
        questions = stage.questions(held)
        run = trained(stage.run(name), name, wish, questions, asked.processes, part)
        found, more = _told(tell, run, held, texts, asked)
        sizes.append(
            capacity.Size(
                hidden=width,
                seed=seed,
                trained=run.trained,
                steps=run.steps,
                seconds=run.seconds,
                loss=run.loss,
                judged=found,
            )
        )
        scored += more
        runs.append(run)
    notes = tuple(_notes(stage, *runs))
    return capacity.Capacity(record=record, sizes=tuple(sizes), notes=notes), tuple(scored)


def generalise(
    asked: Asked,
    left_out: Sequence[str],
    genres: Path | None,
    tell: Teller,
    progress: Progress,
) -> tuple[generalisation.Generalisation, tuple[Scored, ...]]:
    """Train on all genres but those left out, and judge by both.

    Without any named, those are left out of music made here that its corpus holds back.

    Raises:
        CancelledError: Ctrl-C; the same again goes on.
        MusiSceneError: what the user can mend; what is done is kept.
    """
    stage = ready(asked, Portion(progress, 0.0, 0.3))
    named = generalisation.read_genres(genres) if genres is not None else {}
    if not left_out:
        there = {row.genre for row in stage.dataset.rows}
        left_out = [one for one in tiny_data.NEW_GENRES if one in there]
    parts = generalisation.parted(stage.dataset, named, left_out)
    rows = {
        "train": len(parts.training),
        "known genres": len(parts.inside),
        "new genres": len(parts.outside),
        "without a genre": parts.unnamed,
        "of shared sources": parts.shared,
    }
    record = stage.begin("generalisation", rows=rows, left_out=sorted(left_out))
    data = trainable(asked.output / "data/known", stage.dataset, parts.training, parts.choosing)
    questions = stage.questions([*parts.inside, *parts.outside])
    texts = [row.answer for row in parts.training]
    given = as_given(
        stage.run("given"), GIVEN, stage.captioner, questions, Portion(progress, 0.3, 0.4)
    )
    wish = replace(stage.wish, data=data)
    run = trained(
        stage.run("known"), TRAINED, wish, questions, asked.processes, Portion(progress, 0.4, 1.0)
    )
    seed = stage.wish.settings.seed
    found: list[Judged] = []
    scored: list[Scored] = []
    gaps: list[generalisation.Gap] = []
    for one in (given, run):
        for part, some in (
            (generalisation.INSIDE, parts.inside),
            (generalisation.OUTSIDE, parts.outside),
        ):
            judgement, more = _told(tell, one, some, texts, asked, part)
            found.append(judgement)
            scored += more
        gaps += generalisation.gaps(one.name, scored, asked.draws, seed)
    notes = _notes(stage, given, run)
    if parts.unnamed:
        notes.append(f"{parts.unnamed} rows name no genre and were left out.")
    if parts.shared:
        notes.append(f"{parts.shared} rows come from sources with new genres: left out.")
    result = generalisation.Generalisation(
        record=record,
        judged=tuple(found),
        gaps=tuple(gaps),
        genres=generalisation.by_genre(run.name, scored, asked.draws, seed),
        outside=tuple(left_out),
        notes=tuple(notes),
    )
    return result, tuple(scored)


def _told(
    tell: Teller, run: Run, rows: Sequence[Row], texts: Sequence[str], asked: Asked, part: str = ""
) -> tuple[Judged, tuple[Scored, ...]]:
    """Judge a run, and say how it did and which signs of failure it shows."""
    seed = int(asked.numbers.get("seed", 0))
    found, scored = judged(run, rows, texts, part=part, draws=asked.draws, seed=seed)
    figures = ", ".join(
        f"{METRICS[name]} {in_figures(value)}" for name, value in found.scores.items()
    )
    tell(f"{run.name} {part}".strip() + f": {found.items} items, {figures}")
    for warning in found.warnings:
        tell(f"  WARNING: {warning}")
    return found, scored


def _notes(stage: Stage, *runs: Run) -> list[str]:
    notes = []
    unheard = {one.row for run in runs for one in run.problems}
    if unheard or stage.dataset.problems:
        left = len(unheard) + len(stage.dataset.problems)
        notes.append(f"{left} rows cannot be used: run.json of each run names them, or the data.")
    if len({run.code for run in runs}) > 1:
        notes.append("Runs were made by different versions of the code: run.json says which.")
    if stage.asked.scale == TINY:
        notes.append(
            "A tiny captioner over a language model of a few hundred sentences: the figures say"
            " that the experiment works, and nothing about a 7B."
        )
    return notes


def _music(
    stage: Stage, wanted: MusicAsked, run: Run, progress: Progress
) -> tuple[MusicReport, list[str]]:
    """Table 3: music from each kind of caption, and how far it is from the clips' own."""
    held = held_back(stage.dataset)
    asked = [msgspec.structs.replace(row, question=DESCRIBE) for row in held]
    part = Portion(progress, 0.85, 0.88)
    described = as_given(
        stage.run("given-music"), "music", stage.captioner, stage.questions(asked), part
    )
    texts = {"scene_imagination": run.answers, "music": described.answers}
    table = wanted.texts or stage.dataset.folder.parent / "vacad.parquet"
    notes = []
    if wanted.texts is not None or table.is_file():
        texts |= made_music.other_captions(table)
    else:
        notes.append("There are no captions of pictures: give them with --texts.")
    making = made_music.Making(
        rows=held,
        folder=stage.dataset.folder,
        texts=texts,
        engine=wanted.engine,
        seed=stage.wish.settings.seed,
    )
    folder = stage.asked.output / "music"
    with connect() as client:
        problems = made_music.make(making, folder, client, Portion(progress, 0.88, 0.96))
    notes += problems[:_SHOWN]
    if len(problems) > _SHOWN:
        notes.append(f"{len(problems) - _SHOWN} more sounds could not be made.")
    wish = Wish(
        reference=folder / made_music.REFERENCE,
        made={kind: folder / kind for kind in texts if (folder / kind).is_dir()},
        embeddings=wanted.embeddings,
        classifiers=wanted.classifiers,
        most_bad=stage.asked.most_bad,
        kept=stage.asked.output / HEARD,
    )
    return evaluate_music(wish, Portion(progress, 0.96, 1.0)), notes
