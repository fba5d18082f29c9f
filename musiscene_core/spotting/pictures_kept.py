"""What was measured of pictures, kept by content: what was watched once is not decoded again.

Files in the cache folder hold BLOCK timeline frames each of one film, named for the film's content
and for the grid on which the timeline shows it. So a range that is moved finds what it has in
common with the one before. Whatever is missing or damaged is simply watched again; the files
longest unused go first.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import cv2
import msgspec

from musiscene_core.paths import cache_folder
from musiscene_core.spotting.films import film_digest
from musiscene_core.spotting.kept_files import place_of, prune, read_checked, write_checked
from musiscene_core.spotting.measures import Measure
from musiscene_core.timeline import TimelineClip

BLOCK = 256
"""Timeline frames of a file: about 200 kB."""
MOST_BYTES = 1 << 30
"""On the disk: some twelve hours of film."""
_OPEN = 8
"""Blocks in memory at once."""
_VERSION = f"2 {cv2.__version__}"
"""Changes with what is measured, and with what measures it."""


class _Block(msgspec.Struct):
    """Places of the grid, each with the index of the picture that shows there."""

    places: dict[int, int] = {}
    pictures: list[Measure] = []


class _Open:
    """A block in memory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.block = _read(path)
        self.changed = False


class KeptPictures:
    """What is kept of all films of one range. For the thread that decodes and the one that looks.

    Attributes:
        folder: where files lie.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Look into `folder`; default: in the cache folder."""
        self.folder = folder or cache_folder() / "pictures"
        self._films: dict[str, str] = {}
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self._lock = threading.Lock()
        self._wrote = False

    def of(self, clip: TimelineClip) -> KeptClip | None:
        """What is kept of the film under `clip`; None where nothing can be."""
        path, mapping = clip.media.path, clip.mapping
        if not path or mapping.speed <= 0:
            return None
        if path not in self._films:
            self._films[path] = film_digest(path)
        film = self._films[path]
        step = mapping.speed / mapping.record_rate.fps
        return KeptClip(self, film, step, mapping.source_seconds(0)) if film else None

    @contextmanager
    def block(self, name: str) -> Iterator[_Open]:
        """The block called `name`, for this thread alone."""
        with self._lock:
            if name not in self._open:
                self._open[name] = _Open(place_of(self.folder, f"{name} {_VERSION}"))
            self._open.move_to_end(name)
            while len(self._open) > _OPEN:
                self._write(self._open.popitem(last=False)[1])
            yield self._open[name]

    def close(self) -> None:
        """Write what is new, and let the oldest go where there is too much."""
        with self._lock:
            while self._open:
                self._write(self._open.popitem()[1])
        if self._wrote:
            prune(self.folder, MOST_BYTES)

    def _write(self, opened: _Open) -> None:
        if opened.changed:
            self._wrote |= write_checked(opened.path, msgspec.msgpack.encode(opened.block))


class KeptClip:
    """What is kept of one film on one grid of the timeline.

    A place is a frame of the grid, counted from the film's beginning: a clip that is moved, or
    slipped by whole frames, finds the same places.
    """

    def __init__(self, kept: KeptPictures, film: str, step: Fraction, origin: Fraction) -> None:
        """Know a film on a grid of `step` seconds; record frame 0 shows its second `origin`."""
        self._kept = kept
        self._film = film
        self._first = origin // step
        self._series = f"{film} {step} {origin - self._first * step}"

    def known(self, record_frame: int) -> Measure | None:
        """What shows at `record_frame`; None where that is not known."""
        place = self._first + record_frame
        with self._kept.block(self._name(place)) as opened:
            index = opened.block.places.get(place)
            return None if index is None else opened.block.pictures[index]

    def keep(self, record_frames: range, measure: Measure) -> None:
        """Keep what shows in `record_frames`."""
        for frame in record_frames:
            place = self._first + frame
            with self._kept.block(self._name(place)) as opened:
                block = opened.block
                if not (block.pictures and block.pictures[-1] is measure):
                    block.pictures.append(measure)
                block.places[place] = len(block.pictures) - 1
                opened.changed = True

    def changed(self, record_frame: int) -> None:
        """Keep what became known of a picture that shows at `record_frame`."""
        with self._kept.block(self._name(self._first + record_frame)) as opened:
            opened.changed = True

    def mark(self, seconds: Fraction) -> str:
        """What the picture at `seconds` is known by."""
        return f"{self._film[:24]} {seconds}"

    def _name(self, place: int) -> str:
        return f"{self._series} {place // BLOCK}"


def _read(path: Path) -> _Block:
    """The block in a file; an empty one where it is missing or damaged."""
    data = read_checked(path)
    if data is None:
        return _Block()
    try:
        block = msgspec.msgpack.decode(data, type=_Block)
    except (msgspec.MsgspecError, RecursionError):
        return _Block()
    count = len(block.pictures)
    return block if all(0 <= index < count for index in block.places.values()) else _Block()
