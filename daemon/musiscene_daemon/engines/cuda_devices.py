"""CUDA devices as torch tells of them, for engines that use torch.

torch is looked for only when a model is first wanted. What is not run by the tests, for want of
torch and a GPU there: every call into torch; they see a stand-in with torch's names instead.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from musiscene_daemon.residency.devices import DeviceKind


class CudaDevice:
    """One GPU, by its visible index: CUDA_VISIBLE_DEVICES says which those are."""

    kind: DeviceKind = "gpu"

    def __init__(self, cuda: Any, index: int) -> None:
        """The device `index` of `cuda`, the module torch.cuda."""
        self._cuda = cuda
        self._index = index
        self.name = f"cuda:{index}"

    @property
    def total_bytes(self) -> int:
        """All its memory."""
        return int(self._cuda.mem_get_info(self._index)[1])

    def free_bytes(self) -> int:
        """What the driver has, and what torch keeps in reserve for this process."""
        reserve = self._cuda.memory_reserved(self._index) - self._cuda.memory_allocated(self._index)
        return int(self._cuda.mem_get_info(self._index)[0] + reserve)

    def release(self) -> None:
        """Hand torch's reserve back to the driver."""
        with self._cuda.device(self._index):
            self._cuda.empty_cache()


def cuda_devices() -> tuple[CudaDevice, ...]:
    """The visible GPUs; none where torch is not installed or sees none."""
    if importlib.util.find_spec("torch") is None:
        return ()
    cuda = importlib.import_module("torch").cuda
    if not cuda.is_available():
        return ()
    return tuple(CudaDevice(cuda, index) for index in range(cuda.device_count()))
