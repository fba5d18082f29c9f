"""A spotting job: signals, and beside them what models see and hear, each where one is set up.

Runs in the worker. Three threads: the picture is decoded in the first, frames are looked at in the
second, lines are written down in the third as soon as it is known where someone speaks. A stage
that is missing or fails is told in the brief and never fails the job; only cancelling does.
"""

from __future__ import annotations

import logging
import queue
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from musiscene_core.brief import (
    Caption,
    DialogueRegion,
    HowWritten,
    SceneBrief,
    SceneFrame,
    StageName,
    StageReport,
    mark_of,
)
from musiscene_core.errors import CancelledError, MusiSceneError
from musiscene_core.progress import Progress
from musiscene_core.protocol.licensing import intended_for, may_watch
from musiscene_core.spotting.chosen import WatchingModels, chosen
from musiscene_core.spotting.described import picture_caption
from musiscene_core.spotting.feeling import merged
from musiscene_core.spotting.keeping import Answer, Kept
from musiscene_core.spotting.seen import picture, sources
from musiscene_core.spotting.side_by_side import SideBySide
from musiscene_core.spotting.speech.kept import KeptSpeech
from musiscene_core.spotting.speech.lines import Heard, spoken_lines, subtitle_lines
from musiscene_core.spotting.speech.model import Waiting
from musiscene_core.spotting.spot import spot
from musiscene_core.spotting.vision.folders import ModelFolder, Use, look_into, question
from musiscene_core.timeline import TimelineRange
from musiscene_daemon.engines.cuda_devices import cuda_devices
from musiscene_daemon.residency.devices import Device
from musiscene_daemon.residency.models import ModelSpec
from musiscene_daemon.residency.residents import Residents
from musiscene_daemon.separating import FAILURES, Parted

if TYPE_CHECKING:
    from musiscene_core.spotting.vision.describing import Describer
    from musiscene_core.spotting.vision.judging import Judge

log = logging.getLogger(__name__)

T = TypeVar("T")
U = TypeVar("U")

_BATCH = 8
_AT_ONCE = 64
"""Pictures in memory at once: 22 MB of them."""
_ROOM = 1.3
"""For the work of one batch, beside the weights."""
_SIGNALS = 0.5
"""Share of the progress that signals get where a model looks or listens too."""
_ENABLES: dict[StageName, str] = {
    "vision": "No model describes frames. Set one up: musiscene watching use --vision FOLDER.",
    "emotion": "No model judges moods. Set one up: musiscene watching use --emotion FOLDER.",
}
_NO_FRAMES = "There is no picture to look at."


def watched(timeline: TimelineRange, residents: Residents, progress: Progress) -> SceneBrief:
    """Everything that can be known of a range by what is set up.

    Raises:
        MediaError: nothing of the picture can be decoded.
        CancelledError: `progress` raised it.
    """
    models, problem = _chosen(timeline)
    residents.add_devices(cuda_devices)
    looking, hearing = bool(models.vision or models.emotion), bool(models.speech)
    both = SideBySide(progress)
    signals = both.part(_SIGNALS if looking or hearing else 1.0)
    seeing = both.part(1 - _SIGNALS if looking else 0.0)
    # Lines take about as long as frames, beside which they are heard.
    listening = both.part(1 - _SIGNALS if hearing and not looking else 0.0, unnamed=True)
    looked = _Looking(timeline, residents, seeing)
    ahead: queue.SimpleQueue[int | None] = queue.SimpleQueue()
    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="watch") as pool:
        spoken: list[Future[Heard]] = []
        parted = Parted(timeline, residents)

        def hear(regions: Sequence[DialogueRegion]) -> None:
            heard = parted.timeline
            spoken.append(pool.submit(_heard, heard, regions, models, residents, listening))

        try:
            foreseen = pool.submit(looked.ahead, ahead, models) if looking else None
            brief = spot(timeline, signals, hear, ahead.put if looking else None, parted.part)
            ahead.put(None)
            if foreseen is not None:
                foreseen.result()
            frames, reports = looked.at(brief.frames, models)
            heard = spoken[0].result()
        except BaseException:
            both.stop()
            ahead.put(None)
            raise
    parting = (parted.report,) if parted.report is not None else ()
    curve = merged(brief.emotion_curve, frames, float(timeline.rate.fps))
    found = msgspec.structs.replace(
        brief,
        frames=frames,
        lines=heard.lines,
        stages=(*brief.stages, *reports, *parting, *heard.reports),
        emotion_curve=curve,
        warnings=(*brief.warnings, *problem),
    )
    words = picture_caption(found)
    if words is not None:
        captions = msgspec.structs.replace(found.captions, video=words)
        found = msgspec.structs.replace(found, captions=captions)
    progress("Writing the brief", 1.0)
    return found


def _chosen(timeline: TimelineRange) -> tuple[WatchingModels, tuple[str, ...]]:
    """The user's models, but for those that may not be used for what music is made for here."""
    try:
        models = chosen()
    except MusiSceneError as error:
        return WatchingModels(), (f"{error.message} No models were used.",)
    if intended_for(timeline) != "commercial":
        return models, ()
    # What parts dialogue from music is looked at where it is used, which captions do too.
    uses = ("vision", "emotion", "speech", "speakers")
    refused = {use: why for use in uses if (why := may_watch(getattr(models, use)))}
    return msgspec.structs.replace(models, **dict.fromkeys(refused, "")), tuple(refused.values())


def _heard(
    timeline: TimelineRange,
    regions: Sequence[DialogueRegion],
    models: WatchingModels,
    residents: Residents,
    progress: Progress,
) -> Heard:
    """What is said, by subtitles and the speech model that is set up."""
    if not models.speech:
        return spoken_lines(timeline, regions, progress=progress)
    from musiscene_core.spotting.speech.pyannote import Pyannote
    from musiscene_core.spotting.speech.whisper import Whisper, check_folder, known_by

    folder = Path(models.speech).expanduser()
    speakers = Path(models.speakers).expanduser() if models.speakers else None
    try:
        size = check_folder(folder)
        diariser = Pyannote(speakers, progress) if speakers else None
        spec: ModelSpec[Whisper] = ModelSpec(
            name=f"speech:{folder}",
            bytes=int(size * _ROOM),
            load=lambda device, _: Whisper(folder, device.name),
            place="gpu_or_cpu",
        )
        whisper = Waiting(folder.name, lambda: residents.use(spec, progress))
        kept = KeptSpeech(timeline, known_by(folder))
        return spoken_lines(timeline, regions, whisper, diariser, progress, kept)
    except CancelledError:
        raise
    except (MusiSceneError, *FAILURES) as error:
        failed = _failed("speech", folder.name, error)
        return Heard(subtitle_lines(timeline), (failed,))


class _Looking:
    """Models that look at the frames of one range."""

    def __init__(self, timeline: TimelineRange, residents: Residents, progress: Progress) -> None:
        self._timeline = timeline
        self._residents = residents
        self._progress = progress
        self._images: dict[int, object] = {}
        self._kept: dict[str, Kept] = {}

    def ahead(self, coming: queue.SimpleQueue[int | None], models: WatchingModels) -> None:
        """Look at frames while the picture is still being watched, until None comes.

        By one model only, so that two do not take turns in memory; what fails is told by `at`.
        """
        use: Use = "vision" if models.vision else "emotion"
        try:
            folder = look_into(models.vision or models.emotion, use)
            over = False
            while not over:
                numbers = [coming.get()]
                while len(numbers) < _BATCH and not coming.empty():
                    numbers.append(coming.get())
                over = None in numbers
                frames = tuple(SceneFrame(frame=n, shot=0) for n in numbers if n is not None)
                if frames and not over:
                    self._asked(frames, use, folder)
        except CancelledError:
            raise
        except (MusiSceneError, *FAILURES) as error:
            log.info("frames are not looked at ahead: %s", error)

    def at(
        self, frames: tuple[SceneFrame, ...], models: WatchingModels
    ) -> tuple[tuple[SceneFrame, ...], tuple[StageReport, ...]]:
        """`frames` with what models say of them, and what became of the two stages."""
        uses: tuple[tuple[Use, str], ...] = (("vision", models.vision), ("emotion", models.emotion))
        reports = []
        for use, folder in uses:
            if not folder:
                reports.append(StageReport(stage=use, state="skipped", message=_ENABLES[use]))
            elif not frames:
                reports.append(StageReport(stage=use, state="skipped", message=_NO_FRAMES))
            else:
                try:
                    frames, report = self._all(frames, use, look_into(folder, use))
                except CancelledError:
                    raise
                except (MusiSceneError, *FAILURES) as error:
                    report = _failed(use, Path(folder).name, error)
                reports.append(report)
        return frames, tuple(reports)

    def _all(
        self, frames: tuple[SceneFrame, ...], use: Use, folder: ModelFolder
    ) -> tuple[tuple[SceneFrame, ...], StageReport]:
        """Some at a time, so that pictures of a whole film are never in memory together."""
        made: list[SceneFrame] = []
        unseen = 0
        for first in range(0, len(frames), _AT_ONCE):
            part, missed = self._asked(frames[first : first + _AT_ONCE], use, folder)
            made += part
            unseen += missed
            if len(frames) > _AT_ONCE:
                self._images.clear()
        message = f"{unseen} frames could not be fetched." if unseen else ""
        report = StageReport(
            stage=use, state="done", by=folder.name, message=message, how=_how(use, folder)
        )
        return tuple(made), report

    def _asked(
        self, frames: tuple[SceneFrame, ...], use: Use, folder: ModelFolder
    ) -> tuple[tuple[SceneFrame, ...], int]:
        """`frames` with what the model says, and how many could not be fetched."""
        name = f"{use} 1 {folder.known_by}"
        kept = self._kept.setdefault(name, Kept(name))
        places = sources(self._timeline, [frame.frame for frame in frames])
        answers = [kept.get(place) for place in places]
        images = {}
        for index, (place, answer) in enumerate(zip(places, answers, strict=True)):
            if answer is None and place is not None:
                self._progress("Fetching frames", 0.0)
                number = frames[index].frame
                if number not in self._images:
                    self._images[number] = picture(place)
                if self._images[number] is not None:
                    images[index] = self._images[number]
        if images:
            ask = self._captions if use == "vision" else self._feelings
            for index, answer in zip(images, ask(folder, list(images.values())), strict=True):
                answers[index] = answer
                kept.put(places[index], answer)
            kept.prune()
        made = tuple(
            frame if answer is None else _with(frame, answer, folder)
            for frame, answer in zip(frames, answers, strict=True)
        )
        return made, sum(answer is None for answer in answers)

    def _captions(self, folder: ModelFolder, images: list[object]) -> list[Answer]:
        def load(device: Device, progress: Progress) -> Describer:
            from musiscene_core.spotting.vision.describing import Describer

            progress("Loading the vision model", 0.0)
            return Describer(folder, device.name)

        def ask(model: Describer, batch: int) -> list[str]:
            return model.describe(images, self._progress, batch)  # type: ignore[arg-type]

        texts = self._with_model("vision", folder, load, ask)
        return [Answer(text=text) for text in texts]

    def _feelings(self, folder: ModelFolder, images: list[object]) -> list[Answer]:
        def load(device: Device, progress: Progress) -> Judge:
            from musiscene_core.spotting.vision.judging import Judge

            progress("Loading the mood model", 0.0)
            return Judge(folder, device.name)

        def ask(model: Judge, batch: int) -> list[tuple[float, ...]]:
            return model.feelings(images, self._progress, batch)  # type: ignore[arg-type]

        return [Answer(feelings=row) for row in self._with_model("emotion", folder, load, ask)]

    def _with_model(
        self,
        use: Use,
        folder: ModelFolder,
        load: Callable[[Device, Progress], T],
        ask: Callable[[T, int], list[U]],
    ) -> list[U]:
        spec: ModelSpec[T] = ModelSpec(
            name=f"{use}:{folder.path}",
            # Saved in halves, mostly, and held in 32 bits where there is no GPU.
            bytes=int(folder.bytes * 2 * _ROOM),
            load=load,
            unload=lambda model: model.to_meta(),  # type: ignore[attr-defined]
            place="gpu_or_cpu",
        )
        with self._residents.use(spec, self._progress) as model:
            return self._residents.with_oom_ladder(
                lambda batch: ask(model, batch), _BATCH, self._progress
            )


def _with(frame: SceneFrame, answer: Answer, folder: ModelFolder) -> SceneFrame:
    if answer.feelings:
        return msgspec.structs.replace(frame, feelings=answer.feelings)
    caption = Caption(answer.text, "model", written=mark_of(answer.text))
    return msgspec.structs.replace(frame, caption=caption)


def _how(use: Use, folder: ModelFolder) -> HowWritten:
    prompt = question(folder) if use == "vision" else ""
    model = f"{folder.name} {folder.known_by[:16]}"
    return HowWritten(writer=folder.family, model=model, prompt=prompt)


def _failed(stage: StageName, by: str, error: BaseException) -> StageReport:
    log.warning("%s failed: %s", stage, error, exc_info=not isinstance(error, MusiSceneError))
    said = str(error) if isinstance(error, MusiSceneError) else f"{type(error).__name__}: {error}"
    return StageReport(stage=stage, state="failed", by=by, message=said[:500])
