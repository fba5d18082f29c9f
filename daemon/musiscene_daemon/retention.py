"""What is thrown away by and by: jobs that ended long ago, and briefs beyond their room.

Jobs are forgotten by count and by age; their results stay. Briefs are deleted oldest first, in
the background, and their jobs forgotten with them. Knows takes not at all.
"""

from __future__ import annotations

import logging
import os
import queue
import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

from musiscene_daemon.settings import Settings
from musiscene_daemon.store import Store

log = logging.getLogger(__name__)

DAY_S = 86_400.0
KEPT_ALWAYS = 20
"""The youngest jobs and briefs stay whatever their age, however the clock was set."""


class Retention:
    """Forgets jobs, and has the briefs trimmed. For the thread of the job table."""

    def __init__(
        self, store: Store, briefs: Path, settings: Settings, clock: Callable[[], float]
    ) -> None:
        """Look after `store` and the folder `briefs`; `clock` gives Unix time in seconds."""
        self._store = store
        self._settings = settings
        self._clock = clock
        self._briefs = BriefKeeper(briefs, settings.max_briefs_bytes)

    def trim_briefs(self) -> None:
        """Begin to make room, in the background."""
        self._briefs.start(self._clock())

    def forget_old(self) -> None:
        """Forget the ended jobs that are too many or too old.

        Raises:
            sqlite3.Error: it could not be noted.
        """
        self._store.forget(self._settings.max_remembered)
        oldest = self._clock() - self._settings.remembered_days * DAY_S
        self._store.forget_older(oldest, keep=KEPT_ALWAYS)

    def forget_trimmed(self) -> None:
        """Forget the jobs whose brief was deleted: they have nothing to show any more."""
        while not self._briefs.gone.empty():
            job_id = self._briefs.gone.get()
            try:
                self._store.forget_job(job_id)
            except sqlite3.Error:
                log.error("job %s: its brief is gone, and that cannot be noted", job_id)


class BriefKeeper:
    """Trims the folder of briefs on a thread of its own.

    Attributes:
        gone: job ids whose brief was deleted, for whoever keeps the jobs.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._busy: threading.Thread | None = None
        self.gone: queue.SimpleQueue[str] = queue.SimpleQueue()

    def start(self, now: float) -> None:
        """Trim in the background, unless that is going on; `now` is Unix time in seconds."""
        if self._busy is None or not self._busy.is_alive():
            self._busy = threading.Thread(
                target=self.trim, args=(now,), daemon=True, name="trim-briefs"
            )
            self._busy.start()

    def trim(self, now: float) -> None:
        """Delete the oldest briefs until the rest fits; none that is less than a day old."""
        found = sorted(_folders(self._folder), key=lambda one: one[0])
        total = sum(size for _, size, _ in found)
        for changed, size, folder in found[:-KEPT_ALWAYS]:
            if total <= self._max_bytes:
                return
            if abs(now - changed) < DAY_S:
                continue
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                total -= size
                self.gone.put(folder.name.rpartition("-")[2])
                log.info("job %s: its brief was deleted to make room", folder.name[-12:])


def _folders(parent: Path) -> list[tuple[float, int, Path]]:
    """(time of change, bytes, path) of each folder in `parent`."""
    found: list[tuple[float, int, Path]] = []
    try:
        with os.scandir(parent) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    size = sum(
                        file.stat(follow_symlinks=False).st_size for file in os.scandir(entry)
                    )
                    changed = entry.stat(follow_symlinks=False).st_mtime
                    found.append((changed, size, Path(entry.path)))
    except OSError as error:
        log.warning("the briefs cannot be looked through: %s", error.strerror)
    return found
