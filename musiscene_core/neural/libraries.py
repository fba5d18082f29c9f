"""torch's libraries, read from disk while other threads go on.

Python reads an extension module's libraries with every thread held up: hundreds of megabytes, and
gigabytes where they are CUDA's. Knows no torch.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
from pathlib import Path

_GLOBAL, _ALL = "libtorch_global_deps.so", "libtorch.so"


def read_torch() -> None:
    """Have the system read what `import torch` would: that finds it there then.

    Does nothing where torch is loaded or missing, or libraries have other names.
    """
    if sys.platform != "linux" or "torch" in sys.modules:
        return
    found = importlib.util.find_spec("torch")
    if found is None or found.origin is None:
        return
    folder = Path(found.origin).parent / "lib"
    # As a foreign function: Python's own way to open one holds every thread up.
    opened = ctypes.CDLL(None).dlopen
    opened.argtypes, opened.restype = (ctypes.c_char_p, ctypes.c_int), ctypes.c_void_p
    # In torch's own order and ways; where the first needs help, torch knows which.
    for name, way in ((_GLOBAL, ctypes.RTLD_GLOBAL), (_ALL, ctypes.RTLD_LOCAL)):
        if not opened(os.fsencode(folder / name), way | os.RTLD_NOW):
            return
