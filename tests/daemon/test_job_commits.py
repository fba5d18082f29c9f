"""Group commit: many jobs that come together share few trips to the disk, and none is acknowledged
before its own."""

from __future__ import annotations

import sqlite3
import struct
import threading
from pathlib import Path

from tests.support.daemons import Home, request, wait_until

CLIENTS, JOBS_EACH = 12, 10


def commits(log: Path) -> int:
    """How many transactions SQLite's write-ahead log holds (sqlite.org/fileformat2.html, 4.1)."""
    data = log.read_bytes()
    page = struct.unpack_from(">I", data, 8)[0]
    salt = data[16:24]
    heads = range(32, len(data) - page - 23, 24 + page)
    # The last frame of a transaction says how large the database is then.
    return sum(data[at + 4 : at + 8] != bytes(4) and data[at + 8 : at + 16] == salt for at in heads)


def test_jobs_sent_together_share_commits(own_home: Home, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    table, log = (own_home.folder / "data" / f"jobs.sqlite3{end}" for end in ("", "-wal"))
    with own_home.connect() as client:
        blocker = client.submit_score(request(until=str(gate)))
        wait_until(lambda: client.job(blocker).stage == "Waiting")
        # Begin with an empty log, which then holds all that follows.
        own = sqlite3.connect(table)
        own.execute("pragma wal_checkpoint(truncate)")
        own.close()
        together = threading.Barrier(CLIENTS)
        accepted: list[str] = []

        def submit(number: int) -> None:
            with own_home.connect() as one:
                together.wait()
                for seed in range(JOBS_EACH):
                    accepted.append(one.submit_score(request(seed=100 * number + seed)))

        threads = [threading.Thread(target=submit, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        taken = commits(log)
        own_home.kill()
        kept = {job_id for job_id, _, _ in own_home.job_rows()}
    assert len(set(accepted)) == CLIENTS * JOBS_EACH
    assert kept == {blocker, *accepted}
    # Each client sends its next job once its last is acknowledged, so ten are the least.
    # On a busy machine the clients come apart.
    assert JOBS_EACH <= taken <= CLIENTS * JOBS_EACH // 2
