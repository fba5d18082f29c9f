"""The log of a training as others read it while it is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from musiscene_training.adapter.journal import LOG_FILE, last_step


def line(event: str, step: int, **more: object) -> bytes:
    return json.dumps({"event": event, "step": step, **more}).encode() + b"\n"


@pytest.mark.parametrize(
    ("written", "step"),
    [
        (b"", None),
        (line("begin", 0), None),
        (line("step", 1) + line("step", 2) + line("listen", 2), 2),
        (line("step", 7) + line("step", 8)[:9], 7),
        # What is looked at begins within a line; one longer than that hides what is before it.
        (line("step", 1, words="x" * 40_000) * 3 + line("step", 9), 9),
        (line("step", 3) + line("step", 4, words="x" * 70_000), None),
    ],
)
def test_the_last_step_is_found_near_the_end(
    tmp_path: Path, written: bytes, step: int | None
) -> None:
    assert last_step(tmp_path) is None
    (tmp_path / LOG_FILE).write_bytes(written)
    found = last_step(tmp_path)
    assert (None if found is None else found["step"]) == step
