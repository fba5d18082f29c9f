"""The engines that work through audiocraft's environment. Describing one starts nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from musiscene_core.cue import STEM_ROLES, Cue
from musiscene_core.environments.places import folder_of, interpreter_of
from musiscene_core.errors import EngineError
from musiscene_core.models.places import models_folder, size_of
from musiscene_core.progress import Portion, Progress
from musiscene_core.protocol.state import EngineInfo
from musiscene_core.request import ScoreRequest
from musiscene_core.take import Provenance, Take
from musiscene_core.whole_files import file_sha256
from musiscene_daemon.engines.apart.process import ChildProcess
from musiscene_daemon.engines.audiocraft import finding
from musiscene_daemon.engines.audiocraft.sounds import (
    HANDED,
    Floats,
    hand_over,
    joined,
    take_back,
)
from musiscene_daemon.engines.cuda_devices import cuda_devices
from musiscene_daemon.residency.devices import Device
from musiscene_daemon.residency.models import ModelSpec
from musiscene_daemon.residency.residents import Residents

ENVIRONMENT = "audiocraft"
VERSION = "1"
MEND = "Run `musiscene setup audiocraft --repair`."
CHILD = Path(__file__).with_name("audiocraft_child.py")
_BESIDE_BYTES = 3 << 30
"""The framework itself, text encoder, work."""
_OVERLAP_S = 1.0
_SEED_STRIDE = 1_000_003
"""Between the seeds of two windows of one take, so that takes share none."""


@dataclass
class LoadedModel:
    """A child with a model in its memory, started again where it was killed.

    Attributes:
        folder: the model's.
        device: where it is to run, in the child's words.
        child: the process; None before the first use.
        window_s: the longest piece it makes at a time.
    """

    kind: str
    folder: Path
    device: str
    child: ChildProcess | None = None
    window_s: float = 0.0

    def ready(self, progress: Progress) -> ChildProcess:
        """The child, with the model loaded."""
        if self.child is not None and self.child.alive:
            return self.child
        python = interpreter_of(folder_of(ENVIRONMENT))
        if python is None:
            raise EngineError("audiocraft's environment has no interpreter.", hint=MEND)
        command: list[str | Path] = [python, "-s", "-E", "-u", CHILD]
        child = ChildProcess(
            command, progress, mend=MEND, environment={"PYTHONIOENCODING": "utf-8"}
        )
        given = {"kind": self.kind, "model": str(self.folder), "device": self.device}
        try:
            about = child.ask("load", given, self.folder, progress)
        except BaseException:
            child.close()
            raise
        self.child, self.window_s = child, float(about["window_s"])
        return child

    def close(self) -> None:
        """End the child, and free what it holds."""
        if self.child is not None:
            self.child.close()


class AudiocraftEngine:
    """What the three share: a model's folder, a child, and the way to a take."""

    name = kind = prefix = description = ""
    max_length_s = 300.0
    chords = reference_audio = False
    continues = False
    """Whether the model itself goes on past its window."""

    def __init__(self) -> None:
        self._residents = Residents()

    def use_models(self, residents: Residents) -> None:
        """Keep where models live."""
        self._residents = residents
        residents.add_devices(cuda_devices)

    def describe(self) -> EngineInfo:
        """What it is and can do, and what it lacks."""
        known = finding.choices(self.prefix)
        models = [finding.model_of(*one, chords=self.chords) for one in known.items()]
        return EngineInfo(
            name=self.name,
            version=VERSION,
            description=self.description,
            max_length_s=self.max_length_s,
            stems=STEM_ROLES,
            hit_points=True,
            licence=finding.LICENCE,
            commercial_use=False,
            reference_audio=self.reference_audio,
            lacks=self._lacks() or (models[0].problem if models else self._no_weights()),
            models=tuple(models),
        )

    def score(
        self, request: ScoreRequest, seed: int, name: str, folder: Path, progress: Progress
    ) -> Take:
        """Generate one take into `folder`."""
        if lacks := self._lacks():
            raise EngineError(f"{self.name} cannot be used: {lacks}")
        known = finding.choices(self.prefix)
        if not known or (request.model and request.model not in known):
            raise EngineError(self._no_weights())
        # Seconds of imports, which a worker that does nothing need not spend.
        from musiscene_core.composing.compose import compose
        from musiscene_daemon.engines.delivery import Made, deliver

        title = request.model or next(iter(known))
        progress("Planning the music", 0.0)
        plan = compose(request, seed)
        part = Portion(progress, 0.0, 0.1)
        with self._residents.use(self._spec(title, known[title]), part) as model:
            model.ready(part)
            audio, rate, prompts, warnings = self._made(
                model, request, plan, seed, folder, Portion(progress, 0.1, 0.85)
            )
        for path in folder.glob(f"*{HANDED}"):
            path.unlink()
        weights = known[title] / finding.WEIGHTS
        about = weights.stat()
        provenance = Provenance(
            engine=self.name,
            engine_version=VERSION,
            model=title,
            model_hash=_sha256(weights, about.st_size, about.st_mtime_ns),
            seed=seed,
            prompt=" | ".join(dict.fromkeys(prompts)),
            licence="CC-BY-NC-4.0",
        )
        made = Made(audio, rate, provenance, warnings, plan, follows=self.chords)
        return deliver(request, made, name, folder, Portion(progress, 0.85, 1.0))

    def conditions(
        self, request: ScoreRequest, seed: int, folder: Path, progress: Progress
    ) -> tuple[Callable[[Cue, float, float], dict[str, Any]], tuple[str, ...]]:
        """What a child is told of a window beside its prompt, and warnings; made once a take."""
        return (lambda plan, start_s, end_s: {}), ()

    def _made(
        self,
        model: LoadedModel,
        request: ScoreRequest,
        plan: Cue,
        seed: int,
        folder: Path,
        progress: Progress,
    ) -> tuple[Floats, int, list[str], tuple[str, ...]]:
        from musiscene_daemon.engines.musicgen.prompts import prompt_of

        further, warnings = self.conditions(request, seed, folder, Portion(progress, 0.0, 0.1))
        length_s = request.length_seconds
        window_s = length_s if self.continues else model.window_s
        spans = spans_over(length_s, window_s, _OVERLAP_S)
        pieces: list[Floats] = []
        prompts, rate = [], 0
        child = model.ready(progress)
        for number, (start_s, end_s) in enumerate(spans):
            beat = plan.tempo.beat(min(length_s, (start_s + end_s) / 2))
            section = next((one for one in reversed(plan.sections) if one.start <= beat), None)
            prompts.append(
                prompt_of(request, plan, () if self.continues or section is None else (section,))
            )
            given = {
                "prompt": prompts[-1],
                "seconds": end_s - start_s,
                "seed": (seed + number * _SEED_STRIDE) % 2**32,
                **further(plan, start_s, end_s),
            }
            done = 0.1 + 0.9 * number / len(spans)
            part = Portion(progress, done, done + 0.9 / len(spans))
            piece, rate = take_back(folder, child.ask("generate", given, folder, part))
            pieces.append(piece)
        return joined(pieces, round(_OVERLAP_S * rate)), rate, prompts, warnings

    def _lacks(self) -> str:
        if interpreter_of(folder_of(ENVIRONMENT)) is None:
            return "Its environment is not there: run `musiscene setup audiocraft`."
        return ""

    def _no_weights(self) -> str:
        return (
            f"No weights were found: `musiscene models list` names those of {self.name} that can be"
            f" pulled; or put the folder of a facebook/{self.prefix} model, in audiocraft's own"
            f" format, into {models_folder()}."
        )

    def _spec(self, title: str, folder: Path) -> ModelSpec[LoadedModel]:
        def load(device: Device, progress: Progress) -> LoadedModel:
            # A daemon without torch sees no GPU; its child may.
            model = LoadedModel(self.kind, folder, "auto" if device.kind == "cpu" else device.name)
            model.ready(progress)
            return model

        return ModelSpec(
            name=f"{self.name} {title}",
            bytes=2 * size_of(folder) + _BESIDE_BYTES,
            load=load,
            unload=LoadedModel.close,
            place="gpu_or_cpu",
        )


class StyleEngine(AudiocraftEngine):
    """MusicGen-Style: words and the style of the temp track."""

    name, kind, prefix = "audiocraft-style", "style", "musicgen-style"
    description = "Music from the caption in the style of the temp track, by MusicGen-Style."
    reference_audio = continues = True

    def conditions(
        self, request: ScoreRequest, seed: int, folder: Path, progress: Progress
    ) -> tuple[Callable[[Cue, float, float], dict[str, Any]], tuple[str, ...]]:
        """The reference."""
        from musiscene_daemon.engines.audiocraft.reference import RATE, reference

        heard = reference(request)
        if heard is None:
            return (lambda plan, start_s, end_s: {}), (
                "There is no temp track to take a style from; the words alone steer.",
            )
        sound = hand_over(folder, f"reference{HANDED}", heard, RATE)
        return (lambda plan, start_s, end_s: {"reference": sound}), ()


class JascoEngine(AudiocraftEngine):
    """JASCO: words, and the composer's chords, drums and melody at their times."""

    name, kind, prefix = "jasco", "jasco", "jasco-chords-drums"
    description = "Renders the composer's chords, drums and melody at their times, by JASCO."
    chords = True

    def conditions(
        self, request: ScoreRequest, seed: int, folder: Path, progress: Progress
    ) -> tuple[Callable[[Cue, float, float], dict[str, Any]], tuple[str, ...]]:
        """The composer's sketch, cut to each window."""
        from musiscene_core.timecode import SAMPLE_RATE
        from musiscene_daemon.engines.audiocraft import conditions

        drums = conditions.drums(request, seed, folder, progress)

        def of(plan: Cue, start_s: float, end_s: float) -> dict[str, Any]:
            given: dict[str, Any] = {
                "chords": conditions.chords_in(plan, start_s, end_s),
                "melody": conditions.melody_in(plan, start_s, end_s),
            }
            if drums is not None:
                part = drums[:, round(start_s * SAMPLE_RATE) : round(end_s * SAMPLE_RATE)]
                given["drums"] = hand_over(folder, f"drums{HANDED}", part, SAMPLE_RATE)
            return given

        return of, ()


class MagnetEngine(AudiocraftEngine):
    """MAGNeT: words, all tokens of a window at once."""

    name, kind, prefix = "magnet", "magnet", "magnet"
    description = "Music from the caption, a whole window at once, by MAGNeT."


def spans_over(length_s: float, window_s: float, overlap_s: float) -> list[tuple[float, float]]:
    """Windows that cover [0, length_s), each beginning `overlap_s` before the last one ends."""
    spans = [(0.0, window_s)]
    while spans[-1][1] < length_s:
        start_s = spans[-1][1] - min(overlap_s, window_s / 2)
        spans.append((start_s, start_s + window_s))
    return spans


@lru_cache(maxsize=8)
def _sha256(path: Path, size: int, changed_ns: int) -> str:
    """Of a file; kept as long as its size and time stay."""
    return file_sha256(path)
