"""A whole daemon, its home on a disk of 16 MB that fills up again and again."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from musiscene_core.errors import DaemonError, MusiSceneError, OutputError
from musiscene_core.protocol import Client
from tests.support.daemons import Home, home, request, wait_until
from tests.support.trials.figures import Figure, Say, skipped

_SIZE = "16m"
_WAITING = 5
_TEST = "full disk of 16 MB"


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """Mount a small file system at `folder`; False where that is not allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    if sys.platform != "linux":
        yield False
        return
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "none", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(path: Path) -> None:
    """Grow `path` until the disk is full."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"\0" * 4096):
            pass


def full_disk(folder: Path, rounds: int, say: Say) -> list[Figure]:
    """Fill the disk while jobs run and wait, kill the daemon, make room; so many times.

    Raises:
        AssertionError: work does not go on once there is room.
    """
    accepted: list[str] = []
    said: dict[str, int] = {}
    with small_disk(folder) as mounted:
        if not mounted:
            return skipped(_TEST, "may not mount a file system here")
        with home(folder) as place:
            for number in range(rounds):
                _round(place, number, accepted, said)
                say(f"{number + 1} of {rounds}, {len(accepted)} jobs accepted")
            rows = {job_id: state for job_id, state, _ in place.job_rows()}
            results, partials = place.results(), place.partials()
    done = {job_id for job_id, state in rows.items() if state == "done"}
    ended = Counter(rows.get(job_id, "lost") for job_id in accepted)
    whole = {name.rpartition("-")[2] for name in results} == done and not partials
    return [
        Figure(
            test=f"{_TEST} x {rounds}: refused in words",
            figure="; ".join(f"{count} x {words}" for words, count in sorted(said.items())),
            target="The disk is full, at each attempt",
            ok=bool(said) and all("disk is full" in words for words in said),
        ),
        Figure(
            test=f"{_TEST} x {rounds}: accepted jobs lost",
            figure=f"{ended['lost']} of {len(accepted)} ({ended['done']} done, {ended['failed']} "
            "that never fit failed)",
            target="0",
            ok=ended == {"done": len(accepted) - rounds, "failed": rounds},
        ),
        Figure(
            test=f"{_TEST} x {rounds}: partial files in the library",
            figure="0" if whole else f"{partials} {len(results)} results, {len(done)} done",
            target="0",
            ok=whole,
        ),
    ]


def _round(place: Home, number: int, accepted: list[str], said: dict[str, int]) -> None:
    gate, filler = place.folder / "gate", place.folder / "filler"
    with place.connect() as client:
        pid = client.status().pid
        waiting = [
            client.submit_score(request(until=str(gate), seed=100 * number + n))
            for n in range(_WAITING)
        ]
        accepted += waiting
        # A job that itself needs more than there is.
        large = client.submit_score(request(megabytes=32, seed=number))
        accepted.append(large)
        wait_until(lambda: client.job(waiting[0]).stage == "Waiting")
        fill(filler)
        _submit_until_refused(client, accepted, said)
        client.ping()
        assert client.status().pid == pid, "the full disk ended the daemon"
        assert not client.job(waiting[-1]).ended
    if number % 2:
        place.kill()
        # Whether it starts on a full disk or says why not, it must not lose anything.
        with suppress(MusiSceneError), place.connect(timeout_s=5.0) as client:
            client.status()
    filler.unlink()
    # Only now, as the gate too needs room.
    gate.touch()
    with place.connect() as client:
        for job_id in accepted:
            wait_until(lambda job_id=job_id: client.job(job_id).ended, within_s=30)  # type: ignore[misc]
        for job_id in waiting:
            assert client.job(job_id).state == "done", client.job(job_id)
        error = client.job(large).error
        assert error is not None, "16 MB cannot hold a result of 32"
        said[error.message] = said.get(error.message, 0) + 1
        assert client.score(request(seed=number))[0][0].name == "take-1"
    gate.unlink()
    wait_until(lambda: not place.partials())


def _submit_until_refused(client: Client, accepted: list[str], said: dict[str, int]) -> None:
    for seed in range(200):
        try:
            accepted.append(client.submit_score(request(padding="x" * 50_000, seed=seed)))
        except (OutputError, DaemonError) as error:
            said[error.message] = said.get(error.message, 0) + 1
            return
    raise AssertionError("a full disk took everything")
