"""How fast takes are drawn: the playhead, scrolling, and opening a cue of three minutes.

    python -m tests.benchmarks.panel_lanes

Prints medians beside their targets. Paints offscreen.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import msgspec
import numpy as np
from PySide6.QtWidgets import QApplication

from musiscene_core.codec import to_json
from musiscene_core.composing.score import score
from musiscene_core.library import Catalogue
from musiscene_core.library.peaks import peaks
from musiscene_core.media import write_wav
from musiscene_core.progress import silent
from musiscene_core.ranges import FrameRange
from musiscene_core.request import ScoreRequest
from musiscene_core.timecode import SAMPLE_RATE
from musiscene_gui.application import prepared_qt
from musiscene_gui.audio.overview import draw_overview
from musiscene_gui.viewmodels.overviews import OverviewsModel
from musiscene_gui.viewmodels.playback import PlaybackModel
from musiscene_gui.viewmodels.takes import TakesModel
from musiscene_gui.viewmodels.timeline import TimelineModel
from musiscene_gui.widgets.takes_column import TakesColumn
from tests.support.panel_takes import AtOnce
from tests.support.scenes import brief_of

_SECONDS = 180
_FRAMES = 120


def long_take(data: Path) -> Path:
    """A take of three minutes: a short one's, its sound replaced by noise that swells."""
    folder = data / "takes" / "long-abcd" / "take-1"
    folder.mkdir(parents=True)
    request = ScoreRequest(brief=brief_of(4.0, cuts=(2.0,)))
    take = score(request, 0, "take-1", folder, silent)
    chance = np.random.default_rng(0)
    length = _SECONDS * SAMPLE_RATE
    swell = np.interp(np.arange(length), np.linspace(0, length, 400), chance.random(400))
    sound = (chance.standard_normal((2, length)) * swell * (1 << 20)).astype(np.int32)
    write_wav(folder / take.mix, sound)
    (folder / take.peaks).write_bytes(peaks(sound))
    for stem in take.stems:
        write_wav(folder / stem.path, sound)
    rate = take.rate
    record = FrameRange(0, rate.frame_nearest(_SECONDS))
    longer = msgspec.structs.replace(take, length_samples=length, record=record)
    (folder / "take.json").write_bytes(to_json(longer))
    return folder


def median_ms(work: Callable[[int], object], times: int) -> str:
    """The median time of `work` in milliseconds, and its median share of the processor."""
    took, worked = [], []
    for number in range(times):
        began, used = time.perf_counter(), time.thread_time()
        work(number)
        took.append((time.perf_counter() - began) * 1000)
        worked.append((time.thread_time() - used) * 1000)
    return f"{statistics.median(took):.2f} ms (processor {statistics.median(worked):.2f} ms)"


def column_for(data: Path) -> tuple[TakesColumn, TakesModel, PlaybackModel]:
    """The takes column over a library."""
    files = AtOnce(Catalogue(data))
    takes, timeline = TakesModel(files), TimelineModel()
    playback = PlaybackModel(takes, timeline, files, silent=True)
    overviews = OverviewsModel(files, data / "cache")
    column = TakesColumn(takes, playback, overviews, timeline)
    column.resize(1280, 700)
    column.show()
    return column, takes, playback


def main() -> None:
    """Measure and print."""
    qt = QApplication.instance() or prepared_qt([])
    with tempfile.TemporaryDirectory() as name:
        data = Path(name)
        folder = long_take(data)
        stem = next((folder / "stems").glob("*.wav"))
        drawing = median_ms(lambda _: draw_overview(stem), 5)
        print(f"a stem's overview drawn from its sound: {drawing} for {_SECONDS} s")

        def opened(_: int) -> None:
            column, takes, playback = column_for(data)
            takes.show([folder])
            qt.processEvents()
            column.grab()
            playback.close()
            column.deleteLater()

        opened(0)
        print(f"open a cue of {_SECONDS} s, window included: {median_ms(opened, 7)}, target 150")
        column, takes, playback = column_for(data)
        qt.processEvents()

        def shown(_: int) -> None:
            takes.clear()
            takes.show([folder])
            qt.processEvents()

        shown(0)
        print(f"open it in a window that is there: {median_ms(shown, 7)}, target 150")
        card = column.cards["A"]
        column.view.zoom(60 / _SECONDS, 0)
        qt.processEvents()

        def scroll(number: int) -> None:
            column.view.scroll(SAMPLE_RATE // 4 * (1 if number % 80 < 40 else -1))
            for lane in card.lanes:
                lane.repaint()

        print(f"scroll {len(card.lanes)} stems x 60 s: {median_ms(scroll, _FRAMES)}, target 4")
        column.view.fit()
        qt.processEvents()

        def playhead(number: int) -> None:
            card.set_position(number * SAMPLE_RATE)
            qt.processEvents()

        print(f"playhead over them: {median_ms(playhead, _FRAMES)}, target 2")
        mixer = playback._player.mixer
        mixer.play()
        block = median_ms(lambda _: mixer.render(2_880), _FRAMES)
        print(f"mix a block of 60 ms from five stems: {block}")
        playback.close()
        column.close()


if __name__ == "__main__":
    sys.exit(main())
