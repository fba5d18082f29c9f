"""A processor's memory that runs out while a model is read is said to have, by a real limit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("transformers", reason="the extra 'models' is not installed")

from safetensors.torch import save_file  # noqa: E402

pytestmark = [
    pytest.mark.models,
    pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's"),
]

CHILD = """
import resource, sys
from pathlib import Path
from safetensors import safe_open
import torch
from musiscene_daemon.residency.oom import attempted, is_out_of_memory

file = Path(sys.argv[1])
sizes = Path("/proc/self/statm").read_text().split()
# Room for one mapping of the file, and not for the second that its tensors lie in.
room = int(sizes[0]) * resource.getpagesize() + file.stat().st_size * int(sys.argv[2]) // 10
resource.setrlimit(resource.RLIMIT_AS, (room, room))
try:
    safe_open(file, framework="pt")
except Exception as error:
    assert is_out_of_memory(error), repr(error)
    print(type(error).__name__)
assert attempted(lambda: safe_open(file, framework="pt")) == ()
assert attempted(lambda: torch.zeros(1 << 30)) == ()
"""


@pytest.mark.parametrize(
    ("tenths", "error"),
    [pytest.param(5, "MemoryError", marks=pytest.mark.slow), (15, "RuntimeError")],
)
def test_a_file_that_cannot_be_mapped_is_memory_that_ran_out(
    tmp_path: Path, tenths: int, error: str
) -> None:
    file = tmp_path / "model.safetensors"
    save_file({"weight": torch.zeros(64 << 20)}, file)
    arguments = (sys.executable, "-c", CHILD, str(file), str(tenths))
    done = subprocess.run(arguments, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == error
