from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from musiscene_core.whole_files import blocks_of, file_sha256


@pytest.mark.parametrize("size", [0, 1, 4 << 20, (4 << 20) + 3])
def test_a_file_of_any_size_is_read_whole_and_known_by_its_bytes(tmp_path: Path, size: int) -> None:
    data = bytes(index % 251 for index in range(1000)) * (size // 1000 + 1)
    path = tmp_path / "weights.bin"
    path.write_bytes(data[:size])
    blocks = list(blocks_of(path))
    assert b"".join(blocks) == data[:size]
    assert all(len(block) <= 4 << 20 for block in blocks)
    assert file_sha256(path) == hashlib.sha256(data[:size]).hexdigest()


def test_a_file_that_is_gone_is_told_by_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        file_sha256(tmp_path / "none")
