"""One picture as it passes: its numbers at once, itself only where somebody has to look."""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property

from musiscene_core.spotting.likeness import Comparer, Image, View
from musiscene_core.spotting.measures import Measure, measured
from musiscene_core.spotting.playback import Shown

_BLACK = "black"


class Passing:
    """A picture that appears.

    Attributes:
        measure: its numbers.
    """

    def __init__(self, shown: Shown) -> None:
        """Take a picture; one that is known is not looked at."""
        self._shown = shown
        source = shown.source
        seconds = source.seconds if source else Fraction(0)
        self.measure: Measure = shown.known or measured(self.view, seconds)

    @cached_property
    def view(self) -> View:
        """The picture, fetched where it is needed after all."""
        shown = self._shown
        if shown.image is None and shown.known is not None and shown.source is not None:
            return View(shown.source.image())
        return View(shown.image)

    @property
    def gray(self) -> Image:
        """Luma [H, W]."""
        return self.view.gray

    @property
    def faces(self) -> int:
        """How many there are; below 0 where nobody looked."""
        return self.measure.faces

    @faces.setter
    def faces(self, count: int) -> None:
        self.measure.faces = count
        self._changed()

    @property
    def mark(self) -> str:
        """What it is known by; empty for a picture that is not kept."""
        source = self._shown.source
        if source is not None:
            return source.kept.mark(source.seconds)
        return _BLACK if self._shown.image is None else ""

    def compare(self, before: Passing, comparer: Comparer) -> None:
        """Have it measured against the picture before, where that is not known."""
        measure = self.measure
        if measure.before and measure.before == before.mark:
            return
        found = comparer.compare(before.view, self.view)
        measure.before = before.mark
        measure.rupture, measure.loss, measure.flow = found.rupture, found.loss, found.flow
        self._changed()

    def keep(self, end: int) -> None:
        """Keep its numbers; it shows until cue frame `end`."""
        source, shown = self._shown.source, self._shown
        if source is not None and shown.known is None:
            first = source.record_frame
            source.kept.keep(range(first, first + end - shown.cue_frame), self.measure)

    def _changed(self) -> None:
        source = self._shown.source
        if source is not None and self._shown.known is not None:
            source.kept.changed(source.record_frame)
