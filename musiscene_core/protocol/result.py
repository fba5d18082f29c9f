"""What a client hands back when a job has ended well."""

from __future__ import annotations

import msgspec


class JobResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a finished job left on the disk.

    Attributes:
        job_id: the job.
        folder: absolute path; a brief's holds brief.json.
        takes: absolute paths, one folder a take, in order; empty for other kinds.
    """

    job_id: str
    folder: str
    takes: tuple[str, ...] = ()
