"""What every program of the bundle begins with: which one it is, its name says.

    musiscene ARGUMENTS, musiscened ARGUMENTS, musiscene-panel ARGUMENTS
    PROGRAM -m MODULE ARGUMENTS       runs a module of ours, as a Python interpreter would

MusiScene starts its own processes as `sys.executable -m MODULE`; in a bundle sys.executable is one
of these programs, so they understand it too, for modules of ours alone.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys
from pathlib import Path

PROGRAMS = {
    "musiscene": "musiscene_plugins.cli.main",
    "musiscened": "musiscene_daemon",
    "musiscene-panel": "musiscene_gui.main",
}
_OURS = "musiscene_"
_SEARCHED = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LIBPATH")


def give_back_library_paths() -> None:
    """Undo what the bundle's start did to the environment: what we start has libraries of its own.

    An ffmpeg, or the Python of an environment, would load the bundle's libraries otherwise.
    """
    for name in _SEARCHED:
        before = os.environ.pop(f"{name}_ORIG", None)
        if before is not None:
            os.environ[name] = before
        elif getattr(sys, "frozen", False):
            os.environ.pop(name, None)


def main() -> None:
    """Run what was asked for."""
    multiprocessing.freeze_support()
    give_back_library_paths()
    if len(sys.argv) > 2 and sys.argv[1] == "-m" and sys.argv[2].startswith(_OURS):
        module = sys.argv[2]
        del sys.argv[1:3]
    else:
        module = PROGRAMS[Path(sys.executable).stem]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
