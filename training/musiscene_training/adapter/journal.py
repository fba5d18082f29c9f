"""What a training writes down while it runs: a line of JSON an event, TensorBoard, plots.

The lines are the record; the rest is drawn from them. After a crash, lines past the checkpoint
that the training goes on from are taken out, so that each step stands there once.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from musiscene_core.codec import write_atomically
from musiscene_core.errors import OutputError

LOG_FILE = "log.jsonl"
TENSORBOARD = "tensorboard"
_NEAR_END_BYTES = 1 << 16
"""Many events long."""

_log = logging.getLogger(__name__)


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The events of a training, a torn last line left out."""
    try:
        lines = (folder / LOG_FILE).read_bytes().splitlines()
    except FileNotFoundError:
        return []
    events = []
    for line in lines:
        try:
            events.append(json.loads(line))
        except ValueError:
            _log.warning("A line of %s is torn and left out.", folder / LOG_FILE)
    return events


def last_step(folder: Path) -> dict[str, Any] | None:
    """The step told of last; looks near the log's end alone, however long the training."""
    try:
        with (folder / LOG_FILE).open("rb") as log:
            begin = max(0, log.seek(0, os.SEEK_END) - _NEAR_END_BYTES)
            log.seek(begin)
            lines = log.read().splitlines()
    except FileNotFoundError:
        return None
    for line in reversed(lines[1:] if begin else lines):
        try:
            event: dict[str, Any] = json.loads(line)
        except ValueError:
            # Torn: it is being written.
            continue
        if event["event"] == "step":
            return event
    return None


class Journal:
    """The log of one training, in its folder. One process writes it."""

    def __init__(self, folder: Path, step: int) -> None:
        """Open the log and drop what lies past `step` steps done.

        Raises:
            OutputError: no space or no permission.
        """
        kept = [event for event in read_log(folder) if event["step"] <= step]
        text = b"".join(_line(event) for event in kept)
        write_atomically(folder / LOG_FILE, text)
        self._path = folder / LOG_FILE
        try:
            self._file = self._path.open("ab", buffering=0)
        except OSError as error:
            raise OutputError.from_os(error, self._path) from error
        self._board = _board(folder / TENSORBOARD, step)

    def write(self, event: str, step: int, **values: Any) -> None:
        """Add a line, and every number in it to TensorBoard.

        Args:
            event: what kind, such as "step" or "validation".
            step: steps done.
            values: numbers, texts and lists of them.

        Raises:
            OutputError: the disk is full.
        """
        try:
            self._file.write(_line({"event": event, "step": step, **values}))
            if self._board is not None:
                for name, value in values.items():
                    if isinstance(value, int | float):
                        self._board.add_scalar(f"{event}/{name}", value, step)
        except OSError as error:
            raise OutputError.from_os(error, self._path) from error

    def close(self) -> None:
        """No more will be written."""
        self._file.close()
        if self._board is not None:
            self._board.close()


def _line(event: dict[str, Any]) -> bytes:
    return json.dumps(event, ensure_ascii=False).encode() + b"\n"


def _board(folder: Path, step: int) -> Any:
    """TensorBoard's writer; None where it is not installed, since the lines say the same."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    # Steps past this one were undone by a crash: its readers drop them too.
    return SummaryWriter(str(folder), purge_step=step + 1)


def plot(folder: Path, events: Sequence[dict[str, Any]]) -> list[Path]:
    """Draw loss, learning rate and speed over the steps, as PNG files.

    Raises:
        OutputError: no space or no permission.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    steps = [event for event in events if event["event"] == "step"]
    validations = [event for event in events if event["event"] == "validation"]
    drawn = []
    for name, label in (
        ("loss", "loss (nats a token, mean over rows)"),
        ("rate", "learning rate"),
        ("tokens_a_second", "tokens a second"),
    ):
        figure = Figure(figsize=(8, 4.5), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        axes.plot([one["step"] for one in steps], [one[name] for one in steps], label="training")
        if name == "loss" and validations:
            places = [one["step"] for one in validations]
            axes.plot(places, [one["loss"] for one in validations], "o-", label="validation")
            # Where a loss that falls leaves room; the best place would be searched for, for long.
            axes.legend(loc="upper right")
        axes.set_xlabel("step")
        axes.set_ylabel(label)
        path = folder / f"{name}.png"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            figure.savefig(path, dpi=120)
        except OSError as error:
            raise OutputError.from_os(error, path) from error
        drawn.append(path)
    return drawn
