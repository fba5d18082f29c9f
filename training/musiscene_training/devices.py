"""Where models run that only listen; and a GPU that is full, or lost, as an error.

The error says what to do next. Importing this loads no torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from musiscene_core.errors import EngineError

ON_THE_PROCESSOR = "Or set CUDA_VISIBLE_DEVICES to nothing, and the processor does it."
"""What else helps where `fastest` chose."""
GOES_ON = "What is done is kept; run the same command again to go on."
_FULL = ("out of memory", "OUT_OF_MEMORY", "ALLOC_FAILED")
_LOST = ("CUDA error", "device-side assert", "HIP error", "cudaError", "CUDNN_STATUS")


def fastest() -> str:
    """A GPU where torch sees one, else the processor; named as torch does."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


@contextmanager
def device_in_words(
    again: str, less: str = "Free some of it, or take a smaller model."
) -> Iterator[None]:
    """Within it, what torch raises for a device becomes an EngineError.

    Args:
        again: what the same command does when it is run again.
        less: what needs less of the device's memory.
    """
    try:
        yield
    except RuntimeError as error:
        first = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        if any(words in str(error) for words in _FULL):
            raise EngineError(
                f"The GPU's memory does not suffice: {first[:200]}.", hint=f"{less} {again}"
            ) from error
        if any(words in str(error) for words in _LOST):
            raise EngineError(f"The GPU failed: {first[:200]}.", hint=again) from error
        raise
