"""`musiscene watch`: scores timeline exports that appear in a folder, and writes the result beside.

FOLDER/cut.otio          as the editor exports it
FOLDER/cut.scored.otio   to import; -2, -3 where the export changed and was scored again
FOLDER/cut-score/        the music, its cue sheet, and which cues are done
FOLDER/cut.error.txt     why there is no music, or not all of it; gone once there is
"""

from __future__ import annotations

import argparse
import logging
import time
from pathlib import Path

from musiscene_core.codec import write_atomically
from musiscene_core.errors import (
    CancelledError,
    DaemonError,
    InputError,
    MusiSceneError,
    OutputError,
    RequestError,
    TimelineError,
)
from musiscene_core.instance_lock import InstanceLock
from musiscene_plugins.choosing import file_name
from musiscene_plugins.cli.inputs import opened_host
from musiscene_plugins.cli.reel import marked_or_whole, reel_wish, score_with_sheet, wanted_cues
from musiscene_plugins.cli.sheets import sheet_settings
from musiscene_plugins.cli.terminal import result_console
from musiscene_plugins.formats.keys import XML_SUFFIXES
from musiscene_plugins.otio.file_host import TIMELINE_SUFFIXES
from musiscene_plugins.reel.cue_sheet import SheetSettings
from musiscene_plugins.reel.scoring import CueOutcome, ReelResult
from musiscene_plugins.watching import LOCK_NAME, FileRecord, WatchedFolder

logger = logging.getLogger(__name__)

_SUFFIXES = (*TIMELINE_SUFFIXES, *XML_SUFFIXES, ".aaf", ".edl")
_PATIENCE_S = 30.0
"""A timeline that cannot be read may still be on its way: some copiers pause."""
_AGAIN_S = 30.0
"""After trouble that is not the file's: no daemon, a full disk."""
_ERROR_HEAD = "MusiScene:"
EXIT_SOME_FAILED = 2


def run(arguments: argparse.Namespace) -> int:
    """Watch the folder that the arguments name; returns the exit code."""
    folder = Path(arguments.folder).expanduser().absolute()
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder.", hint="Make it first, or check the name.")
    if not 0.1 <= arguments.every <= 3600:
        raise RequestError("--every must be 0.1 to 3600 seconds.")
    settings = sheet_settings(arguments)
    lock = InstanceLock(folder / LOCK_NAME)
    try:
        free = lock.acquire()
    except OSError as error:
        raise OutputError.from_os(error, folder) from error
    if not free:
        raise RequestError(f"Another `musiscene watch` looks after {folder}.")
    try:
        watch = _Watch(arguments, WatchedFolder(folder, _SUFFIXES), settings)
        return watch.once() if arguments.once else watch.forever()
    finally:
        lock.release()


class _Watch:
    def __init__(
        self, arguments: argparse.Namespace, folder: WatchedFolder, settings: SheetSettings
    ) -> None:
        self._arguments = arguments
        self._folder = folder
        self._settings = settings
        self._unread: dict[str, float] = {}
        self._not_before = 0.0
        self._last_trouble = ""

    def forever(self) -> int:
        """Look until interrupted."""
        _say(f"Watching {self._folder.folder}; Ctrl-C ends it.")
        while True:
            self._look()
            time.sleep(self._arguments.every)

    def once(self) -> int:
        """Score what is there, once it is whole; returns the exit code."""
        failed = False
        growing = 1
        while growing:
            growing, some_failed = self._look()
            failed = failed or some_failed
            if growing:
                time.sleep(self._arguments.every)
        return EXIT_SOME_FAILED if failed else 0

    def _look(self) -> tuple[int, bool]:
        """Score what is whole; how many files are not, and whether any failed."""
        try:
            whole, growing = self._folder.look()
        except OSError as error:
            if self._arguments.once:
                raise InputError(f"{self._folder.folder} cannot be looked at: {error}.") from error
            self._trouble(f"The folder cannot be looked at: {error.strerror}.")
            return 0, False
        failed = False
        if time.monotonic() < self._not_before:
            return growing + len(whole), False
        for path in whole:
            digest = self._folder.digest(path)
            if not digest:
                growing += 1
                continue
            known = self._folder.record(path)
            if known is not None and known.digest == digest:
                self._folder.pass_over(path)
                failed = failed or bool(known.error)
                continue
            try:
                record = self._scored(path, digest)
            except (DaemonError, OutputError) as error:
                if self._arguments.once:
                    raise
                self._trouble(f"{path.name}: {error} Trying again.")
                self._not_before = time.monotonic() + _AGAIN_S
                return growing, failed
            if record is None:
                growing += 1
                continue
            self._folder.note(path, record)
            failed = failed or bool(record.error)
        return growing, failed

    def _scored(self, path: Path, digest: str) -> FileRecord | None:
        """What became of the file; None where it may not be whole yet."""
        try:
            result = self._result(path)
        except CancelledError:
            raise
        except (DaemonError, OutputError):
            raise
        except TimelineError as error:
            if not self._arguments.once and self._patient(path.name):
                return None
            return self._failed(path, digest, str(error))
        except MusiSceneError as error:
            return self._failed(path, digest, str(error))
        except Exception as error:
            # What a file can make a reader do must not end the watch; the log has the rest.
            logger.debug("scoring a file failed", exc_info=True)
            return self._failed(path, digest, f"It cannot be scored ({type(error).__name__}).")
        self._unread.pop(path.name, None)
        name = Path(result.timeline).name if result.timeline else ""
        made = len(result.outcomes) - len(result.failed)
        if name:
            _say(f"{path.name}: {made} of {len(result.outcomes)} cues -> {name}")
        if result.failed:
            lines = [f"{out.cue.name}: {out.error}" for out in result.failed]
            record = self._failed(path, digest, "\n".join(lines))
            return FileRecord(digest=digest, result=name, error=record.error)
        _forget_error(path)
        return FileRecord(digest=digest, result=name)

    def _result(self, path: Path) -> ReelResult:
        arguments = argparse.Namespace(**{**vars(self._arguments), "file": str(path)})
        host = opened_host(arguments, path.parent)
        name = file_name(path.stem)
        which = arguments.cues
        cues = wanted_cues(which, host) if which else marked_or_whole(host, name)
        _say(f"{path.name}: scoring {len(cues)} {'cue' if len(cues) == 1 else 'cues'}")
        wish = reel_wish(arguments, host, cues, path.parent / f"{name}-score", name)
        return score_with_sheet(wish, self._settings, _Told(path.name))[0]

    def _patient(self, name: str) -> bool:
        first = self._unread.setdefault(name, time.monotonic())
        return time.monotonic() - first < _PATIENCE_S

    def _failed(self, path: Path, digest: str, why: str) -> FileRecord:
        self._unread.pop(path.name, None)
        _say(f"{path.name}: failed: {why}")
        target = _error_path(path)
        if not target.exists() or _is_ours(target):
            write_atomically(target, f"{_ERROR_HEAD} {path.name} was not scored.\n{why}\n".encode())
        return FileRecord(digest=digest, error=why)

    def _trouble(self, text: str) -> None:
        if text != self._last_trouble:
            _say(text)
        self._last_trouble = text


class _Told:
    """A line when a cue is made."""

    def __init__(self, name: str) -> None:
        self._name = name

    def at(self, cue: str, stage: str, fraction: float) -> None:
        pass

    def ended(self, outcome: CueOutcome) -> None:
        _say(f"{self._name}: {outcome.cue.name} {outcome.state}")


def _say(text: str) -> None:
    result_console().print(f"{time.strftime('%H:%M:%S')} {text}", markup=False)


def _error_path(path: Path) -> Path:
    return path.with_name(f"{path.stem}.error.txt")


def _is_ours(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_ERROR_HEAD)) == _ERROR_HEAD.encode()
    except OSError:
        return False


def _forget_error(path: Path) -> None:
    if _is_ours(_error_path(path)):
        _error_path(path).unlink(missing_ok=True)
