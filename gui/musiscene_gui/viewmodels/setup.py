"""SetupModel: what can be set up, what of it is there, and how the setting up goes. No Qt.

Everything works without any of it. All but the daemon is set up by a command of `musiscene`, in a
process of its own: a line that begins "42 %" says how far it is, any other what it is
at. A command that was stopped goes on where it was when it is run again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal, Protocol, get_args

from musiscene_core.errors import MusiSceneError, OutputError
from musiscene_core.paths import data_folder
from musiscene_gui.viewmodels.connection import ConnectionModel
from musiscene_gui.viewmodels.observable import Signal
from musiscene_gui.viewmodels.settings import Store

StepName = Literal["daemon", "resolve", "demo", "captions", "musicgen", "audiocraft", "gpu"]
StepState = Literal["ready", "missing", "byhand", "running", "failed", "unknown"]
"""byhand: `detail` says what to do, as this installation has no command for it."""
STEPS: tuple[StepName, ...] = get_args(StepName)
COMMANDS: Mapping[StepName, tuple[str, ...]] = MappingProxyType(
    {
        "resolve": ("setup", "resolve", "--json"),
        "demo": ("demo", "--film"),
        "captions": ("models", "pull", "mullama", "--yes"),
        "musicgen": ("models", "pull", "musicgen", "--yes"),
        "audiocraft": ("setup", "audiocraft"),
        "gpu": ("setup", "gpu"),
    }
)
"""What sets a step up; those that this installation does not have are not offered. Beside a model's
button stands its licence: pressing it accepts that."""
_ALWAYS: tuple[StepName, ...] = ("resolve", "demo")
_FRACTION = re.compile(r"\s*(\d{1,3})(?:[.,]\d+)?\s?%\s*(.*)")
_LISTED = 40
_COMMAND_AGAIN = re.compile(r"\s*Run the command again\b[^.]*\.")


@dataclass(frozen=True)
class Step:
    """One thing that can be set up.

    Attributes:
        name: which.
        state: see StepState.
        detail: what is there, what is missing, or what is being done.
        fraction: how far it is, 0 to 1; None where nobody can say.
        error: why it could not be set up.
    """

    name: StepName
    state: StepState = "unknown"
    detail: str = ""
    fraction: float | None = None
    error: MusiSceneError | None = None


class Runner(Protocol):
    """Runs commands of `musiscene`, each in a process of its own."""

    def run(
        self,
        arguments: Sequence[str],
        said: Callable[[str], object],
        ended: Callable[[int, str], object],
    ) -> Callable[[], object]:
        """Start one. `said` hears each line, `ended` the exit code and what went wrong.

        Returns:
            What stops it.
        """


class SetupModel:
    """The steps.

    Attributes:
        changed: emits nothing, when a step stands otherwise.
        film_ready: emits the path of the demo film, once it is there because somebody asked.
    """

    def __init__(self, connection: ConnectionModel, runner: Runner, store: Store) -> None:
        self.changed, self.film_ready = Signal(), Signal()
        self._connection, self._runner, self._store = connection, runner, store
        self._there: dict[StepName, bool] = dict.fromkeys(_ALWAYS, True)
        self._working: dict[StepName, Step] = {}
        self._stops: dict[StepName, Callable[[], object]] = {}
        self._asked = False
        connection.changed.connect(self.changed.emit)

    @property
    def steps(self) -> tuple[Step, ...]:
        """How all of them stand."""
        return tuple(self.step(name) for name in STEPS)

    def step(self, name: StepName) -> Step:
        """How one stands."""
        return self._working.get(name) or self._found(name)

    def look(self) -> None:
        """Ask, once, which commands this installation has."""
        if self._asked:
            return
        self._asked = True
        for name, command in COMMANDS.items():
            if name not in _ALWAYS:
                self._ask_for(name, command[:2], command[2] if command[2:] else command[1])

    def _ask_for(self, name: StepName, words: Sequence[str], thing: str) -> None:
        """Whether there is such a command, and its help knows of `thing`."""
        lines: list[str] = []

        def ended(code: int, _: str) -> None:
            named = re.search(rf"\b{thing}\b", "\n".join(lines)) is not None
            self._there[name] = code == 0 and named
            self.changed.emit()

        self._runner.run((*words, "--help"), lines.append, ended)

    def begin(self, name: StepName) -> None:
        """Set one up, or go on with it."""
        if name == "daemon":
            self._connection.start()
            return
        if name in self._stops:
            return
        lines: list[str] = []

        def said(line: str) -> None:
            lines.append(line)
            del lines[:-_LISTED]
            found = _FRACTION.fullmatch(line)
            before = self._working[name]
            fraction = min(1.0, int(found[1]) / 100) if found else before.fraction
            words = (found[2] if found else line).strip()
            self._put(replace(before, fraction=fraction, detail=words or before.detail))

        def ended(code: int, problem: str) -> None:
            stopped = name not in self._stops
            self._stops.pop(name, None)
            self._working.pop(name, None)
            if code and not stopped:
                self._put(Step(name, "failed", error=_error(problem, lines)))
            else:
                if not code:
                    self._done(name, lines)
                self.changed.emit()

        self._working[name] = Step(name, "running")
        self.changed.emit()
        further = ("--output", str(demo_folder())) if name == "demo" else ()
        self._stops[name] = self._runner.run((*COMMANDS[name], *further), said, ended)

    def stop(self, name: StepName) -> None:
        """Stop one; begun again it goes on."""
        stop = self._stops.pop(name, None)
        if stop is not None:
            stop()

    def stop_all(self) -> None:
        """Stop all that is being set up."""
        for name in tuple(self._stops):
            self.stop(name)

    def _done(self, name: StepName, lines: Sequence[str]) -> None:
        if name == "demo":
            self.film_ready.emit(_last_path(lines))
        elif name == "resolve":
            self._store.write("scripts", "\n".join(_scripts(lines)))
        else:
            self._connection.refresh()

    def _found(self, name: StepName) -> Step:
        missing: StepState = "missing" if self._there.get(name) else "byhand"
        if name == "daemon":
            there = self._connection.state in ("ready", "resting")
            return Step(name, "ready" if there else "missing")
        if name == "demo":
            film = demo_folder() / "demo_film.mp4"
            return Step(name, "ready" if film.is_file() else missing, str(film.parent))
        if name == "resolve":
            scripts = list(filter(None, self._store.read("scripts").split("\n")))
            there = bool(scripts) and all(Path(script).is_file() for script in scripts)
            return Step(name, "ready" if there else missing, scripts[0] if there else "")
        status = self._connection.status
        if status is None:
            return Step(name)
        if name == "gpu":
            gpu = [one.device for one in status.captioners if one.device.startswith("cuda")]
            return Step(name, "ready" if gpu else missing, gpu[0] if gpu else "")
        lacks = {one.name: one.lacks for one in status.engines}
        lacks.update({one.name: one.needs for one in status.captioners})
        lacks.update({one.name: one.reason for one in status.broken_engines})
        needed = lacks.get("mullama" if name == "captions" else name)
        if needed == "":
            return Step(name, "ready")
        return Step(name, missing, needed or "")

    def _put(self, step: Step) -> None:
        self._working[step.name] = step
        self.changed.emit()


def demo_folder() -> Path:
    """Where the demo film is put."""
    return data_folder() / "demo"


def _error(problem: str, lines: Sequence[str]) -> MusiSceneError:
    words = problem.strip().removeprefix("musiscene: ") or "\n".join(lines[-3:]).strip()
    # Nobody typed a command here; the hint below says the same of the button.
    words = _COMMAND_AGAIN.sub("", words).replace("run the command again", "try again").strip()
    return OutputError(
        f"{words[:1].upper()}{words[1:]}" or "It ended without a word.",
        hint="Try again: it goes on where it stopped.",
    )


def _last_path(lines: Sequence[str]) -> str:
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _scripts(lines: Sequence[str]) -> list[str]:
    try:
        said = json.loads("\n".join(lines))
        return [str(path) for path in said["scripts"]]
    except (ValueError, TypeError, KeyError):
        return []
