"""Favourites and labels: one small file a mark, so that any program may set any of them.

    <data folder>/marks/<take id>.favourite     empty
    <data folder>/marks/<take id>.label         the user's words

Each change is one step on the disk; no two programs can undo each other's. Marks belong to a
take's id, so they survive the index, and a take made again finds them again.
"""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from typing import NamedTuple

from musiscene_core.codec import write_atomically
from musiscene_core.errors import InputError, OutputError
from musiscene_core.library.folders import SkippedError, read_bounded
from musiscene_core.library.records import MAX_LABEL

log = logging.getLogger(__name__)

MARKS = "marks"
_ID = re.compile(r"[0-9a-f]{16}")
_FILE = re.compile(r"([0-9a-f]{16})\.(favourite|label)")


class Mark(NamedTuple):
    """What a user noted about a take."""

    favourite: bool = False
    label: str = ""


class Marks:
    """The marks below one data folder."""

    def __init__(self, data_folder: Path) -> None:
        self.folder = data_folder / MARKS

    def signature(self) -> int:
        """Changes when a mark does; 0 where there are none."""
        try:
            return os.stat(self.folder).st_mtime_ns
        except OSError:
            return 0

    def read(self) -> dict[str, Mark]:
        """Every mark, by take id."""
        marks: dict[str, Mark] = {}
        try:
            names = sorted(os.listdir(self.folder))
        except OSError:
            return marks
        for name in names:
            found = _FILE.fullmatch(name)
            if found is None:
                continue
            take_id, kind = found.groups()
            mark = marks.get(take_id, Mark())
            if kind == "favourite":
                marks[take_id] = mark._replace(favourite=True)
            elif label := self._label(name):
                marks[take_id] = mark._replace(label=label)
        return marks

    def of(self, take_id: str) -> Mark:
        """One take's marks, as the disk says now."""
        path = self._file(take_id, "label")
        label = self._label(path.name) if os.path.lexists(path) else ""
        return Mark(self.is_favourite(take_id), label)

    def is_favourite(self, take_id: str) -> bool:
        """Whether the take is one, as the disk says now."""
        return os.path.lexists(self._file(take_id, "favourite"))

    def set_favourite(self, take_id: str, favourite: bool) -> None:
        """Make the take a favourite, or no longer one.

        Raises:
            OutputError: it cannot be noted.
        """
        path = self._file(take_id, "favourite")
        if favourite:
            write_atomically(path, b"")
        else:
            self._remove(path)

    def set_label(self, take_id: str, label: str) -> None:
        """Call the take `label`; an empty one takes the label off.

        Raises:
            InputError: too long, or not text.
            OutputError: it cannot be noted.
        """
        words = " ".join(label.split())
        if len(words) > MAX_LABEL:
            raise InputError(f"A label has at most {MAX_LABEL} characters.")
        path = self._file(take_id, "label")
        if not words:
            self._remove(path)
            return
        try:
            write_atomically(path, words.encode())
        except UnicodeEncodeError as error:
            raise InputError("The label holds characters that cannot be written.") from error

    def forget(self, take_id: str) -> None:
        """Drop the marks of a take that is gone.

        Raises:
            OutputError: they cannot be dropped.
        """
        self.set_favourite(take_id, False)
        self.set_label(take_id, "")

    def _label(self, name: str) -> str:
        try:
            return read_bounded(self.folder / name, 4 * MAX_LABEL).decode()[:MAX_LABEL]
        except (OSError, SkippedError, UnicodeDecodeError) as error:
            log.warning("a label is left out: %s", type(error).__name__)
            return ""

    def _remove(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError.from_os(error, path) from error

    def _file(self, take_id: str, kind: str) -> Path:
        if not _ID.fullmatch(take_id):
            raise InputError(f"{take_id[:40]!r} is not a take's id.")
        return self.folder / f"{take_id}.{kind}"
