"""What lies in a build's folder: parts of clips, and of what each stage made of them.

    build/clips/00000.parquet           clips, some to a part
    build/clips/left_out.parquet        and why others were not chosen
    build/stages/STAGE/00000.parquet    outcomes of the clips of that part
    build/stages/STAGE/known.json       what they depend on
    build/fetched/                      clips on their way into tars

A part grows by whole batches, each written in one step. What is written is never lost and never
done again; a kill costs the batch that was under way.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from musiscene_core.codec import read_json, to_json, write_atomically
from musiscene_core.errors import OutputError, RequestError
from musiscene_training.vacad.clips import Clip, Outcome, Work
from musiscene_training.vacad.selecting import Selection
from musiscene_training.vacad.stages import ORDER
from musiscene_training.vacad.tables import read_table, write_table

PART_CLIPS = 64
_PLAN, _KNOWN, _LEFT_OUT = "build.json", "known.json", "left_out.parquet"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a build is about; written last of all that is chosen.

    Attributes:
        chosen_from: in words.
        clips: how many.
        parts: how many hold them.
        schema_version: of this struct.
    """

    chosen_from: dict[str, str]
    clips: int
    parts: int
    schema_version: int = 1


class Parts:
    """The parts of one build."""

    def __init__(self, build: Path) -> None:
        self.build = build

    def plan(self) -> Plan | None:
        """What was chosen; None where nothing was yet.

        Raises:
            InputError: it is damaged.
        """
        path = self.build / _PLAN
        return read_json(path, Plan) if path.exists() else None

    def begin(self, selection: Selection, chosen_from: dict[str, str]) -> Plan:
        """Keep what was chosen.

        Raises:
            OutputError: no space or no permission.
        """
        clips = selection.clips
        starts = range(0, len(clips), PART_CLIPS)
        for number, start in enumerate(starts):
            write_table(self._clips(number), clips[start : start + PART_CLIPS], Clip)
        left_out = [Outcome(id=place[:200], problem=why) for place, why in selection.left_out]
        write_table(self.build / "clips" / _LEFT_OUT, left_out, Outcome)
        plan = Plan(chosen_from=chosen_from, clips=len(clips), parts=len(starts))
        write_atomically(self.build / _PLAN, to_json(plan))
        return plan

    def left_out(self) -> list[Outcome]:
        """Why others were not chosen."""
        return read_table(self.build / "clips" / _LEFT_OUT, Outcome)

    def clips(self, part: int) -> list[Clip]:
        """The clips of a part."""
        return read_table(self._clips(part), Clip)

    def outcomes(self, stage: str, part: int) -> dict[str, Outcome]:
        """What a stage made of a part so far, by clip."""
        path = self._outcomes(stage, part)
        return {one.id: one for one in read_table(path, Outcome)} if path.exists() else {}

    def add(self, stage: str, part: int, made: Sequence[Outcome]) -> None:
        """Keep outcomes; those of the same clips before are replaced.

        Raises:
            OutputError: no space or no permission; what was kept before stands.
        """
        known = self.outcomes(stage, part) | {one.id: one for one in made}
        write_table(self._outcomes(stage, part), list(known.values()), Outcome)

    def waiting(self, stage: str, part: int, *, retry_failed: bool = False) -> list[Work]:
        """The clips of a part that came through all stages before, and not yet through this one."""
        mine = self.outcomes(stage, part)
        before = {name: self.outcomes(name, part) for name in ORDER[: ORDER.index(stage)]}
        found = []
        for clip in self.clips(part):
            outcome = mine.get(clip.id)
            if outcome is not None and not (retry_failed and outcome.problem):
                continue
            done = _through(clip, before)
            if done is not None:
                found.append(Work(clip=clip, done=done))
        return found

    def through(self, part: int) -> list[Work]:
        """The clips of a part that came through every stage."""
        outcomes = {name: self.outcomes(name, part) for name in ORDER}
        found = ((clip, _through(clip, outcomes)) for clip in self.clips(part))
        return [Work(clip=clip, done=done) for clip, done in found if done is not None]

    def claim(self, stage: str, known: dict[str, str]) -> None:
        """Note what a stage depends on, or compare it with what it began with.

        Raises:
            RequestError: they differ.
        """
        path = self._folder(stage) / _KNOWN
        if not path.exists():
            write_atomically(path, to_json(known))
            return
        before = read_json(path, dict[str, str])
        differing = sorted(
            name for name in before.keys() | known.keys() if before.get(name) != known.get(name)
        )
        if differing:
            name = differing[0]
            raise RequestError(
                f"The stage {stage!r} of this build was begun with {name} "
                f"{before.get(name, 'none')}, not {known.get(name, 'none')}.",
                hint=f"Give what it was begun with, begin it anew with --redo {stage}, or build "
                "into a new folder.",
            )

    def known(self, stage: str) -> dict[str, str]:
        """What a stage depends on, as it was noted."""
        return read_json(self._folder(stage) / _KNOWN, dict[str, str])

    def redo(self, stage: str) -> None:
        """Put away what this stage and those after it made; it is renamed, not deleted.

        Raises:
            OutputError: it cannot be moved.
        """
        for name in ORDER[ORDER.index(stage) :]:
            folder = self._folder(name)
            number = 1
            while (aside := folder.with_name(f"{name}.{number}")).exists():
                number += 1
            try:
                if folder.exists():
                    folder.rename(aside)
            except OSError as error:
                raise OutputError.from_os(error, aside) from error

    def _folder(self, stage: str) -> Path:
        return self.build / "stages" / stage

    def _clips(self, part: int) -> Path:
        return self.build / "clips" / f"{part:05d}.parquet"

    def _outcomes(self, stage: str, part: int) -> Path:
        return self._folder(stage) / f"{part:05d}.parquet"


def _through(clip: Clip, before: dict[str, dict[str, Outcome]]) -> dict[str, Outcome] | None:
    done = {}
    for name, outcomes in before.items():
        outcome = outcomes.get(clip.id)
        if outcome is None or outcome.problem:
            return None
        done[name] = outcome
    return done
