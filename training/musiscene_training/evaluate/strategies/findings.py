"""What a comparison found, as values; and the captions' part of finding it out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from musiscene_core.brief import Caption
from musiscene_core.progress import Portion, Progress
from musiscene_core.provenance.riff import read_wav, sound_sha256
from musiscene_training.evaluate.captions import Item, gathered
from musiscene_training.evaluate.music.findings import MusicReport
from musiscene_training.evaluate.report import ItemFigures, Report
from musiscene_training.evaluate.scoring import evaluate_captions
from musiscene_training.evaluate.strategies.keeping import MIX
from musiscene_training.evaluate.strategies.making import MUSIC, Made, said
from musiscene_training.evaluate.strategies.scenes import Scene
from musiscene_training.evaluate.strategies.wish import KINDS, Wish
from musiscene_training.evaluate.tables import STRATEGIES

SCENE = "scene_imagination"
"""References of the scene: every strategy is held against them, as the paper's table 2 does."""
_RULES = "rules"


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A caption of a scene.

    Attributes:
        scene: its name.
        strategy: whose caption.
        text: the words.
        writer: who wrote them; "rules" where no model did.
        notes: what else a reader must know of how they were written, a sentence each.
        references: the scene's captions that would be right of this kind.
    """

    scene: str
    strategy: str
    text: str
    writer: str
    notes: tuple[str, ...] = ()
    references: tuple[str, ...] = ()


class CaptionFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One strategy's captions against one kind of reference.

    Attributes:
        strategy: whose captions.
        against: the caption that the references are of.
        report: what was found.
        items: caption by caption.
    """

    strategy: str
    against: str
    report: Report
    items: tuple[ItemFigures, ...]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was found.

    Attributes:
        wish: what was wanted.
        scenes: their names.
        said: every caption.
        captions: how near they come to their references.
        music: what was made from them; None without any.
        problems: why something is missing, by scene, or by scene and strategy.
        notes: what a reader has to know, a sentence each.
    """

    wish: Wish
    scenes: tuple[str, ...]
    said: tuple[Said, ...]
    captions: tuple[CaptionFigures, ...]
    music: MusicReport | None
    problems: dict[str, str]
    notes: tuple[str, ...] = ()

    def writers(self, strategy: str) -> dict[str, int]:
        """Who wrote a strategy's captions, and how many."""
        names = [one.writer for one in self.said if one.strategy == strategy]
        return {name: names.count(name) for name in dict.fromkeys(names)}


def captions_said(scenes: Sequence[Scene], made: Made, wish: Wish) -> list[Said]:
    """Every caption that was written, in the order of scenes and strategies."""
    found = []
    for scene in scenes:
        brief = made.briefs.get(scene.name)
        for strategy in wish.strategies if brief is not None else ():
            caption = said(brief, scene, strategy)
            if caption.text.strip():
                found.append(
                    Said(
                        scene=scene.name,
                        strategy=strategy,
                        text=caption.text,
                        writer=_writer(caption),
                        notes=caption.how.notes if caption.how is not None else (),
                        references=scene.wanted.get(KINDS.get(strategy, SCENE), ()),
                    )
                )
    return found


def score_captions(
    told: Sequence[Said],
    scenes: Sequence[Scene],
    training: Sequence[str],
    bert: Path | None,
    progress: Progress,
) -> list[CaptionFigures]:
    """Hold captions against their own references, and all of them against the scenes'.

    Raises:
        EngineError: a package is missing.
        ModelError: what is in `bert` is no model.
    """
    wanted = {scene.name: scene.wanted for scene in scenes}
    sets: dict[tuple[str, str], list[Item]] = {}
    for one in told:
        for against in dict.fromkeys((SCENE, KINDS.get(one.strategy, SCENE))):
            if references := wanted[one.scene].get(against):
                item = Item(one.scene, one.text, references)
                sets.setdefault((against, one.strategy), []).append(item)
    found = []
    for at, ((against, strategy), items) in enumerate(sets.items()):
        part = Portion(progress, at / len(sets), (at + 1) / len(sets))
        report, figures = evaluate_captions(
            gathered(items), STRATEGIES[strategy], training, bert, progress=part
        )
        found.append(
            CaptionFigures(strategy=strategy, against=against, report=report, items=figures)
        )
    return sorted(found, key=lambda one: (one.against != SCENE, one.against))


def coverage(told: Sequence[Said], made: Made, scenes: int, wish: Wish) -> list[str]:
    """What a reader must know of scenes that some strategies lack."""
    notes = []
    for strategy in wish.strategies:
        name = STRATEGIES[strategy]
        count = sum(one.strategy == strategy for one in told)
        if count < scenes:
            why = "no tags" if strategy == "tags" else "nothing to go by, such as no temp track"
            notes.append(f"{name}: {scenes - count} of {scenes} scenes have no caption ({why}).")
        if wish.engine and (sounds := len(made.music.get(strategy, ()))) < count:
            notes.append(f"{name}: {count - sounds} of {count} captions have no music.")
    return notes


def alike(made: Made, output: Path) -> list[str]:
    """Which strategies gave the same music, sample for sample, and in how many scenes."""
    groups: dict[tuple[str, ...], int] = {}
    for scene in made.briefs:
        sounds: dict[str, list[str]] = {}
        for strategy, scenes in made.music.items():
            if scene in scenes:
                path = output / MUSIC / strategy / scene / MIX
                sounds.setdefault(sound_sha256(path, read_wav(path)), []).append(strategy)
        for names in sounds.values():
            groups[tuple(names)] = groups.get(tuple(names), 0) + 1
    return [
        f"{', '.join(STRATEGIES[name] for name in names)}: the same music, sample for sample,"
        f" in {count} of {len(made.briefs)} scenes: the engine heard no difference in the words."
        for names, count in groups.items()
        if len(names) > 1
    ]


def listening_rows(scenes: Sequence[Scene], made: Made, output: Path) -> list[tuple[str, ...]]:
    """Scene, system, file and picture for `musiscene-train survey`: scenes that lack no system."""
    found = []
    for scene in scenes:
        if not all(scene.name in names for names in made.music.values()):
            continue
        shown = next((clip.media.path for clip in scene.timeline.by_role("picture")), "")
        for strategy in made.music:
            mix = output / MUSIC / strategy / scene.name / MIX
            found.append((scene.name, strategy, str(mix), shown))
    return found


def _writer(caption: Caption) -> str:
    if caption.how is None:
        return _RULES if caption.origin == "signals" else caption.origin
    return _RULES if caption.how.writer == "signals" else caption.how.writer
