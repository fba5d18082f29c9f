"""How fast the panel is: its first paint, a frame while it plays, a frame while news floods in.

    python -m tests.benchmarks.panel_speed

Prints medians beside their aims, and how often a fixed loop of Python would have run meanwhile:
on a machine with other work, compare those. What takes draw is in panel_lanes. Paints offscreen.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

_STARTS = 7
_MESSAGES = 5_000
_FRAME_S = 1 / 60
_FLOOD_S = 5.0

_START = """
import sys, time
from PySide6.QtCore import QEvent, QObject
from musiscene_gui.application import Application, prepared_qt

class Watch(QObject):
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint and watched is made.window:
            paint.extend((time.time(), time.process_time()))
            qt.quit()
        return False

paint = []
qt = prepared_qt(sys.argv[:1])
made = Application(silent=True, start=False)
watch = Watch()
made.window.installEventFilter(watch)
made.start()
qt.exec()
import json
heavy = [name for name in ("numpy", "scipy", "av", "cv2", "opentimelineio", "matplotlib", "torch")
         if name in sys.modules]
print(json.dumps([*paint[:2], len(sys.modules), heavy]))
made.close()
"""


def calibration() -> tuple[float, float]:
    """Milliseconds that a fixed loop takes now, and those that it works; 10 on a quiet core."""
    began, used = time.perf_counter(), time.thread_time()
    total = 0
    for number in range(200_000):
        total += number % 7
    return (time.perf_counter() - began) * 1000, (time.thread_time() - used) * 1000


def told(what: str, took: float, worked: float, aim: float) -> str:
    """A line of milliseconds: the figure, its aim, and how many calibration loops it is."""
    clock, work = (
        statistics.median(each) for each in zip(*(calibration() for _ in range(5)), strict=True)
    )
    return (
        f"{what}: {took:.2f} ms, aim {aim:g}; {took / clock:.2f} loops of {clock:.1f} ms"
        f"; processor {worked:.2f} ms, {worked / work:.2f} loops of {work:.1f} ms"
    )


def first_paint() -> str:
    """From the start of a process to the window's first paint."""
    took, worked, modules, heavy = [], [], 0, []
    # Compiled once, as an installed program is; the first start does that and does not count.
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": os.environ["MUSISCENE_HOME"] + "/compiled"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    for _ in range(_STARTS + 1):
        began = time.time()
        done = subprocess.run(
            [sys.executable, "-c", _START],
            capture_output=True,
            text=True,
            check=True,
            env=environment,
        )
        painted, processor_s, modules, heavy = json.loads(done.stdout.splitlines()[-1])
        took.append((painted - began) * 1000)
        worked.append(processor_s * 1000)
    took, worked = took[1:], worked[1:]
    line = told("process to first paint", statistics.median(took), statistics.median(worked), 600)
    return f"{line}; best {min(took):.0f} ms; {modules} modules, of the heavy ones {heavy}"


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["MUSISCENE_HOME"] = home
        print(first_paint())
        in_one_window(Path(home))


def in_one_window(home: Path) -> None:
    """Frames of a window with a spotted timeline and a take of three minutes."""
    import msgspec
    from PySide6.QtWidgets import QApplication

    from musiscene_core.protocol import JobInfo
    from musiscene_core.ranges import FrameRange
    from musiscene_core.timecode import FrameRate
    from musiscene_gui.application import Application, prepared_qt
    from tests.benchmarks.panel_lanes import long_take
    from tests.support.scenes import brief_of

    qt = QApplication.instance() or prepared_qt([])
    folder = long_take(home / "data")
    made = Application(silent=True, start=False)
    made.window.resize(1280, 800)
    made.window.show()
    timeline = made.panel.timeline
    timeline.open("reel", FrameRate(24), FrameRange(0, 180 * 24), (), ())
    brief = brief_of(180.0, cuts=tuple(float(cut) for cut in range(3, 180, 3)))
    timeline.set_brief(brief)
    made.listening.takes.show([folder])
    until(qt, lambda: bool(made.listening.takes.cards) and made.listening.playback.length)
    until(qt, lambda: made.listening.column.cards["A"].lanes[0]._overview is not None)

    def frame(number: int, _: int = 0) -> None:
        timeline.set_playhead(number % timeline.record.length)
        qt.processEvents()

    took, worked = timed(frame, 300)
    median = statistics.median
    print(told("a frame of the whole window while it plays", median(took), median(worked), 2))

    strip = made.strip.strip
    timeline.zoom_to_fit()
    timeline.zoom(1 / 3, 0.0)

    def scrolled(number: int) -> None:
        timeline.scroll(12.0 if number % 160 < 80 else -12.0)
        strip.repaint()

    took, worked = timed(scrolled, 160)
    print(told("scrolling a minute of the strip", median(took), median(worked), 16))
    timeline.zoom_to_fit()

    def shaped(number: int) -> None:
        made.panel.scene.draw_curve("arousal", (number, -0.5), (number + 1.0, 0.5))
        qt.processEvents()

    took, worked = timed(shaped, 160)
    print(told("drawing the feeling, a step of the pointer", median(took), median(worked), 16))

    jobs = [
        JobInfo(id=f"job-{number}", kind="score", state="running", cue="1m1", created=0.0)
        for number in range(3)
    ]
    for job in jobs:
        made.panel.jobs.follow(job.id, lambda _: None)

    def flood() -> None:
        for number in range(_MESSAGES):
            news = msgspec.structs.replace(
                jobs[number % len(jobs)], fraction=number / _MESSAGES, stage=f"bar {number}"
            )
            made.bridge._ear._tell((news,))
            time.sleep(_FLOOD_S / _MESSAGES)

    sender = threading.Thread(target=flood)
    sender.start()
    took, worked, number = [], [], 0
    while sender.is_alive():
        began = time.perf_counter()
        for times, one in zip((took, worked), timed(partial(frame, number), 1), strict=True):
            times += one
        number += 1
        time.sleep(max(0.0, _FRAME_S - (time.perf_counter() - began)))
    sender.join()
    until(qt, lambda: made.panel.jobs.get("job-0").fraction > 0.99)
    what = f"99th percentile of {len(took)} frames under {_MESSAGES} messages"
    print(told(what, percentile(took), percentile(worked), 25))
    made.window.close()
    made.close()


def timed(work: Callable[[int], None], times: int) -> tuple[list[float], list[float]]:
    """What `work` takes each time, and what it works, in milliseconds."""
    took, worked = [], []
    for number in range(times):
        began, used = time.perf_counter(), time.thread_time()
        work(number)
        took.append((time.perf_counter() - began) * 1000)
        worked.append((time.thread_time() - used) * 1000)
    return took, worked


def percentile(values: list[float]) -> float:
    """The 99th."""
    return statistics.quantiles(values, n=100)[98]


def until(qt, true: Callable[[], object]) -> None:
    """Work events off until it is so."""
    deadline = time.monotonic() + 60
    while not true():
        qt.processEvents()
        time.sleep(0.005)
        if time.monotonic() > deadline:
            raise SystemExit("nothing came of it")


if __name__ == "__main__":
    sys.exit(main())
