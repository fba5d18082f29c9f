"""A real, tiny engine that does as the request's caption tells it, faults included.

The caption is JSON of a `Script`; anything else means an empty one.
"""

from __future__ import annotations

import errno
import os
import signal
import time
import wave
from pathlib import Path

import msgspec

from musiscene_core.errors import RequestError
from musiscene_core.progress import Progress
from musiscene_core.protocol import EngineInfo
from musiscene_core.request import ScoreRequest
from musiscene_core.take import Provenance, Stem, Take


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """What to do.

    Attributes:
        steps: signs of progress.
        step_s: seconds of work before each.
        fault: happens half-way, on the attempts that `faulty` counts.
        faulty: how many attempts go wrong, by the lines in `diary`.
        diary: file to which each attempt adds a line.
        until: file to wait for before the first step.
        megabytes: of junk to write.
    """

    steps: int = 2
    step_s: float = 0.0
    fault: str = ""
    faulty: int = 99
    diary: str = ""
    until: str = ""
    megabytes: int = 0


class ScriptedEngine:
    """See the module."""

    name = "scripted"
    version = "7"
    repeatable = False

    def describe(self) -> EngineInfo:
        return EngineInfo(
            name=self.name,
            version=self.version,
            description="Does as it is told.",
            max_length_s=20.0,
            stems=("melody",),
            hit_points=False,
            licence="CC-BY-NC-4.0",
            commercial_use=False,
            repeatable=self.repeatable,
        )

    def score(
        self, request: ScoreRequest, seed: int, name: str, folder: Path, progress: Progress
    ) -> Take:
        script = _script(request)
        attempt = _write_diary(script)
        print("an engine may print; nothing may come of it", flush=True)
        progress("Listening", 0.0)
        while script.until and not Path(script.until).exists():
            progress("Waiting", 0.0)
            time.sleep(0.005)
        for step in range(script.steps):
            time.sleep(script.step_s)
            progress("Playing", step / script.steps)
            if script.fault and attempt <= script.faulty and step == script.steps // 2:
                _go_wrong(script.fault, folder)
        if script.megabytes:
            with open(folder / "junk", "wb") as junk:
                for _ in range(script.megabytes):
                    junk.write(os.urandom(1 << 20))
        (folder / "stems").mkdir()
        for path in (folder / "mix.wav", folder / "stems/melody.wav"):
            _write_silence(path, seed)
        timeline = request.brief.timeline
        return Take(
            name=name,
            cue=timeline.cue,
            rate=timeline.rate,
            record=timeline.record,
            length_samples=timeline.length_samples,
            mix="mix.wav",
            stems=(Stem(role="melody", path="stems/melody.wav", peak_dbfs=-200.0),),
            hits=(),
            loudness_lufs=-200.0,
            true_peak_dbtp=-200.0,
            provenance=Provenance(engine=self.name, engine_version=self.version, seed=seed),
        )


class RepeatableEngine(ScriptedEngine):
    """One whose takes need not be made twice."""

    name = "repeatable"
    repeatable = True


class HangingEngine:
    """An engine that never comes to an end of its beginning."""

    def __init__(self) -> None:
        time.sleep(3600)


class BrokenEngine:
    """An engine that lacks a library."""

    def __init__(self) -> None:
        raise ImportError("no module named 'hen'")


def _script(request: ScoreRequest) -> Script:
    text = getattr(request.brief.captions, request.caption_strategy).text
    try:
        return msgspec.json.decode(text, type=Script)
    except msgspec.MsgspecError:
        return Script()


def _write_diary(script: Script) -> int:
    if not script.diary:
        return 1
    with open(script.diary, "a+", encoding="utf-8") as diary:
        diary.write(f"{os.getpid()}\n")
        diary.flush()
        diary.seek(0)
        return len(diary.readlines())


def _go_wrong(fault: str, folder: Path) -> None:
    (folder / "half.wav").write_bytes(b"half")
    if fault == "die":
        os.write(2, b"the tape is torn\n")
        os.kill(os.getpid(), signal.SIGKILL)
    elif fault == "stuck":
        time.sleep(60)
    elif fault == "bug":
        raise ZeroDivisionError("counted to nothing")
    elif fault == "input":
        raise RequestError("The tempo is too odd.", hint="Take another one.")
    elif fault == "full":
        raise OSError(errno.ENOSPC, "No space left on device", str(folder / "mix.wav"))
    elif fault == "foreign":
        raise FileNotFoundError(errno.ENOENT, "No such file", "/elsewhere/model.bin")
    elif fault == "memory":
        raise MemoryError
    else:
        raise ValueError(f"no such fault: {fault}")


def _write_silence(path: Path, seed: int) -> None:
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(3)
        sound.setframerate(48_000)
        sound.writeframes(seed.to_bytes(3, "little") * 4)
