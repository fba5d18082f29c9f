"""What a speech model heard, kept by content: the same words are not heard twice.

Lines lie on a grid of the timeline's own tenths of seconds, so that a range that is moved asks for
the same stretches of sound. Whatever is missing or damaged is heard again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import msgspec

from musiscene_core.brief import DialogueRegion
from musiscene_core.paths import cache_folder
from musiscene_core.spotting.films import film_digest
from musiscene_core.spotting.kept_files import Drawer
from musiscene_core.spotting.speech.model import Segment
from musiscene_core.timeline import TimelineRange

GRID_S = Fraction(1, 10)
_VERSION = 1
_NEAR = 1e-4
"""Seconds by which a region may miss the grid: regions are told in milliseconds."""


class Stretch(msgspec.Struct, frozen=True):
    """Timeline seconds in which someone speaks, half-open, exact."""

    start: Fraction
    end: Fraction


class _Segments(msgspec.Struct, frozen=True):
    """Segments as (start, end, text, words, language), in seconds from the stretch's beginning."""

    heard: tuple[tuple[float, float, str, tuple[float, ...], str], ...] = ()


def stretches(
    timeline: TimelineRange, regions: Sequence[DialogueRegion], margin_s: float
) -> list[Stretch]:
    """The regions with their margins, on the grid, apart and inside the range."""
    first = timeline.rate.seconds(timeline.record.start)
    last = timeline.rate.seconds(timeline.record.end)
    found: list[Stretch] = []
    for region in regions:
        begins = math.floor((float(first) + region.start_s - margin_s + _NEAR) / float(GRID_S))
        ends = math.ceil((float(first) + region.end_s + margin_s - _NEAR) / float(GRID_S))
        start = max(first, begins * GRID_S, found[-1].end if found else first)
        end = min(last, ends * GRID_S)
        found.append(Stretch(start, max(start, end)))
    return found


class KeptSpeech:
    """The answers of one speech model about one range."""

    def __init__(self, timeline: TimelineRange, model: str, folder: Path | None = None) -> None:
        """Look for what `model` heard; its name must change with its weights.

        Args:
            timeline: the range.
            model: what it is known by.
            folder: default: in the cache folder.
        """
        self._model = model
        self._drawer = Drawer(folder or cache_folder() / "hearing")
        self._clips = [
            (clip, film_digest(clip.media.path) if clip.media.path else "")
            for clip in timeline.by_role("dialogue", "mixed")
        ]

    def get(self, stretch: Stretch) -> list[Segment] | None:
        """What was heard, in seconds from the stretch's beginning; None where that is not known."""
        found = self._drawer.get(self._known_by(stretch), _Segments)
        if found is None:
            return None
        return [
            Segment(start_s=start, end_s=end, text=text, words_s=words, language=language)
            for start, end, text, words, language in found.heard
        ]

    def put(self, stretch: Stretch, segments: Sequence[Segment]) -> None:
        """Keep what was heard, in seconds from the stretch's beginning."""
        heard = tuple(
            (one.start_s, one.end_s, one.text, one.words_s, one.language) for one in segments
        )
        self._drawer.put(self._known_by(stretch), _Segments(heard))

    def prune(self) -> None:
        """Let the oldest answers go where there are too many."""
        self._drawer.prune()

    def _known_by(self, stretch: Stretch) -> str:
        """The files that sound in a stretch, from where to where, and the model."""
        sounding = []
        for clip, film in self._clips:
            mapping = clip.mapping
            record = mapping.record_rate.seconds
            start = max(stretch.start, record(mapping.record.start))
            end = min(stretch.end, record(mapping.record.end))
            if start < end:
                begins = mapping.source_seconds(0) + start * mapping.speed
                times = (start - stretch.start, end - stretch.start, begins, mapping.speed)
                sounding.append(f"{film} {clip.media.audio_stream} {times}")
        length = stretch.end - stretch.start
        return " ".join([str(_VERSION), self._model, str(length), *sorted(sounding)])
