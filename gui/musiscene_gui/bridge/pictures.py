"""Pictures: the frame under the playhead, decoded in a thread, forwards without seeking again.

Of several frames asked for while one is decoded only the last counts: the picture keeps up with
the sound by leaving frames out.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Generator
from fractions import Fraction
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QThread, Signal, Slot
from PySide6.QtGui import QImage

from musiscene_core.errors import MusiSceneError
from musiscene_core.timeline import TimelineClip

if TYPE_CHECKING:
    from musiscene_core.media import VideoFrame

log = logging.getLogger(__name__)

WIDTH = 480
_KEPT = 96
_AHEAD_S = Fraction(2)
_READ_ON_S = Fraction(3600)


def clip_at(clips: tuple[TimelineClip, ...], frame: int) -> TimelineClip | None:
    """The picture clip that is seen at a record frame: the topmost."""
    seen = [c for c in clips if c.role == "picture" and frame in c.mapping.record and c.media.path]
    return max(seen, key=lambda clip: clip.track_index, default=None)


class _Reader:
    """Frames of one file, in order as long as they are asked for in order."""

    def __init__(self) -> None:
        self._path = ""
        self._frames: Generator[VideoFrame, None, None] | None = None
        self._now: VideoFrame | None = None
        self._next: VideoFrame | None = None

    def at(self, path: str, seconds: Fraction) -> VideoFrame:
        """The frame that shows at `seconds`.

        Raises:
            MediaError: it cannot be decoded.
        """
        # Here and not above: the window is there sooner without it.
        from musiscene_core.media import read_frames

        now = self._now
        near = now is not None and now.seconds <= seconds < now.seconds + _AHEAD_S
        if path != self._path or self._frames is None or not near:
            self.close()
            self._path = path
            self._frames = read_frames(path, seconds, seconds + _READ_ON_S, width=WIDTH)
            self._now = next(self._frames)
            self._next = next(self._frames, None)
        while self._next is not None and self._next.seconds <= seconds:
            self._now, self._next = self._next, next(self._frames, None)
        assert self._now is not None
        return self._now

    def close(self) -> None:
        """Let go of the file."""
        if self._frames is not None:
            self._frames.close()
        self._frames = self._now = self._next = None


class _Worker(QThread):
    """Decodes what was asked for last."""

    shown = Signal(int, object)
    failed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("pictures")
        self._wanted: tuple[int, str, Fraction] | None = None
        self._condition = threading.Condition()
        self._stopping = False

    def ask(self, frame: int, path: str, seconds: Fraction) -> None:
        """Have this frame decoded instead of what still waits."""
        with self._condition:
            self._wanted = (frame, path, seconds)
            self._condition.notify()

    def stop(self) -> None:
        """Have it end soon."""
        with self._condition:
            self._stopping = True
            self._condition.notify()

    def run(self) -> None:
        """Until told to stop."""
        reader = _Reader()
        broken = ""
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._wanted or self._stopping)
                if self._stopping:
                    break
                wanted, self._wanted = self._wanted, None
            assert wanted is not None
            frame, path, seconds = wanted
            if path == broken:
                continue
            try:
                image = reader.at(path, max(Fraction(0), seconds)).image
            except (MusiSceneError, StopIteration) as error:
                reader.close()
                broken = path
                if isinstance(error, MusiSceneError):
                    self.failed.emit(error)
                continue
            height, width = image.shape[:2]
            made = QImage(image.data, width, height, image.strides[0], QImage.Format.Format_BGR888)
            self.shown.emit(frame, made.copy())
        reader.close()


class Pictures(QObject):
    """The picture at record frames.

    Attributes:
        shown: emits (record frame, QImage).
        failed: emits why a file has no picture, once a file.
    """

    shown = Signal(int, QImage)
    failed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._worker = _Worker()
        queued = Qt.ConnectionType.QueuedConnection
        self._worker.shown.connect(self._have, queued)
        self._worker.failed.connect(self.failed, queued)
        self._kept: OrderedDict[int, QImage] = OrderedDict()
        self._clips: tuple[TimelineClip, ...] = ()

    def set_clips(self, clips: tuple[TimelineClip, ...]) -> None:
        """Show the picture of these clips."""
        if clips != self._clips:
            self._clips = clips
            self._kept.clear()

    def ask(self, frame: int) -> None:
        """Have the picture at a record frame shown; an empty one where there is none."""
        kept = self._kept.get(frame)
        if kept is not None:
            self._kept.move_to_end(frame)
            self.shown.emit(frame, kept)
            return
        clip = clip_at(self._clips, frame)
        if clip is None:
            self.shown.emit(frame, QImage())
            return
        if not self._worker.isRunning():
            self._worker.start()
        self._worker.ask(frame, clip.media.path, clip.mapping.source_seconds(frame))

    def close(self) -> None:
        """End the thread."""
        self._worker.stop()
        self._worker.wait(10_000)

    @Slot(int, object)
    def _have(self, frame: int, image: QImage) -> None:
        self._kept[frame] = image
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        self.shown.emit(frame, image)
