"""Which takes a new version of a timeline asks to be fitted, and what that will cost.

Knows how a cue is found again in a timeline that was cut since; makes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from musiscene_core.codec import read_json
from musiscene_core.conforming import Changes, compare, held
from musiscene_core.conforming.earlier import REQUEST_FILE, TAKE_FILE
from musiscene_core.conforming.film import kept_film
from musiscene_core.conforming.finding import FoundRange, find_range
from musiscene_core.conforming.seams import Regrid, hold
from musiscene_core.errors import InputError, MusiSceneError, RequestError
from musiscene_core.library import MAX_PAGE, Catalogue, TakeQuery
from musiscene_core.paths import data_folder
from musiscene_core.ranges import FrameRange
from musiscene_core.request import ScoreRequest
from musiscene_core.take import Take
from musiscene_core.timecode import format_timecode
from musiscene_core.timeline import TimelineRange
from musiscene_plugins.carried import takes_on_timeline
from musiscene_plugins.host import EditorHost, RangeChoice

_MADE_FOR_IT = 0.5
"""A timeline that shows this much of a cue's film is a cut of the one it was made for."""


@dataclass(frozen=True)
class MadeTake:
    """A take in its folder, with what it was made from: its own seed, and the key it came to."""

    folder: Path
    take: Take
    request: ScoreRequest


@dataclass(frozen=True)
class Recut:
    """A take beside the range that it has to fit now.

    Attributes:
        made: the take.
        found: where its cue lies now.
        timeline: the range there; None where the cue is lost or its place not sure.
        changes: how it differs; None where there is no range.
        grid: the time of the new music; None where none stays, or that is not known.
        anew_s: seconds of music to make anew, as far as can be told before.
        lies: where the take lies on the new timeline; None where it does not.
    """

    made: MadeTake
    found: FoundRange
    timeline: TimelineRange | None
    changes: Changes | None
    grid: Regrid | None
    anew_s: float
    lies: FrameRange | None = None

    @property
    def fits(self) -> bool:
        """Whether the take lies where its film is now, and nothing need be made or moved."""
        if self.timeline is None or self.changes is None or self.changes.needs_music:
            return False
        return self.lies == self.timeline.record

    @property
    def what(self) -> str:
        """What became of the cue, in words."""
        if self.found.record is None:
            return "lost: its film is gone"
        if self.changes is None:
            return "in several places: name one with --in and --out"
        if self.changes.needs_music:
            return "changed"
        if self.changes.record_was == self.changes.record_now:
            return "as it was"
        return "moved, its music with it" if self.fits else "moved"

    def row(self) -> tuple[str, str, str, str, str]:
        """Cue, where it was, where it is, what became of it, what must be made anew."""
        old = self.made.request.brief.timeline
        rate = self.timeline.rate if self.timeline else old.rate
        places = (self.found.record, *self.found.others)
        now = " or ".join(format_timecode(one.start, rate) for one in places if one is not None)
        was = format_timecode(old.record.start, old.rate)
        return old.cue, was, now, self.what, self._cost()

    def _cost(self) -> str:
        if self.changes is None or not self.changes.needs_music:
            return ""
        length_s = self.timeline.length_seconds if self.timeline else 0.0
        if self.grid is None:
            return f"all {length_s:.1f} s"
        bars = self.grid.bars_now
        anew = max(0, bars - self.grid.bars_held)
        return f"{self.anew_s:.1f} of {length_s:.1f} s ({anew} of {bars} bars)"


def read_take(folder: Path) -> MadeTake:
    """The take in `folder`.

    Raises:
        InputError: it lacks take.json or request.json, or they are none.
    """
    take = read_json(folder / TAKE_FILE, Take)
    request = read_json(folder / REQUEST_FILE, ScoreRequest)
    if request.tonic is None:
        request = msgspec.structs.replace(request, tonic=take.tonic, mode=request.mode or take.mode)
    seed = take.provenance.seed
    return MadeTake(folder, take, msgspec.structs.replace(request, takes=1, seed=seed))


def takes_of(old: EditorHost, folders: Sequence[Path]) -> list[MadeTake]:
    """For each cue of `old` the take that was made last: of those in `folders`, else the library's.

    Raises:
        RequestError: no take was made for this version.
    """
    found: dict[tuple[int, int], MadeTake] = {}
    whole = old.describe()
    for made in _known(folders):
        timeline = made.request.brief.timeline
        span = (timeline.record.start, timeline.record.end)
        inside = timeline.record.overlap(whole.record) == timeline.record
        if span in found or not inside or timeline.rate.fps != whole.rate.fps:
            continue
        now = old.read_range(RangeChoice(record_in=str(span[0]), record_out=str(span[1])))
        if not compare(timeline, now).needs_music:
            found[span] = made
    if not found:
        raise RequestError(
            f"No take was made for this version of {whole.name}.",
            hint="Name the take to fit: its folder, or its id in `musiscene takes`.",
        )
    return [found[span] for span in sorted(found)]


def takes_on(new: EditorHost) -> list[tuple[MadeTake, FrameRange]]:
    """The takes that lie on `new` and the record ranges where they lie, each cue's latest.

    Raises:
        InputError: there is none, or they do not say what they were made from.
    """
    lying = {put.folder: put.take.record for put in takes_on_timeline(new)}
    made, last = [], None
    for folder in lying:
        try:
            made.append(read_take(folder))
        except InputError as error:
            last = error
    if not made and last is not None:
        raise last
    # Where a fitted take lies beside the one it was fitted from, that one is done with.
    fitted_from = {one.take.provenance.conformed_from for one in made}
    return [(one, lying[one.folder]) for one in made if _digest(one.folder) not in fitted_from]


def superseded_by(made: MadeTake, folders: Iterable[Path]) -> list[Path]:
    """Those of `folders` whose takes `made` was fitted from, directly or over others."""
    by_digest = {_digest(folder): folder for folder in folders}
    found: list[Path] = []
    wanted = made.take.provenance.conformed_from
    while wanted in by_digest and by_digest[wanted] not in found:
        found.append(by_digest[wanted])
        wanted = read_json(found[-1] / TAKE_FILE, Take).provenance.conformed_from
    return found


def takes_made_for(new: EditorHost, folders: Sequence[Path]) -> list[MadeTake]:
    """For each cue whose film `new` shows, the take that was made last, placed there or not.

    Args:
        new: the timeline as it is now.
        folders: where takes are looked for; none means the library.

    Raises:
        RequestError: there is none.
    """
    whole = whole_range(new)
    found: dict[tuple[str, int], MadeTake] = {}
    places: list[tuple[str, FrameRange]] = []
    for made in _known(folders):
        old = made.request.brief.timeline
        key = old.cue, old.record.start
        if key in found or not old.clips:
            continue
        place = find_range(old, whole)
        if place.record is None or place.share < _MADE_FOR_IT:
            continue
        # In an earlier cut the cue may have begun elsewhere: it is the film that tells it.
        if any(cue == old.cue and other.overlap(place.record) for cue, other in places):
            continue
        found[key] = made
        places.append((old.cue, place.record))
    if not found:
        raise RequestError(
            f"No take was made for {new.describe().name}, in this cut or an earlier one.",
            hint="Name the take to fit: its folder, or its id in `musiscene takes`.",
        )
    return sorted(found.values(), key=lambda made: made.request.brief.timeline.record.start)


def whole_range(host: EditorHost) -> TimelineRange:
    """All of a timeline, whatever is marked on it."""
    record = host.describe().record
    return host.read_range(RangeChoice(record_in=str(record.start), record_out=str(record.end)))


def recut(
    made: MadeTake,
    new: EditorHost,
    choice: RangeChoice,
    whole: TimelineRange | None = None,
    lies: FrameRange | None = None,
) -> Recut:
    """How `made` stands to `new`, at the range chosen or else where its film went.

    Args:
        made: the take.
        new: the timeline as it is now.
        choice: its range there, as the user said it.
        whole: all of `new`, where it was read already.
        lies: where the take lies on it.
    """
    old = made.request.brief.timeline
    cue = choice.cue or old.cue
    if choice == RangeChoice(cue=choice.cue):
        found = find_range(old, whole or whole_range(new))
        if found.record is None or found.ambiguous:
            return Recut(made, found, None, None, None, 0.0, lies)
        span = found.record
        choice = RangeChoice(record_in=str(span.start), record_out=str(span.end), cue=cue)
        timeline = new.read_range(choice)
    else:
        timeline = new.read_range(msgspec.structs.replace(choice, cue=cue))
        found = FoundRange(timeline.record, 1.0)
    changes = compare(old, timeline, held(made.request))
    grid, anew_s = _regridded(made.take, old, timeline)
    return Recut(made, found, timeline, changes, grid, anew_s, lies)


def _regridded(take: Take, old: TimelineRange, new: TimelineRange) -> tuple[Regrid | None, float]:
    """What stays, and seconds to make anew."""
    length_s = new.length_seconds
    if take.tempo is None:
        return None, length_s
    film = kept_film(old, new)
    grid = hold(take.tempo, old.length_seconds, length_s, film, old.rate, new.rate, take.hits_s)
    if grid is None:
        return None, length_s
    kept_s = sum(music.end_s - music.start_s for music in grid.held)
    return grid, max(0.0, length_s - kept_s)


def _known(folders: Sequence[Path]) -> Iterator[MadeTake]:
    """The takes in `folders`, else all of the library's, the youngest first."""
    if folders:
        places = sorted(
            (path.parent for folder in folders for path in folder.rglob("take.json")),
            key=lambda place: -(place / "take.json").stat().st_mtime,
        )
    else:
        catalogue = Catalogue(data_folder())
        page = catalogue.find(TakeQuery(limit=MAX_PAGE))
        places = [Path(record.folder) for record in page.takes]
    for place in places:
        try:
            yield read_take(place)
        except InputError:
            continue


def _digest(folder: Path) -> str:
    return hashlib.sha256((folder / TAKE_FILE).read_bytes()).hexdigest()


def named_take(text: str) -> MadeTake | ScoreRequest:
    """A take's folder, its id in the library, or a request.json alone.

    Raises:
        InputError: there is no such take.
    """
    path = Path(text).expanduser()
    if path.is_dir():
        return read_take(path)
    if path.suffix == ".json" or path.exists():
        request = read_json(path, ScoreRequest)
        try:
            return read_take(path.parent)
        except MusiSceneError:
            return request
    return read_take(Path(Catalogue(data_folder()).get(text).folder))
