"""Clips got with the user's own command, some at a time, or found where they lie; all are probed.

The command runs without a shell. It writes into a folder of its own; what it leaves there is moved
to its place in one step, so that what lies there is whole, and is not got again after a kill.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from musiscene_core.errors import InputError, MediaError, OutputError
from musiscene_core.media import probe
from musiscene_training.vacad.clips import Clip, Outcome, Work
from musiscene_training.vacad.settings import Settings

_MOST_SAID = 300
"""Characters of what a command says of its failure."""


class Fetching:
    """Has each clip's file where the outcome says. Paths of files it got are inside the build."""

    def __init__(self, settings: Settings, build: Path) -> None:
        self._settings = settings
        self._folder = build / "fetched"
        self._build = build
        self._running: set[subprocess.Popen[bytes]] = set()
        self._ended = False

    def __call__(self, works: Sequence[Work]) -> list[Outcome]:
        """Get the clips.

        Raises:
            InputError: there is no such command.
            OutputError: no space or no permission.
        """
        with ThreadPoolExecutor(self._settings.jobs, thread_name_prefix="fetch") as pool:
            try:
                coming = [pool.submit(self._fetched, work.clip) for work in works]
                return [one.result() for one in coming]
            except BaseException:
                # One that is being started now is not among those running yet: it ends itself.
                self._ended = True
                pool.shutdown(wait=False, cancel_futures=True)
                for process in tuple(self._running):
                    _kill(process)
                raise

    def _fetched(self, clip: Clip) -> Outcome:
        try:
            if clip.sound is not None:
                _check(Path(clip.sound.path))
                return Outcome(id=clip.id, value=clip.sound.path)
            path = self._there(clip) or self._got(clip)
            _check(path)
        except (MediaError, _FailedError) as error:
            return Outcome(id=clip.id, problem=str(error))
        return Outcome(id=clip.id, value=path.relative_to(self._build).as_posix())

    def _there(self, clip: Clip) -> Path | None:
        return next(iter(sorted(self._folder.glob(f"{clip.key}.*"))), None)

    def _got(self, clip: Clip) -> Path:
        if not self._settings.fetch:
            raise _FailedError("No command was given to fetch it.")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self._folder, prefix=".coming-") as name:
                output = Path(name) / f"{clip.key}.{self._settings.ending}"
                self._run(self._words(clip, output))
                made = [path for path in Path(name).iterdir() if path.stem.startswith(clip.key)]
                if not made:
                    raise _FailedError("The command ended well and wrote no file.")
                largest = max(made, key=lambda path: path.stat().st_size)
                target = self._folder / f"{clip.key}{largest.suffix or '.media'}"
                os.replace(largest, target)
                return target
        except OSError as error:
            raise OutputError.from_os(error, self._folder) from error

    def _words(self, clip: Clip, output: Path) -> list[str]:
        values = {
            "{id}": clip.source,
            "{start}": f"{clip.start_s:g}",
            "{end}": f"{clip.end_s:g}",
            "{length}": f"{clip.end_s - clip.start_s:g}",
            "{output}": str(output),
        }
        words = list(self._settings.fetch)
        for name, value in values.items():
            words = [word.replace(name, value) for word in words]
        return words

    def _run(self, words: list[str]) -> None:
        try:
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise InputError(
                f"The command to fetch clips cannot be run: {words[0]}: {error.strerror}.",
                hint="Install it, or give another with --fetch.",
            ) from error
        self._running.add(process)
        if self._ended:
            _kill(process)
        try:
            _, said = process.communicate(timeout=self._settings.fetch_timeout_s)
        except subprocess.TimeoutExpired as error:
            waited = f"{self._settings.fetch_timeout_s:g} s"
            raise _FailedError(f"The command was ended after {waited}.") from error
        finally:
            self._running.discard(process)
            _kill(process)
            process.wait()
            if process.stderr is not None:
                process.stderr.close()
        if process.returncode:
            lines = said.decode(errors="replace").strip().splitlines() or ["it said nothing"]
            raise _FailedError(f"The command failed: {lines[-1][:_MOST_SAID]}")


class _FailedError(Exception):
    """A clip that cannot be had."""


def _check(path: Path) -> None:
    """Refuse what has no sound.

    Raises:
        MediaError: not there, unreadable, or silent by its making.
    """
    if not probe(path).audio:
        raise MediaError(f"{path.name} has no sound.", hint="Choose a file with music in it.")


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a command and what it started; whoever waits for it goes on."""
    if process.poll() is not None:
        return
    with suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def let_go(build: Path, values: Sequence[str]) -> None:
    """Delete fetched files that lie in tars now; the user's own are left alone."""
    for value in values:
        if not Path(value).is_absolute():
            (build / value).unlink(missing_ok=True)


def clear(build: Path) -> None:
    """Delete what commands had half written when they were killed."""
    for left in (build / "fetched").glob(".coming-*"):
        shutil.rmtree(left, ignore_errors=True)
