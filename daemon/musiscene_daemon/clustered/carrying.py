"""The daemon's end of a share: sends what a job reads, and brings what it made.

Stands between the daemon's pipes and a worker's, in the relay. The daemon hands over a job and is
handed its result in the folder that it named, as if the worker were here.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from musiscene_core.errors import CancelledError, MusiSceneError, OutputError
from musiscene_core.intended_use import intended_use
from musiscene_core.paths import cache_folder
from musiscene_core.protocol.licensing import check_licences
from musiscene_core.spotting.films import film_digest
from musiscene_core.spotting.kept_files import place_of, prune, read_checked, write_checked
from musiscene_core.whole_files import blocks_of
from musiscene_daemon.clustered.share import Share
from musiscene_daemon.takes import sync_tree
from musiscene_daemon.wishes import files_of, read
from musiscene_daemon.worker import Reports
from musiscene_daemon.worker_link import (
    Command,
    JobBroke,
    JobFinished,
    JobProgressed,
    JobStopped,
    OffersNow,
    Report,
    RunJob,
    SentFile,
    StopJob,
    WorkerReady,
)

_TELL_S = 0.5
_KNOWN_BYTES = 4 << 20


class Carrier:
    """Carries one job's files after the other's."""

    def __init__(self, share: Share, reports: Reports, hand_on: Callable[[Command], None]) -> None:
        """Tell the daemon by `reports`, and the worker by `hand_on`."""
        self._share = share
        self._reports = reports
        self._hand_on = hand_on
        self._folders: dict[str, Path] = {}
        self._stopped: set[str] = set()
        self._sending = ""
        self._offers: WorkerReady | OffersNow | None = None

    def command(self, command: Command) -> None:
        """Pass on what the daemon says; a job only once what it reads is in the share."""
        if isinstance(command, RunJob):
            self._sending = command.job_id
            threading.Thread(target=self._send, args=(command,), daemon=True, name="send").start()
        elif isinstance(command, StopJob) and command.job_id == self._sending:
            self._stopped.add(command.job_id)
        else:
            self._hand_on(command)

    def report(self, report: Report) -> None:
        """Pass on what the worker says; an end only once the result is here."""
        if isinstance(report, WorkerReady | OffersNow):
            self._offers = report
        if isinstance(report, JobFinished):
            report = self._fetched(report)
        self._reports.send(report)

    def _send(self, job: RunJob) -> None:
        try:
            work = read(job.kind, job.payload)
            if self._offers is not None:
                # The worker cannot see what music is made for here.
                offers = self._offers
                check_licences(work, offers.engines, offers.captioners, intended_use())
            sent = tuple(self._sent(job.job_id, *files_of(work)))
            if job.job_id in self._stopped:
                raise CancelledError("The job was cancelled.")
        except CancelledError:
            self._stopped.discard(job.job_id)
            self._reports.send(JobStopped(job.job_id))
            return
        except (MusiSceneError, OSError) as error:
            self._reports.send(_broke(job.job_id, error))
            return
        self._folders[job.job_id] = Path(job.folder)
        self._sending = ""
        # What was made before lies where the worker does not see it.
        self._hand_on(msgspec.structs.replace(job, sent=sent, earlier=()))

    def _sent(self, job_id: str, paths: tuple[str, ...], folder: str) -> Iterator[SentFile]:
        files = [(path, Path(path), "") for path in paths]
        if folder:
            inside = sorted(one for one in Path(folder).rglob("*") if one.is_file())
            files += [(one.relative_to(folder).as_posix(), one, folder) for one in inside]
        # The worker says of one that is not there what it says of any.
        files = [(known, path, within) for known, path, within in files if path.is_file()]
        total = 2 * sum(path.stat().st_size for _, path, _ in files)
        with self._told(job_id, "Sending the footage", total) as on_bytes:
            for known, path, within in files:
                seen = path.stat()
                sha256 = _digest(path, on_bytes)
                self._share.send_footage(path, sha256, on_bytes)
                yield SentFile(
                    path=known,
                    sha256=sha256,
                    bytes=seen.st_size,
                    changed_ns=seen.st_mtime_ns,
                    within=within,
                )

    def _fetched(self, report: JobFinished) -> JobFinished | JobBroke:
        folder = self._folders.pop(report.job_id, None)
        if folder is None or not report.parcel:
            return report
        try:
            total = sum(file.bytes for file in report.sent)
            with self._told(report.job_id, "Fetching the music", total) as on_bytes:
                folder.mkdir(parents=True)
                self._share.fetch_result(report.parcel, report.sent, folder, on_bytes)
                sync_tree(folder)
        except (MusiSceneError, OSError) as error:
            return _broke(report.job_id, error)
        return msgspec.structs.replace(report, parcel="", sent=())

    @contextmanager
    def _told(self, job_id: str, stage: str, total: int) -> Iterator[Callable[[int], None]]:
        """Have the daemon hear how far a transfer of `total` bytes is, and of life in between."""
        done = 0
        over = threading.Event()

        def on_bytes(count: int) -> None:
            nonlocal done
            done += count
            if job_id in self._stopped:
                raise CancelledError("The job was cancelled.")

        def tell() -> None:
            while not over.wait(_TELL_S):
                fraction = min(1.0, done / total) if total else 1.0
                self._reports.send(JobProgressed(job_id, f"{stage}: {fraction:.0%}", 0.0))

        teller = threading.Thread(target=tell, daemon=True, name="tell")
        teller.start()
        try:
            yield on_bytes
        finally:
            over.set()
            teller.join()


def _broke(job_id: str, error: MusiSceneError | OSError) -> JobBroke:
    if isinstance(error, OSError):
        error = OutputError.from_os(error, error.filename or "the result")
    return JobBroke(job_id=job_id, code=error.code, message=error.message, hint=error.hint)


def _digest(path: Path, on_bytes: Callable[[int], None]) -> str:
    """The SHA-256 of a file, kept from one time to the next by what the film is known by."""
    known_by = film_digest(str(path))
    folder = cache_folder() / "digests"
    kept = place_of(folder, known_by)
    if known_by and (known := read_checked(kept)):
        on_bytes(path.stat().st_size)
        return known.decode()
    whole = hashlib.sha256()
    for block in blocks_of(path):
        whole.update(block)
        on_bytes(len(block))
    if write_checked(kept, whole.hexdigest().encode()):
        prune(folder, _KNOWN_BYTES)
    return whole.hexdigest()
