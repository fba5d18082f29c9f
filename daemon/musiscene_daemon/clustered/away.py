"""The worker's end of a share: a job's files are copies here, and its result goes back there.

    <cache folder>/footage/...            copies by what is in them, as much as there is room for
    <cache folder>/away/<process>/        the job at work: its copies, linked, and its result

Runs in a worker on another machine than the daemon's.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from musiscene_core.media.stand_ins import standing_in
from musiscene_core.paths import cache_folder, private_folder
from musiscene_core.progress import Progress
from musiscene_core.spotting.kept_files import place_of, prune
from musiscene_daemon.clustered.share import Share
from musiscene_daemon.settings import gigabytes
from musiscene_daemon.worker_link import JobFinished, RunJob, SentFile

ROOM_VARIABLE = "MUSISCENE_FOOTAGE_GB"
DEFAULT_ROOM_GB = 50.0


class Away:
    """Where a worker that is away from the daemon works."""

    def __init__(self, share: Share) -> None:
        """Use `share`, and room in this machine's cache folder.

        Raises:
            InputError: the room is no number.
            OutputError: the cache folder cannot be written.
        """
        self._share = share
        self._footage = cache_folder() / "footage"
        self._room = gigabytes(ROOM_VARIABLE, DEFAULT_ROOM_GB)
        around = private_folder(cache_folder() / "away")
        for left in around.iterdir():
            if not left.name.isdigit() or not _runs(int(left.name)):
                shutil.rmtree(left, ignore_errors=True)
        self.folder = private_folder(around / str(os.getpid()))

    @contextmanager
    def at(self, job: RunJob, progress: Progress) -> Iterator[RunJob]:
        """The job with what it reads brought here, and a folder of ours for its result.

        Raises:
            OutputError: the share or the cache folder cannot be used.
            CancelledError: `progress` raised it.
        """
        place = self.folder / job.job_id
        try:
            place.mkdir()
            copies = self._copies(job.sent, place, progress)
            with standing_in(copies):
                yield msgspec.structs.replace(job, folder=str(place / "result"), sent=())
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def delivered(self, job: RunJob, made: JobFinished, progress: Progress) -> JobFinished:
        """What is told of a result that `at` yielded the folder for: it is in the share now.

        Raises:
            OutputError: it cannot be sent.
            CancelledError: `progress` raised it.
        """
        folder = Path(job.folder)
        total = sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())
        told = _Counted(progress, "Sending the music", total, at=1.0)
        parcel, sent = self._share.send_result(folder, told)
        return msgspec.structs.replace(made, parcel=parcel, sent=sent)

    def _copies(
        self, files: tuple[SentFile, ...], place: Path, progress: Progress
    ) -> dict[str, str]:
        told = _Counted(progress, "Fetching the footage", sum(one.bytes for one in files))
        folders: dict[str, Path] = {}
        copies: dict[str, str] = {}
        for number, file in enumerate(files):
            copy = self._copy(file, told)
            if file.within:
                folder = folders.setdefault(file.within, place / f"folder-{number}")
                target = folder / file.path
                if not target.resolve().is_relative_to(folder.resolve()):
                    continue
                copies[file.within] = str(folder)
            else:
                target = place / f"file-{number}" / os.path.basename(file.path.replace("\\", "/"))
                copies[file.path] = str(target)
            target.parent.mkdir(parents=True, exist_ok=True)
            # A name of its own: what the cache lets go is still there for this job.
            os.link(copy, target)
        return copies

    def _copy(self, file: SentFile, told: Callable[[int], None]) -> Path:
        """The copy of `file` in the cache, brought there where it is not."""
        copy = place_of(self._footage, f"{file.sha256} {file.changed_ns}")
        if copy.exists():
            told(file.bytes)
        else:
            private_folder(copy.parent)
            partial = copy.with_suffix(f".{os.getpid()}.part")
            try:
                self._share.fetch_footage(file, partial, told)
                os.replace(partial, copy)
            finally:
                partial.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            # What is kept of a film is known by when the film was changed; when it was wanted
            # last goes where reading would note it.
            os.utime(copy, ns=(time.time_ns(), file.changed_ns))
        prune(self._footage, self._room, wanted=_wanted)
        return copy


class _Counted:
    """Tells of a transfer as one stage of a job."""

    def __init__(self, progress: Progress, stage: str, total: int, *, at: float = 0.0) -> None:
        self._progress = progress
        self._stage = stage
        self._total = total
        self._at = at
        self._done = 0

    def __call__(self, count: int) -> None:
        self._done += count
        done = min(1.0, self._done / self._total) if self._total else 1.0
        self._progress(f"{self._stage}: {done:.0%}", self._at)


def _wanted(status: os.stat_result) -> int:
    return status.st_atime_ns


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        # Somebody else's.
        return True
    return True
