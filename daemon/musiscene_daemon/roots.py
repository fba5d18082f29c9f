"""The folders of this machine whose media paired machines may name.

A file lies under one of them both as written and once every link in it is followed. Links made
after the check are not seen: a root that a paired machine can write to guards only what it holds.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from musiscene_core.errors import RequestError
from musiscene_core.timeline import TimelineRange

MAX_FILES = 4096
"""Files looked at for one request, so that the socket never waits long."""
_MAX_PATH = 4096


class Roots:
    """The declared folders."""

    def __init__(self, folders: Sequence[str]) -> None:
        """Take `folders`, absolute paths; none means that paired machines may name no file."""
        self._written = tuple(os.path.normpath(folder) for folder in folders)
        self._real = tuple(os.path.realpath(folder) for folder in folders)

    def check(self, timeline: TimelineRange) -> None:
        """Refuse a range with media elsewhere.

        Raises:
            RequestError: a file lies outside, or there are too many.
        """
        # A clip that the editor knows by name alone has no path.
        paths = {clip.media.path for clip in timeline.clips} - {""}
        if len(paths) > MAX_FILES:
            raise RequestError(f"More than {MAX_FILES} media files.", hint="Mark a shorter range.")
        for path in sorted(paths):
            self._check(path)

    def check_file(self, path: str) -> None:
        """Refuse a SoundFont or music file elsewhere; empty names none.

        Raises:
            RequestError: it lies outside.
        """
        if path:
            self._check(path)

    def _check(self, path: str) -> None:
        if not self.hold(path):
            raise RequestError(
                f"{path[:200]!r} is not in a folder open to paired machines.",
                hint="Media must be on the daemon's machine, under a folder that "
                "MUSISCENE_ROOTS names there.",
            )

    def hold(self, path: str) -> bool:
        """Whether `path` lies under one of the folders."""
        if not self._plain(path):
            return False
        # As written first, so that nothing outside is ever touched.
        if not _under(os.path.normpath(path), self._written + self._real):
            return False
        return _under(os.path.realpath(path), self._real)

    def _plain(self, path: str) -> bool:
        parts = path.replace("\\", "/").split("/")
        network = path[:2].replace("\\", "/") == "//"
        return (
            len(path) <= _MAX_PATH
            and os.path.isabs(path)
            and not network
            and "\0" not in path
            and ".." not in parts
        )


def _under(path: str, folders: Sequence[str]) -> bool:
    for folder in folders:
        try:
            common = os.path.commonpath((os.path.normcase(path), os.path.normcase(folder)))
        except ValueError:
            # Another drive.
            continue
        if common == os.path.normcase(folder):
            return True
    return False
