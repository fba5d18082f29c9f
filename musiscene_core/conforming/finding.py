"""Where a cue lies in a new version of its timeline: its ends follow its clips.

The cue is where most of its film is. Film that went far away, to another scene, does not stretch
it; film that came in between does. Where two places have about as much of it, that is said, and
the user decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from musiscene_core.conforming.film import KeptFilm, kept_film
from musiscene_core.ranges import FrameRange
from musiscene_core.timeline import TimelineRange

_FOREIGN_S = 15.0
"""Foreign film this long within a cue may part it, unless the cue itself is long."""
_FOREIGN_SHARE = 0.5
_RIVAL = 0.6
"""Another place with this much of the film of the best makes the cue ambiguous."""
_LEAST = 0.1
"""A cue of which less is left is lost."""


@dataclass(frozen=True)
class FoundRange:
    """Where a cue lies now.

    Attributes:
        record: its record frames in the new timeline; None where it is lost.
        share: how much of its old film is there, 0 to 1.
        others: other places that might be it as well.
    """

    record: FrameRange | None
    share: float
    others: tuple[FrameRange, ...] = ()

    @property
    def ambiguous(self) -> bool:
        """Whether the user should say which place is meant."""
        return bool(self.others)


def find_range(old: TimelineRange, new: TimelineRange) -> FoundRange:
    """The place of `old`, a cue's range, in `new`, a whole timeline."""
    kept = sorted(kept_film(old, new), key=lambda film: film.now.start)
    places = _places(kept, new, max(_FOREIGN_S, _FOREIGN_SHARE * old.length_seconds))
    if not places:
        return FoundRange(None, 0.0)
    weights = [sum(film.was.length for film in place) for place in places]
    best = weights.index(max(weights))
    share = weights[best] / old.record.length
    if share < _LEAST:
        return FoundRange(None, share)
    others = tuple(
        _ends(place, old, new)
        for index, place in enumerate(places)
        if index != best and weights[index] >= _RIVAL * weights[best]
    )
    return FoundRange(_ends(places[best], old, new), min(1.0, share), others)


def _places(kept: Sequence[KeptFilm], new: TimelineRange, foreign_s: float) -> list[list[KeptFilm]]:
    """`kept`, in order of new time, parted where more than `foreign_s` lies between."""
    places: list[list[KeptFilm]] = []
    for film in kept:
        between = film.now.start - places[-1][-1].now.end if places else 0
        if places and float(new.rate.seconds(between)) <= foreign_s:
            places[-1].append(film)
        else:
            places.append([film])
    return places


def _ends(place: Sequence[KeptFilm], old: TimelineRange, new: TimelineRange) -> FrameRange:
    """In and Out of a place, black at the cue's own ends included."""
    first, last = place[0], max(place, key=lambda film: film.now.end)
    lead, tail = _black(old)
    start, end = first.now.start, last.now.end
    if first.was.start <= lead:
        start -= min(first.was.start, lead)
    if last.was.end >= old.record.length - tail:
        end += old.record.length - last.was.end
    found = FrameRange(max(0, start), max(start + 1, end)).shifted(new.record.start)
    return found.overlap(new.record) or found


def _black(old: TimelineRange) -> tuple[int, int]:
    """Frames without any picture at the range's beginning and end."""
    shown = [
        clip.mapping.record.overlap(old.record)
        for clip in old.clips
        if clip.role in ("picture", "mixed")
    ]
    inside = [one for one in shown if one is not None]
    if not inside:
        return 0, 0
    return (
        min(one.start for one in inside) - old.record.start,
        old.record.end - max(one.end for one in inside),
    )
