"""The finished cues of a reel laid on their timeline.

All on a copy of a file; in an editor, those whose music is not on the open timeline yet. Knows
nothing of how a cue is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from musiscene_core.errors import InputError
from musiscene_core.ranges import FrameRange
from musiscene_plugins.carried import take_at
from musiscene_plugins.host import EditorHost, LiveHost, PlaceLayout, PlacePolicy, TakeInFolder
from musiscene_plugins.reel.state import ReelState


@dataclass(frozen=True)
class StandingReel:
    """The music of a reel as it stands now.

    Attributes:
        output: the folder it lies in.
        takes: of each cue, the one that is heard first.
        layout: a track a stem, or one for the mix.
        policy: as in ReelWish.
    """

    output: Path
    takes: tuple[tuple[TakeInFolder, ...], ...]
    layout: PlaceLayout
    policy: PlacePolicy | None

    @property
    def names(self) -> tuple[str, ...]:
        """The takes' folders, relative to the output."""
        return tuple(self.name(put) for cue in self.takes for put in cue)

    def name(self, put: TakeInFolder) -> str:
        """The folder of a take, relative to the output."""
        return put.folder.relative_to(self.output).as_posix()


@dataclass(frozen=True)
class PlacedReel:
    """The timeline with the music on it, the state that says so, and earlier music that stayed."""

    timeline: str
    state: ReelState
    left: tuple[str, ...] = ()


def place_reel(
    host: EditorHost, live: LiveHost | None, state: ReelState, reel: StandingReel
) -> PlacedReel:
    """Lay what is not there yet.

    Raises:
        As EditorHost.place_takes.
    """
    if not reel.takes:
        return PlacedReel("", state)
    if live is not None:
        return _on_open_timeline(live, state, reel)
    if reel.names == state.placed and Path(state.timeline).exists():
        return PlacedReel(state.timeline, state)
    takes = [put for cue in reel.takes for put in cue]
    placement = host.place_takes(takes, layout=reel.layout, policy=reel.policy or "new")
    noted = msgspec.structs.replace(state, timeline=placement.timeline, placed=reel.names)
    return PlacedReel(placement.timeline, noted)


def _on_open_timeline(live: LiveHost, state: ReelState, reel: StandingReel) -> PlacedReel:
    """Only cues whose music is not there are placed: the user may have worked on the others."""
    there = live.lying()
    missing = [cue for cue in reel.takes if cue[0].folder not in there]
    takes = [put for cue in missing for put in cue]
    earlier = _earlier(state, reel, missing)
    if reel.policy == "replace":
        earlier |= _under(there, missing) - {put.folder for cue in reel.takes for put in cue}
    left: tuple[str, ...] = ()
    name = live.describe().name
    if takes and reel.policy in ("new", "skip"):
        live.place_takes(takes, layout=reel.layout, policy=reel.policy)
        earlier = set()
    elif takes:
        left = live.place_instead(takes, sorted(earlier), layout=reel.layout).left
    gone = {path.relative_to(reel.output).as_posix() for path in earlier if _inside(path, reel)}
    # Cues that this run is not about, of another colour perhaps, are still there.
    others = [name for name in state.placed if name not in gone and name not in reel.names]
    noted = msgspec.structs.replace(state, timeline=name, placed=(*others, *reel.names))
    return PlacedReel(name, noted, left)


def _earlier(
    state: ReelState, reel: StandingReel, missing: Sequence[Sequence[TakeInFolder]]
) -> set[Path]:
    """Folders of what was placed earlier for the cues whose music is made anew."""
    cues = {cue[0].take.cue for cue in missing}
    found = set()
    for name in state.placed:
        folder = reel.output / name
        if name in reel.names:
            continue
        try:
            if take_at(folder).take.cue in cues:
                found.add(folder)
        except InputError:
            continue
    return found


def _under(there: frozenset[Path], missing: Sequence[Sequence[TakeInFolder]]) -> set[Path]:
    """Folders of takes that lie under the ranges of `missing`."""
    ranges: list[FrameRange] = [cue[0].take.record for cue in missing]
    found = set()
    for folder in there:
        try:
            record = take_at(folder).take.record
        except InputError:
            continue
        if any(record.overlap(wanted) for wanted in ranges):
            found.add(folder)
    return found


def _inside(path: Path, reel: StandingReel) -> bool:
    return path.is_relative_to(reel.output)
