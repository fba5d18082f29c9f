"""HeardModel: what the music of the take at hand turned out to feel like, for the strip to show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from musiscene_core.brief import Curve
from musiscene_core.take import Take
from musiscene_gui.viewmodels.asking import Asker
from musiscene_gui.viewmodels.feeling import FeelingLine
from musiscene_gui.viewmodels.take_files import TakeFiles
from musiscene_gui.viewmodels.takes import TakesModel
from musiscene_gui.viewmodels.timeline import TimelineModel

HOP_S = 0.5
_QUIET_DB, _LOUD_DB = -36.0, -6.0
"""Peaks of a half second that count as nothing and as full strength."""


class HeardModel:
    """Reads what was heard of the take that is selected and hands it to the timeline."""

    def __init__(self, files: Asker[object], takes: TakesModel, timeline: TimelineModel) -> None:
        self._files, self._takes, self._timeline = files, takes, timeline
        takes.selection_changed.connect(self._selected)

    def _selected(self) -> None:
        card, brief = self._takes.selected, self._timeline.brief
        if card is None or brief is None or card.files.take.record != brief.timeline.record:
            self._timeline.set_heard({})
            return
        files = card.files
        self._files.ask(lambda _: heard_of(files), self._have_of(card.letter))

    def _have_of(self, letter: str) -> Callable[[dict[FeelingLine, Curve]], None]:
        def have(heard: dict[FeelingLine, Curve]) -> None:
            selected = self._takes.selected
            if selected is not None and selected.letter == letter:
                self._timeline.set_heard(heard)

        return have


def heard_of(files: TakeFiles) -> dict[FeelingLine, Curve]:
    """How strong a take is, by its sound, and how pleasant, as the critic measured; both -1 to 1.

    Raises:
        MediaError: its overview is damaged.
    """
    strength, pleasant = strength_of(files.take, files.folder), pleasantness_of(files)
    heard: dict[FeelingLine, Curve] = {}
    if strength is not None:
        heard["arousal"] = Curve(strength.hop_s, tuple(2 * one - 1 for one in strength.values))
    if pleasant is not None:
        heard["valence"] = pleasant
    return heard


def pleasantness_of(files: TakeFiles) -> Curve | None:
    """How pleasant the critic found a take; None where it did not hear it."""
    felt = files.critique.felt if files.critique is not None else ()
    length_s = files.take.length_samples / files.take.sample_rate
    if not felt:
        return None
    # Here and not above: the window is there sooner without numpy.
    import numpy as np

    middles = [(one.start_s + one.end_s) / 2 for one in felt]
    times = (np.arange(max(1, round(length_s / HOP_S))) + 0.5) * HOP_S
    values = np.interp(times, middles, [one.valence for one in felt])
    return Curve(HOP_S, tuple(float(value) for value in np.clip(np.nan_to_num(values), -1.0, 1.0)))


def strength_of(take: Take, folder: Path) -> Curve | None:
    """A take's strength, 0 to 1, from the overview its engine wrote; None where it wrote none.

    Raises:
        MediaError: the overview is damaged.
    """
    if not take.peaks:
        return None
    # Here and not above: the window is there sooner without numpy.
    import numpy as np

    from musiscene_core.library.waveform import read_peaks

    peaks, samples = read_peaks(folder / take.peaks)
    full = float(-np.iinfo(peaks.dtype).min)
    height = np.abs(peaks.astype(np.float64)).max(axis=(1, 2)) / full
    each = max(1, round(HOP_S * take.sample_rate / samples))
    starts = np.arange(0, len(height), each)
    if not len(starts):
        return None
    power = np.add.reduceat(height**2, starts) / np.diff(np.append(starts, len(height)))
    level = 10 * np.log10(np.maximum(power, 1e-9))
    strength = np.clip((level - _QUIET_DB) / (_LOUD_DB - _QUIET_DB), 0.0, 1.0)
    return Curve(each * samples / take.sample_rate, tuple(float(value) for value in strength))
