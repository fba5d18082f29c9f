"""torch finds its libraries read already, and works as ever."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("torch", reason="the extra 'models' is not installed")

pytestmark = pytest.mark.models

CHILD = """
import sys
from pathlib import Path
from musiscene_core.neural.libraries import read_torch

def read():
    return "libtorch_cpu.so" in Path("/proc/self/maps").read_text()

assert not read()
read_torch()
assert read() and "torch" not in sys.modules
import torch
assert torch.ones(3).sum() == 3
assert torch.nn.functional.linear(torch.ones(2, 8), torch.ones(4, 8)).sum() == 64
read_torch()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere torch reads them itself")
def test_libraries_are_there_before_torch_is_and_it_uses_them() -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", CHILD], check=True, timeout=120)
