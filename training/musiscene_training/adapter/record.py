"""The run record: what a training was made of, so that it can be made again."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

import msgspec

from musiscene_core.codec import read_json, to_json, write_atomically
from musiscene_core.errors import InputError, RequestError
from musiscene_training import holding
from musiscene_training.adapter.settings import Settings, differences

RECORD_FILE = "run.json"
_PACKAGES = ("musiscene", "torch", "transformers", "peft", "accelerate", "safetensors", "numpy")


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A training, as it was begun.

    Attributes:
        settings: its numbers, the seed among them.
        captioner: that it started from, as house packs know captioners.
        captioner_folder: where that lay.
        data_digest: of the rows that it uses, and of what was heard for them.
        rows: how many of each split, and how many were left out.
        trained: how many numbers train.
        code: the commit of MusiScene's code, where it runs from a checkout, or its version.
        packages: versions of what it computed with.
        hardware: processor or GPU, and how many processes.
    """

    settings: Settings
    captioner: str
    captioner_folder: str
    data_digest: str
    rows: dict[str, int]
    trained: int
    code: str
    packages: dict[str, str]
    hardware: dict[str, str]


def check_folder(folder: Path) -> None:
    """Refuse a folder in which other things lie.

    Raises:
        RequestError: they do, and no training.
        OutputError: it cannot be looked into.
    """
    holding.check_folder(folder, RECORD_FILE, "training")


def begin(folder: Path, record: Record) -> bool:
    """Write the record of a training, or make sure that the one there is of the same training.

    Returns:
        Whether it goes on with one that was begun before.

    Raises:
        RequestError: another training lies there; what differs is named.
        OutputError: no space or no permission.
    """
    path = folder / RECORD_FILE
    if not path.exists():
        check_folder(folder)
        write_atomically(path, to_json(record))
        return False
    before = read_record(folder)
    changed = differences(before.settings, record.settings)
    changed += ["the captioner is another one"] * (before.captioner != record.captioner)
    changed += ["the data are not the same"] * (before.data_digest != record.data_digest)
    if changed:
        raise RequestError(
            f"{folder} holds another training: {'; '.join(changed)}.",
            hint="Give what it was begun with to go on with it, or choose another --output.",
        )
    return True


def read_record(folder: Path) -> Record:
    """The record in a training's folder.

    Raises:
        RequestError: it cannot be read.
    """
    try:
        return read_json(folder / RECORD_FILE, Record)
    except InputError as error:
        raise RequestError(error.message, hint="Choose another folder with --output.") from error


def code_version() -> str:
    """The commit that runs, "+changes" where files differ from it; or the version installed."""
    command = ["git", "-C", str(Path(__file__).parent)]
    try:
        commit = subprocess.run(
            [*command, "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10, check=True
        ).stdout.strip()
        changed = subprocess.run(
            [*command, "status", "--porcelain", "--untracked-files=no"],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return package_versions().get("musiscene", "unknown")
    return f"{commit}+changes" if changed else commit


def package_versions() -> dict[str, str]:
    """Versions of the packages that figures depend on."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def hardware(device: str, processes: int) -> dict[str, str]:
    """What computes."""
    import torch

    gpu = torch.cuda.get_device_name() if device.startswith("cuda") else ""
    return {
        "device": gpu or platform.processor() or platform.machine(),
        "system": platform.platform(),
        "cores": str(os.cpu_count() or 1),
        "threads": str(torch.get_num_threads()),
        "processes": str(processes),
    }
