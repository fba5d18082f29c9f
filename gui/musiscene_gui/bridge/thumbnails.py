"""Thumbnails: small pictures of a film, decoded in a thread and kept for the next painting."""

from __future__ import annotations

from collections import OrderedDict
from fractions import Fraction

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from musiscene_core.errors import MusiSceneError
from musiscene_gui.bridge.desk import Desk

WIDTH = 160
_KEPT = 600
_Key = tuple[str, Fraction]


class Thumbnails(QObject):
    """Pictures by file and time.

    Attributes:
        arrived: emitted when another picture is there.
    """

    arrived = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._desk: Desk[None] = Desk("thumbnails", lambda: None)
        self._kept: OrderedDict[_Key, QImage | None] = OrderedDict()

    def get(
        self, path: str, seconds: Fraction, meanwhile: tuple[Fraction, Fraction] | None = None
    ) -> QImage | None:
        """The picture, where it is there; else it is asked for.

        Until it is there, the nearest that is there of the seconds `meanwhile`; else None.
        """
        key = (path, seconds)
        if key in self._kept:
            self._kept.move_to_end(key)
            image = self._kept[key]
        else:
            # One that cannot be decoded stays None, and is not tried again.
            image = None
            self._keep(key, None)
            self._desk.ask(lambda _: _decoded(path, seconds), lambda image: self._have(key, image))
        if image is None and meanwhile is not None:
            return self._nearest(path, seconds, meanwhile)
        return image

    def close(self) -> None:
        """End the thread."""
        self._desk.close()

    def _nearest(
        self, path: str, seconds: Fraction, span: tuple[Fraction, Fraction]
    ) -> QImage | None:
        near = [
            (abs(at_s - seconds), image)
            for (of, at_s), image in self._kept.items()
            if image is not None and of == path and span[0] <= at_s < span[1]
        ]
        return min(near, key=lambda one: one[0], default=(None, None))[1]

    def _have(self, key: _Key, image: QImage | None) -> None:
        self._keep(key, image)
        self.arrived.emit()

    def _keep(self, key: _Key, image: QImage | None) -> None:
        self._kept[key] = image
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)


def _decoded(path: str, seconds: Fraction) -> QImage | None:
    # Here and not above: the window is there sooner without it.
    from musiscene_core.media import read_frames

    try:
        frames = read_frames(
            path, max(Fraction(0), seconds), seconds + Fraction(1, 1000), width=WIDTH
        )
        image = next(frames).image
        frames.close()
    except (MusiSceneError, StopIteration):
        return None
    height, width = image.shape[:2]
    return QImage(image.data, width, height, image.strides[0], QImage.Format.Format_BGR888).copy()
