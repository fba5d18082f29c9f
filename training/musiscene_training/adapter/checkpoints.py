"""Checkpoints: all that a training goes on from, whole on the disk or not there at all.

    checkpoints/step-00000120/trained.safetensors       what trains
    checkpoints/step-00000120/optimiser.safetensors     its moments, and torch's random state
    checkpoints/step-00000120/state.json

Each is written beside the others under another name, flushed, and renamed: a crash leaves the ones
before. Two are kept, since a disk may damage one.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import msgspec
import torch
from torch import Tensor, nn

from musiscene_core.codec import read_json, to_json
from musiscene_core.errors import InputError, ModelError, OutputError
from musiscene_core.neural.tensors import read, read_all, shapes_in, write

CHECKPOINTS = "checkpoints"
BEST_FILE = "best.safetensors"
_TRAINED = "trained.safetensors"
_OPTIMISER = "optimiser.safetensors"
_STATE = "state.json"
_RANDOM = "random"
_KEPT = 2

_log = logging.getLogger(__name__)


class State(msgspec.Struct, frozen=True, kw_only=True):
    """How far a training is.

    Attributes:
        step: steps done.
        best_loss: of all validations; None before the first.
        best_step: after which it was found.
        worse: validations since that were no better.
        ended: whether it ended early, since it got no better.
    """

    step: int = 0
    best_loss: float | None = None
    best_step: int = 0
    worse: int = 0
    ended: bool = False


def save(
    folder: Path,
    state: State,
    trained: Mapping[str, nn.Parameter],
    optimiser: torch.optim.Optimizer,
) -> None:
    """Write a checkpoint and drop the oldest ones.

    Raises:
        OutputError: no space or no permission; the checkpoints before are as they were.
    """
    place = folder / CHECKPOINTS
    target = place / f"step-{state.step:08d}"
    work = place / f".{target.name}"
    try:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        write(work / _TRAINED, {name: one.detach() for name, one in trained.items()})
        write(work / _OPTIMISER, _moments(trained, optimiser))
        (work / _STATE).write_bytes(to_json(state))
        for path in work.iterdir():
            _flush(path)
        if target.exists():
            shutil.rmtree(target)
        os.rename(work, target)
        _flush(place)
    except OSError as error:
        raise OutputError.from_os(error, target) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for old in _all(folder)[_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)


def restore(
    folder: Path, trained: Mapping[str, nn.Parameter], optimiser: torch.optim.Optimizer
) -> State:
    """Go on from the newest checkpoint that can be read; from the beginning where there is none.

    Raises:
        ModelError: there are some, and none can be read.
    """
    damaged: list[str] = []
    for path in _all(folder):
        try:
            state = read_json(path / _STATE, State)
            own = read(path / _TRAINED, shapes_in(dict(trained)))
            moments = read_all(path / _OPTIMISER)
            _put_back(trained, optimiser, own, moments)
        except (InputError, KeyError) as error:
            _log.warning("The checkpoint %s cannot be read: %s", path, error)
            damaged.append(path.name)
            continue
        return state
    if damaged:
        raise ModelError(
            f"No checkpoint of {folder} can be read: {', '.join(damaged)}.",
            hint=f"Remove {folder / CHECKPOINTS} to begin again.",
        )
    return State()


def save_best(folder: Path, trained: Mapping[str, nn.Parameter]) -> None:
    """Keep what has the best validation so far.

    Raises:
        OutputError: no space or no permission; the best before is as it was.
    """
    target, work = folder / BEST_FILE, folder / f".{BEST_FILE}"
    try:
        write(work, {name: one.detach() for name, one in trained.items()})
        _flush(work)
        os.replace(work, target)
    except OSError as error:
        raise OutputError.from_os(error, target) from error
    finally:
        work.unlink(missing_ok=True)


def restore_best(folder: Path, trained: Mapping[str, nn.Parameter]) -> None:
    """Take what had the best validation.

    Raises:
        ModelError: it cannot be read.
    """
    own = read(folder / BEST_FILE, shapes_in(dict(trained)))
    with torch.no_grad():
        for name, parameter in trained.items():
            parameter.copy_(own[name])


def _all(folder: Path) -> list[Path]:
    """Checkpoints, the newest first."""
    return sorted((folder / CHECKPOINTS).glob("step-*"), reverse=True)


def _moments(
    trained: Mapping[str, nn.Parameter], optimiser: torch.optim.Optimizer
) -> dict[str, Tensor]:
    found = {_RANDOM: torch.get_rng_state()}
    if torch.cuda.is_available():
        found[f"{_RANDOM}.cuda"] = torch.cuda.get_rng_state()
    for name, parameter in trained.items():
        for what, value in optimiser.state.get(parameter, {}).items():
            found[f"{what}/{name}"] = torch.as_tensor(value)
    return found


def _put_back(
    trained: Mapping[str, nn.Parameter],
    optimiser: torch.optim.Optimizer,
    own: Mapping[str, Tensor],
    moments: Mapping[str, Tensor],
) -> None:
    with torch.no_grad():
        for name, parameter in trained.items():
            parameter.copy_(own[name])
    numbers = {parameter: number for number, parameter in enumerate(_parameters(optimiser))}
    names = {name: numbers[parameter] for name, parameter in trained.items()}
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in moments.items():
        what, _, name = key.partition("/")
        if name:
            state.setdefault(names[name], {})[what] = value
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})
    torch.set_rng_state(moments[_RANDOM])
    if torch.cuda.is_available() and f"{_RANDOM}.cuda" in moments:
        torch.cuda.set_rng_state(moments[f"{_RANDOM}.cuda"])


def _parameters(optimiser: torch.optim.Optimizer) -> list[nn.Parameter]:
    return [parameter for group in optimiser.param_groups for parameter in group["params"]]


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
