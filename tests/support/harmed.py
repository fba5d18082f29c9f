"""A file of the cache, harmed in the ways that disks and people do."""

from __future__ import annotations

from pathlib import Path

HARMS = ("deleted", "truncated", "one bit", "garbage", "a folder")


def harm_file(path: Path, harm: str) -> None:
    """Harm a file by one of HARMS; by any other name it is deleted."""
    data = path.read_bytes()
    path.unlink()
    if harm == "truncated":
        path.write_bytes(data[: len(data) // 2])
    elif harm == "one bit":
        path.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
    elif harm == "garbage":
        path.write_bytes(b"\x00\xff{" * 50)
    elif harm == "a folder":
        path.mkdir()
