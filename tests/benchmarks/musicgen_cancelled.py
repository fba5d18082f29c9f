"""MusicGen's jobs cancelled at moments from their first to their last, in a real daemon.

    python -m tests.benchmarks.musicgen_cancelled [--folder FOLDER] [--cancels 12] [--takes 1]
        [--seconds 6] [--until SECONDS] [--keep] [--cold]

Each job of a model of MusicGen small's sizes (as in musicgen_cancel) is cancelled a little later
than the one before. Listed by stage: how long it took until the job was told to be cancelled, and
how often its worker was killed for it, which costs whoever asks next the loading of every model. At
last the same is scored, from first to last. The model is unloaded before each job, unless `--keep`.
With `--cold` the processor is prepared for the first time, and only once.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from musiscene_core.protocol import Client
from musiscene_core.request import ScoreRequest
from musiscene_daemon.engines.musicgen.finding import WEIGHTS_VARIABLE
from tests.benchmarks.musicgen_cancel import make, wish
from tests.support.daemons import home, wait_until

_ASKED_EVERY_S = 0.005
_ENDED = ("done", "failed", "cancelled")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--cancels", type=int, default=12)
    parser.add_argument("--takes", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--until", type=float, default=0.0, help="seconds of the last cancel")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--cold", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.folder or Path(scratch) / "musicgen-small"
        if not folder.is_dir():
            make(folder)
        os.environ[WEIGHTS_VARIABLE] = str(folder)
        if given.cold:
            os.environ["NUMBA_CACHE_DIR"] = str(Path(scratch) / "compiled")
        place = Path(scratch) / "home"
        place.mkdir()
        with home(place) as run, run.connect() as client:
            swept(client, wish(given.seconds, given.takes), given)
            print([line for line in run.log().splitlines() if "did not stop" in line])


def swept(client: Client, request: ScoreRequest, given: argparse.Namespace) -> None:
    """Cancel so many jobs and score one."""
    until_s = given.until
    if not until_s:
        begun = time.monotonic()
        client.score(request)
        until_s = time.monotonic() - begun
        print(f"the first took {until_s:.1f} s", flush=True)
        if given.keep:
            begun = time.monotonic()
            client.score(request)
            until_s = time.monotonic() - begun
            print(f"with its model in memory {until_s:.1f} s", flush=True)
    took: dict[str, list[float]] = defaultdict(list)
    lost: dict[str, int] = defaultdict(int)
    for number in range(given.cancels):
        if not given.keep:
            for model in client.models():
                client.unload(model.name)
            wait_until(lambda: client.models() == (), within_s=60)
        stage, taken_s, killed = cancelled(client, request, until_s * number / given.cancels)
        print(f"{stage or 'before the first'}: {taken_s:.2f} s{', killed' * killed}", flush=True)
        took[stage.split(" after ")[0]].append(taken_s)
        lost[stage.split(" after ")[0]] += killed
    print("\n| stage | cancels | longest s | workers killed |\n|---|---|---|---|")
    for stage, times in took.items():
        print(f"| {stage} | {len(times)} | {max(times):.2f} | {lost[stage]} |", flush=True)
    begun = time.monotonic()
    made = client.score(request)
    whole = all((folder / take.mix).is_file() for take, folder in made)
    print(f"\nthen {len(made)} takes in {time.monotonic() - begun:.1f} s, whole: {whole}")


def cancelled(client: Client, request: ScoreRequest, after_s: float) -> tuple[str, float, bool]:
    """Cancel a job so many seconds after it began.

    Returns:
        Its stage, the seconds that it took to end, and whether its worker was killed.
    """
    job_id = client.submit_score(request)
    wait_until(lambda: client.job(job_id).state != "queued", within_s=60)
    pids = [worker.pid for worker in client.status().workers]
    time.sleep(after_s)
    job = client.job(job_id)
    begun = time.monotonic()
    client.cancel(job_id)
    while client.job(job_id).state not in _ENDED:
        time.sleep(_ASKED_EVERY_S)
    taken_s = time.monotonic() - begun
    stage = job.stage if job.state == "running" else job.state
    killed = [worker.pid for worker in client.status().workers] != pids
    wait_until(lambda: all(worker.ready for worker in client.status().workers), within_s=60)
    return stage, taken_s, killed


if __name__ == "__main__":
    main()
