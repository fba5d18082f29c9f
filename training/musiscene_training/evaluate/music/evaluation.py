"""Sets of made music held against a reference: everything that can be counted, in one go."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from musiscene_core.codec import digest
from musiscene_core.errors import InputError, MediaError
from musiscene_core.progress import Progress, silent
from musiscene_training.evaluate.captions import looks_english, read_texts
from musiscene_training.evaluate.music.divergence import divergence, opinion
from musiscene_training.evaluate.music.findings import Fad, Mean, MusicReport, SoundFigures
from musiscene_training.evaluate.music.frechet import ENOUGH_A_DIMENSION, distance
from musiscene_training.evaluate.music.heard import Listener, clap, classifier, embedding
from musiscene_training.evaluate.music.intervals import interval
from musiscene_training.evaluate.music.measured import wanted_of
from musiscene_training.evaluate.music.remembering import Memory
from musiscene_training.evaluate.music.sounds import Clip, clips_in

ORIGINALS = "original tracks"
_PACKAGES = ("musiscene", "numpy", "scipy", "torch", "transformers")
_SHOWN = 5
_MEANS: Mapping[str, Callable[[SoundFigures], float | bool | None]] = {
    "CLAP": lambda one: one.clap,
    "loudness, LUFS": lambda one: one.measured and one.measured.lufs,
    "true peak, dBTP": lambda one: one.measured and one.measured.true_peak_dbtp,
    "loudness off, LU": lambda one: _size(one.measured and one.measured.lufs_off),
    "tempo agrees": lambda one: one.measured and one.measured.tempo_agrees,
    "tempo agrees, octaves": lambda one: one.measured and one.measured.tempo_agrees_octaves,
    "key score": lambda one: one.measured and one.measured.key_score,
    "hit error, ms": lambda one: one.measured and one.measured.hit_error_ms,
}

Rows = npt.NDArray[np.floating]


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What shall be evaluated, and by what.

    Attributes:
        reference: folder of the music that each sound is compared with, by name; None without any,
            where no KL is counted, and a FAD from `background` alone.
        made: folders of made music, by the name of their row.
        background: folder of the music that FADs are counted from; None for the reference. With
            one, the reference has a row of its own, as Herrmann-1's original tracks.
        embeddings: specs for FADs.
        classifiers: specs for KLs.
        clap: folder of CLAP; None for no score.
        captions: file with the words by the sounds' names; None for those of takes.
        most_bad: share of the sounds of a folder that may be left out.
        draws: of each interval; 0 for none.
        among: which sounds count, by the name of their row, ORIGINALS for the reference's; all of
            a folder that is not in it.
        kept: where what was heard is kept, for the same to go on from; None for nowhere.
    """

    reference: Path | None
    made: Mapping[str, Path]
    background: Path | None = None
    embeddings: tuple[str, ...] = ("mfcc",)
    classifiers: tuple[str, ...] = ()
    clap: Path | None = None
    captions: Path | None = None
    most_bad: float = 0.2
    draws: int = 200
    among: Mapping[str, Collection[str]] = field(default_factory=dict)
    kept: Path | None = None

    def clips(self, row: str, folder: Path) -> dict[str, Clip]:
        """The sounds of `folder` that count for the row called `row`."""
        found = clips_in(folder)
        wanted = self.among.get(row, found)
        return {name: clip for name, clip in found.items() if name in wanted}


def check_models(wish: Wish) -> None:
    """Load every model that is wanted, for what is wrong with it: before long work.

    Raises:
        RequestError: nothing is called so.
        ModelError: its files cannot be used.
        EngineError: a package is missing.
    """
    for spec in wish.embeddings:
        embedding(spec)
    for spec in wish.classifiers:
        classifier(spec)
    if wish.clap:
        clap(wish.clap)


def evaluate_music(wish: Wish, progress: Progress = silent) -> MusicReport:
    """Count everything.

    Raises:
        InputError: a folder or file cannot be used, or too many sounds cannot be heard.
        ModelError: a model cannot be used, or gives what is no number.
        EngineError: a package is missing.
    """
    return _Evaluation(wish, progress).report()


@dataclass
class _Set:
    """Music of one folder, and what could not be heard of it."""

    name: str
    folder: Path
    clips: dict[str, Clip]
    problems: dict[str, str] = field(default_factory=dict)

    def usable(self) -> dict[str, Clip]:
        return {name: clip for name, clip in self.clips.items() if name not in self.problems}


class _Evaluation:
    def __init__(self, wish: Wish, progress: Progress) -> None:
        self._wish = wish
        self._progress = progress
        self._notes: list[str] = []
        # Models first: what is wrong with them shall not cost an hour of listening.
        self._embeddings = [embedding(spec) for spec in wish.embeddings]
        self._classifiers = [classifier(spec) for spec in wish.classifiers]
        self._clap = clap(wish.clap) if wish.clap else None
        self._memory = Memory(wish.kept, self._specs())
        self._captions = read_texts(wish.captions) if wish.captions else {}
        self._reference = _Set(ORIGINALS, wish.reference or Path(), {})
        if wish.reference is not None:
            self._reference.clips = wish.clips(ORIGINALS, wish.reference)
        self._background = self._reference
        if wish.background is not None:
            self._background = _Set("background", wish.background, clips_in(wish.background))
        self._made = [_Set(name, path, wish.clips(name, path)) for name, path in wish.made.items()]
        self._check_reference()
        self._check_pairs()
        self._steps = self._count_steps()
        self._done = 0

    def _specs(self) -> dict[Listener, str]:
        named = [*zip(self._embeddings, self._wish.embeddings, strict=True)]
        named += zip(self._classifiers, self._wish.classifiers, strict=True)
        return dict(named) | ({self._clap: f"clap:{self._wish.clap}"} if self._clap else {})

    def report(self) -> MusicReport:
        sounds = [one for made in self._made for one in self._measured(made)]
        judged = list(self._made)
        if self._background is not self._reference and self._reference.clips:
            judged.insert(0, self._reference)
        fads = [fad for listener in self._embeddings for fad in self._fads(listener, judged)]
        for listener in self._classifiers:
            sounds = self._with_kl(listener, sounds)
        if self._clap is not None:
            sounds = self._with_clap(sounds)
        sets = {id(one): one for one in (self._reference, self._background, *self._made)}
        for one in sets.values():
            self._check_problems(one)
        sounds = [
            msgspec.structs.replace(one, problem=made.problems.get(one.name, ""))
            for made in self._made
            for one in sounds
            if one.music == made.name
        ]
        return MusicReport(
            reference=str(self._wish.reference or ""),
            background=str(self._wish.background or self._wish.reference or ""),
            music=tuple(one.name for one in judged),
            fads=tuple(fads),
            means=tuple(self._means(sounds)),
            sounds=tuple(sounds),
            notes=(*self._notes, *_fad_notes(fads)),
            digest=digest([_identity(one) for one in sets.values()]),
            made_with=_versions(),
        )

    def _check_reference(self) -> None:
        """Leave out what takes music to compare with, where there is none."""
        if self._reference.clips:
            return
        if self._classifiers:
            self._notes.append("There is no music to compare with, so no KL was counted.")
            self._classifiers = []
        if self._background is self._reference:
            self._notes.append("There is no music to compare with, so no FAD was counted.")
            self._embeddings = []

    def _check_pairs(self) -> None:
        for made in self._made:
            alone = [name for name in made.clips if name not in self._reference.clips]
            if not alone or not self._classifiers:
                continue
            if len(alone) == len(made.clips):
                raise InputError(
                    f"No sound in {made.folder} has the name of one in {self._wish.reference},"
                    f" such as {next(iter(made.clips))} and {next(iter(self._reference.clips))}.",
                    hint="KL compares pairs: give both the same name.",
                )
            self._note(alone, f"of {made.name} have no partner and no KL")

    def _count_steps(self) -> int:
        made = sum(len(one.clips) for one in self._made)
        reference = len(self._reference.clips)
        apart = self._background is not self._reference
        judged = made + len(self._background.clips) + (reference if apart else 0)
        steps = made + len(self._embeddings) * judged + len(self._classifiers) * (made + reference)
        return steps + (made if self._clap is not None else 0)

    def _step(self, stage: str) -> None:
        self._progress(stage, min(1.0, self._done / self._steps))
        self._done += 1

    def _note(self, names: Sequence[str], what: str) -> None:
        more = ", ..." if len(names) > _SHOWN else ""
        self._notes.append(f"{len(names)} sounds {what}: {', '.join(names[:_SHOWN])}{more}.")

    def _measured(self, made: _Set) -> list[SoundFigures]:
        found = []
        wordless, foreign = [], []
        for name, clip in made.clips.items():
            self._step(f"Measuring {made.name}")
            wanted = wanted_of(clip, self._captions.get(name, ""))
            figures = SoundFigures(music=made.name, name=name, caption=wanted.caption)
            try:
                figures = msgspec.structs.replace(
                    figures, measured=self._memory.measured(clip, wanted)
                )
            except MediaError as error:
                made.problems[name] = error.message
            found.append(figures)
            if not wanted.caption:
                wordless.append(name)
            elif not looks_english(wanted.caption):
                foreign.append(name)
        if self._clap is not None and wordless:
            self._note(wordless, f"of {made.name} have no caption and no CLAP score")
        if foreign:
            self._note(
                foreign, f"of {made.name} have captions that do not look English, which CLAP wants"
            )
        return found

    def _heard(self, listener: Listener, given: _Set) -> dict[str, Rows]:
        found = {}
        for name, clip in given.usable().items():
            self._step(f"{listener.name} hears {given.name}")
            try:
                found[name] = self._memory.heard(listener, clip)
            except MediaError as error:
                given.problems[name] = error.message
        if not found:
            self._check_problems(given)
        return found

    def _fads(self, listener: Listener, judged: Sequence[_Set]) -> list[Fad]:
        against = list(self._heard(listener, self._background).values())
        found = []
        for one in judged:
            rows = list(self._heard(listener, one).values())
            given = Fad(
                music=one.name, embedding=listener.name, published=listener.published, value=None
            )
            if min(sum(map(len, against)), sum(map(len, rows))) < 2:
                self._notes.append(
                    f"{one.name} and its reference must have two windows of"
                    f" {listener.window / listener.sample_rate:g} s or more for a FAD."
                )
                found.append(given)
                continue
            counted = distance(against, rows, self._wish.draws)
            found.append(
                msgspec.structs.replace(
                    given,
                    value=counted.fad,
                    low=counted.low,
                    high=counted.high,
                    endless=counted.endless,
                    fit=counted.fit,
                    windows=counted.windows,
                    dimensions=counted.dimensions,
                )
            )
        return found

    def _with_kl(self, listener: Listener, sounds: Sequence[SoundFigures]) -> list[SoundFigures]:
        needed = {one.name for one in sounds}
        partners = _Set(
            self._reference.name,
            self._reference.folder,
            {name: clip for name, clip in self._reference.usable().items() if name in needed},
        )
        wanted = {name: opinion(rows) for name, rows in self._heard(listener, partners).items()}
        self._reference.problems.update(partners.problems)
        said = {
            (made.name, name): opinion(rows)
            for made in self._made
            for name, rows in self._heard(listener, made).items()
        }
        found = []
        for one in sounds:
            probabilities = said.get((one.music, one.name))
            if probabilities is not None and one.name in wanted:
                apart = divergence(wanted[one.name], probabilities)
                one = msgspec.structs.replace(
                    one,
                    kl={**one.kl, listener.name: apart.pq},
                    kl_reversed={**one.kl_reversed, listener.name: apart.qp},
                )
            found.append(one)
        return found

    def _with_clap(self, sounds: Sequence[SoundFigures]) -> list[SoundFigures]:
        rows = {made.name: self._heard(self._clap, made) for made in self._made}
        found = []
        for one in sounds:
            if one.caption and one.name in rows[one.music]:
                words = self._clap.read([one.caption])[0]
                score = float((rows[one.music][one.name] @ words).mean())
                one = msgspec.structs.replace(one, clap=score)
            found.append(one)
        return found

    def _means(self, sounds: Sequence[SoundFigures]) -> list[Mean]:
        found = []
        for made in self._made:
            own = [one for one in sounds if one.music == made.name and not one.problem]
            for listener in self._classifiers:
                by = listener.name
                there = [one.kl.get(by) for one in own]
                back = [one.kl_reversed.get(by) for one in own]
                both = [
                    None if a is None or b is None else a + b
                    for a, b in zip(there, back, strict=True)
                ]
                for what, values in (("KL", there), ("KL reversed", back), ("KL both", both)):
                    found.append(self._mean(made.name, what, values, by))
            for what, value in _MEANS.items():
                mean = self._mean(made.name, what, [value(one) for one in own])
                if mean.sounds:
                    found.append(mean)
        return found

    def _mean(
        self, music: str, what: str, values: Sequence[float | bool | None], by: str = ""
    ) -> Mean:
        known = [float(value) for value in values if value is not None]
        low, high = interval(known) if self._wish.draws else (None, None)
        value = float(np.mean(known)) if known else None
        return Mean(
            music=music, what=what, by=by, value=value, low=low, high=high, sounds=len(known)
        )

    def _check_problems(self, given: _Set) -> None:
        if not given.problems:
            return
        name, why = next(iter(given.problems.items()))
        none = len(given.problems) == len(given.clips)
        if none or len(given.problems) > self._wish.most_bad * len(given.clips):
            go_on = "Mend them or take them away, or go on without them by --most-bad 1."
            raise InputError(
                f"{len(given.problems)} of {len(given.clips)} sounds in {given.folder} cannot be"
                f" heard; {name}: {why}",
                hint="Give sounds with music in them." if none else go_on,
            )
        self._note(list(given.problems), f"of {given.name} cannot be heard and are left out")


def _fad_notes(fads: Sequence[Fad]) -> list[str]:
    notes = []
    for name in sorted({one.embedding for one in fads if not one.published}):
        notes.append(f"FAD of {name} is not comparable with any published FAD: only with itself.")
    for one in fads:
        if one.value is not None and min(one.windows) < ENOUGH_A_DIMENSION * one.dimensions:
            notes.append(
                f"SAMPLE SIZE: the FAD of {one.music} ({one.embedding}) is of {one.windows[1]}"
                f" windows against {one.windows[0]}, for {one.dimensions} dimensions: with fewer"
                f" than {ENOUGH_A_DIMENSION * one.dimensions} on each side it is too large, nobody"
                " knows how much."
            )
    return notes


def _size(value: float | None) -> float | None:
    return None if value is None else abs(value)


def _identity(given: _Set) -> list[tuple[str, int]]:
    return [(name, clip.path.stat().st_size) for name, clip in given.usable().items()]


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
