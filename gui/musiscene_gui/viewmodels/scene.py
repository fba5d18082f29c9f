"""SceneModel: the range at hand: its captions, its hits and feeling, what is wished, the scoring.

    spot -> (captions, hits and curve are edited) -> score -> takes

Where another captioner or house style is wished than wrote the captions, they are written anew
before the scoring, but for those that the user edited.

Nothing is placed from here: takes are listened to first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

from msgspec.structs import replace as changed_to

from musiscene_core.brief import Caption, SceneBrief, StageName, StageReport
from musiscene_core.codec import read_json
from musiscene_core.errors import (
    CancelledError,
    DaemonError,
    HostError,
    InputError,
    MusiSceneError,
)
from musiscene_core.protocol import Client, JobInfo
from musiscene_core.ranges import FrameRange
from musiscene_core.request import (
    CaptionRequest,
    CaptionStrategy,
    ScoreRequest,
    engine_and_model,
)
from musiscene_core.timeline import TimelineRange
from musiscene_gui.viewmodels.asking import Asker
from musiscene_gui.viewmodels.carrying import (
    carried_curve,
    carried_hits,
    edits_of,
    held_among,
    same_scene,
    with_words,
)
from musiscene_gui.viewmodels.editor import EditorModel
from musiscene_gui.viewmodels.feeling import FeelingLine, drawn
from musiscene_gui.viewmodels.hits import Hit, candidates, held_frames, moved, toggled
from musiscene_gui.viewmodels.jobs import JobsModel, error_of
from musiscene_gui.viewmodels.observable import Signal
from musiscene_gui.viewmodels.timeline import TimelineModel
from musiscene_gui.viewmodels.wishes import (
    MEASURED,
    STRATEGIES,
    Voice,
    Wishes,
    as_wished,
    request_for,
    wished_otherwise,
    wishes_of,
)

Busy = Literal["", "reading", "spotting", "captioning", "scoring"]
Fix = Literal["", "again", "reload", "daemon", "engine", "captioner"]
"""What one button can mend: the same once more, the timeline, the daemon, who makes or writes."""

_GOES_BY: dict[CaptionStrategy, tuple[StageName, ...]] = {
    "video": ("frames", "vision", "emotion"),
    "music": ("separation",),
    "music_conditions": ("emotion", "speech", "speakers"),
}
"""The steps of watching and listening that stand behind a caption."""


class SceneModel:
    """What the scene column shows.

    Attributes:
        changed: emits nothing, whenever captions, wishes or state change.
        hits_changed: emits nothing, when hit points change.
        curve_changed: emits nothing, when the emotion curve changes.
        estimate_changed: emits nothing, when the estimate changes.
        takes_made: emits the folders of the takes of a request, once they are there.
        busy: what is being done; empty while nothing is.
        job_id: of the job at work; empty while none is.
        error: what went wrong last; None while all is well.
        fix: what one button can mend of it.
        wishes: what is wished of the music.
        hits: the hit points of the brief, as edited.
        estimate_s: seconds the scoring would take, spotting included; None while nobody can say.
    """

    def __init__(
        self,
        daemon: Asker[Client],
        jobs: JobsModel,
        timeline: TimelineModel,
        editor: EditorModel,
    ) -> None:
        self.changed, self.hits_changed = Signal(), Signal()
        self.curve_changed, self.estimate_changed = Signal(), Signal()
        self.takes_made = Signal()
        self.busy: Busy = ""
        self.job_id = ""
        self.error: MusiSceneError | None = None
        self.fix: Fix = ""
        self.wishes = Wishes()
        self.hits: tuple[Hit, ...] = ()
        self.estimate_s: float | None = None
        self._daemon, self._jobs = daemon, jobs
        self._timeline, self._editor = timeline, editor
        self._spotted: SceneBrief | None = None
        self._drafts: dict[str, Caption] = {}
        self._voice: Voice = MEASURED
        self._cancelled = False
        self._again: Callable[[], object] = lambda: None
        timeline.range_changed.connect(self._range_changed)
        timeline.replaced.connect(self._another_opened)

    @property
    def brief(self) -> SceneBrief | None:
        """The brief as edited; None before spotting, and where the range has changed since."""
        return self._timeline.brief

    @property
    def is_current(self) -> bool:
        """Whether the brief is about the range that is marked, as it is cut now."""
        brief = self.brief
        marked = brief is not None and brief.timeline.record == self._timeline.range
        return marked and not self._timeline.recut

    @property
    def length_s(self) -> float:
        """Seconds from In to Out."""
        return float(self._timeline.range.seconds(self._timeline.rate))

    @property
    def longest_s(self) -> float:
        """Seconds from In to the timeline's end."""
        start, end = self._timeline.range.start, self._timeline.record.end
        return float(FrameRange(start, max(start, end)).seconds(self._timeline.rate))

    def wish(self, **changes: object) -> None:
        """Wish otherwise."""
        self.wishes = wished_otherwise(self.wishes, **changes)
        self.changed.emit()
        self.ask_estimate()

    def caption(self, name: CaptionStrategy) -> Caption:
        """One caption as it is; before spotting what the user wrote, else an empty one."""
        if self.brief is None:
            return self._drafts.get(name, Caption())
        found = getattr(self.brief.captions, name)
        assert isinstance(found, Caption)
        return found

    def stages(self, name: CaptionStrategy) -> tuple[StageReport, ...]:
        """What became of the steps that a caption goes by, for those that leave a word."""
        reports = self.brief.stages if self.brief is not None else ()
        return tuple(one for one in reports if one.stage in _GOES_BY.get(name, ()) and one.message)

    def edit_caption(self, name: CaptionStrategy, text: str) -> None:
        """Take the user's words; as it was first, it no longer counts as edited."""
        before = self.caption(name)
        if text == before.text:
            return
        if self.brief is None:
            self._draft(name, text)
            return
        first = self._first(name)
        same = text == first.text
        self._set_caption(name, first if same else changed_to(before, text=text, edited=True))

    def reset_caption(self, name: CaptionStrategy) -> None:
        """Have the words again as they were written first."""
        if self.brief is not None:
            self._set_caption(name, self._first(name))
        else:
            self._draft(name, "")

    def regenerate(self, name: CaptionStrategy) -> None:
        """Have one caption written anew from the others and what was seen and heard."""
        brief = self.brief
        if brief is None or self.busy:
            return
        captioner, adapters = self.wishes.voice
        wish = CaptionRequest(
            brief=brief, only=(name,), keep_edited=False, captioner=captioner, adapters=adapters
        )
        self._begin("captioning", lambda: self.regenerate(name))

        def ended(job: JobInfo) -> None:
            self._read_brief(job, have)

        def have(new: SceneBrief) -> None:
            self._rest()
            self._take_caption(name, new)

        self._submit(lambda client: client.submit_caption(wish), ended)

    def spot(self, then: Callable[[], object] = lambda: None) -> None:
        """Watch and listen to the range that is marked."""
        if self.busy or not self._timeline.is_open:
            return
        self._begin("reading", lambda: self.spot(then))

        def have_range(read: TimelineRange) -> None:
            if self._cancelled:
                self._fail(CancelledError("Cancelled."))
                return
            self.busy = "spotting"
            self.changed.emit()
            self._submit(lambda client: client.submit_spot(read), ended)

        def ended(job: JobInfo) -> None:
            self._read_brief(job, have_brief)

        def have_brief(brief: SceneBrief) -> None:
            before, held, self._spotted = self.brief, self.hits, brief
            self._voice = MEASURED
            words, self.hits, self._drafts = self._drafts, candidates(brief), {}
            if before is not None and same_scene(before, brief):
                self.hits = carried_hits(before, held, brief)
                words = edits_of(before)
                brief = changed_to(brief, emotion_curve=carried_curve(before, brief))
            self._timeline.set_heard({})
            self._timeline.set_brief(with_words(brief, words))
            self.hits_changed.emit()
            self.curve_changed.emit()
            self._rest()
            if as_wished(self.wishes, self._voice, brief):
                then()
            else:
                self._write_as_wished(then)

        self._editor.read_range(self._timeline.range, have_range, self._fail)

    def score(self) -> None:
        """Have takes made of the range; spots it first where it has not been spotted."""
        if self.busy or not self._timeline.is_open:
            return
        if not self.is_current:
            self.spot(then=self.score)
            return
        brief = self.brief
        assert brief is not None
        if not as_wished(self.wishes, self._voice, brief):
            self._write_as_wished(self.score)
            return
        try:
            hits, near = held_frames(self.hits), self._editor.path
            request = request_for(self.wishes, brief, hits, near)
        except MusiSceneError as error:
            self._fail(error)
            return
        self._begin("scoring", self.score)

        def ended(job: JobInfo) -> None:
            if job.state != "done":
                self._fail(error_of(job) or CancelledError("Cancelled."))
                return
            if self.wishes.seed == request.seed:
                # Asked once more, other takes are wanted and not the same again.
                self.wishes = replace(self.wishes, seed=request.seed + request.takes)
            self._rest()
            self.takes_made.emit(tuple(Path(job.folder, take) for take in job.takes))

        self._submit(lambda client: client.submit_score(request), ended)

    def set_length(self, seconds: float) -> None:
        """Put Out so that the range lasts so long, as far as the timeline goes."""
        frames = max(1, round(seconds * float(self._timeline.rate.fps)))
        self._timeline.set_out(self._timeline.range.start + frames)

    def adopt(self, brief: SceneBrief, request: ScoreRequest | None, seed: int) -> None:
        """Have all again that a take was made from: captions, hits, curve, engine, its own seed."""
        record = brief.timeline.record
        if self.busy:
            problem = InputError(
                "Something is being made just now.", hint="Wait for it, or cancel it."
            )
        elif record.overlap(self._timeline.record) != record or self._of_another(brief):
            problem = InputError(
                "That take is of a scene that is not on this timeline.",
                hint="Open the film or timeline it was made for.",
            )
        else:
            problem = None
        if problem is not None:
            self.show_error(problem)
            return
        self._timeline.set_range(record)
        self._spotted = brief
        self.hits = candidates(brief)
        if request is not None:
            self.hits = held_among(brief, dict.fromkeys(request.hits or (), ""))
            self.wishes = wishes_of(request, self.wishes, seed)
        # Its words are what is wanted again, whoever wrote them.
        self._voice = self.wishes.voice
        self._timeline.set_brief(brief)
        self.hits_changed.emit()
        self.curve_changed.emit()
        self.changed.emit()
        self.ask_estimate()

    def cancel(self) -> None:
        """Cancel what is being done."""
        self._cancelled = True
        if self.job_id:
            self._jobs.cancel(self.job_id)

    def again(self) -> None:
        """Do once more what went wrong."""
        self.dismiss()
        self._again()

    def dismiss(self) -> None:
        """Forget the error."""
        self.error, self.fix = None, ""
        self.changed.emit()

    def dismiss_told(self) -> None:
        """Forget an error that there is no button for: what it was about is tried again."""
        if self.error is not None and not self.fix:
            self.dismiss()

    def show_error(self, error: MusiSceneError, fix: Fix = "") -> None:
        """Show an error from elsewhere."""
        self.error, self.fix = error, fix
        self.changed.emit()

    def move_hit(self, index: int, frame: int) -> None:
        """Put a hit point elsewhere, in cue frames, and hold it there."""
        self._set_hits(moved(self.hits, index, frame, self._length_frames))

    def toggle_hit(self, index: int) -> None:
        """Hold a hit point, or leave it to the engine again."""
        self._set_hits(toggled(self.hits, index))

    def add_hit(self, record_frame: int) -> None:
        """Hold a moment at a record frame of the brief's range; one outside it is left out."""
        brief = self.brief
        if brief is not None and record_frame in brief.timeline.record:
            frame = record_frame - brief.timeline.record.start
            self._set_hits((*self.hits, Hit(frame, held=True)))

    def draw_curve(
        self, line: FeelingLine, start: tuple[float, float], end: tuple[float, float]
    ) -> None:
        """Draw a piece of the emotion curve: (cue seconds, value) to (cue seconds, value)."""
        if self.brief is not None:
            curve = drawn(self.brief.emotion_curve, line, start, end)
            self._timeline.set_brief(changed_to(self.brief, emotion_curve=curve))
            self.curve_changed.emit()

    def reset_curve(self) -> None:
        """Have the emotion curve again as it was spotted."""
        if self.brief is not None and self._spotted is not None:
            curve = self._spotted.emotion_curve
            self._timeline.set_brief(changed_to(self.brief, emotion_curve=curve))
            self.curve_changed.emit()

    def ask_estimate(self) -> None:
        """Ask how long the scoring would take."""
        if not self._timeline.is_open:
            return
        wishes, length_s, spot_too = self.wishes, self.length_s, not self.is_current

        def work(client: Client) -> float | None:
            engine, _ = engine_and_model(wishes.engine)
            score = client.estimate("score", length_s, engine=engine, takes=wishes.takes)
            spot = client.estimate("spot", length_s) if spot_too else 0.0
            return None if score is None or spot is None else score + spot

        def have(seconds: float | None) -> None:
            self.estimate_s = seconds
            self.estimate_changed.emit()

        self._daemon.ask(work, have)

    def _draft(self, name: CaptionStrategy, text: str) -> None:
        self._drafts.pop(name, None)
        if text:
            self._drafts[name] = Caption(text, "user", edited=True)
        self.changed.emit()

    def _of_another(self, brief: SceneBrief) -> bool:
        """Whether a brief is of other films than those that are open."""
        here, there = (
            {Path(clip.media.path).name for clip in clips if clip.role == "picture"}
            for clips in (self._timeline.clips, brief.timeline.clips)
        )
        return bool(here and there) and not here & there

    @property
    def _length_frames(self) -> int:
        return self.brief.timeline.record.length if self.brief is not None else 1

    def _first(self, name: CaptionStrategy) -> Caption:
        found = getattr(self._spotted.captions, name) if self._spotted is not None else Caption()
        assert isinstance(found, Caption)
        return found

    def _set_caption(self, name: CaptionStrategy, caption: Caption) -> None:
        assert self.brief is not None
        captions = changed_to(self.brief.captions, **{name: caption})
        self._timeline.brief = changed_to(self.brief, captions=captions)
        self.changed.emit()

    def _write_as_wished(self, then: Callable[[], object]) -> None:
        """Have all captions that nobody edited written by whom the user wishes."""
        brief, voice = self.brief, self.wishes.voice
        assert brief is not None
        captioner, adapters = voice
        wish = CaptionRequest(brief=brief, captioner=captioner, adapters=adapters)
        self._begin("captioning", lambda: self._write_as_wished(then))

        def have(new: SceneBrief) -> None:
            self._voice = voice
            for name in STRATEGIES:
                if not self.caption(name).edited:
                    self._take_caption(name, new)
            self._rest()
            then()

        self._submit(
            lambda client: client.submit_caption(wish), lambda job: self._read_brief(job, have)
        )

    def _take_caption(self, name: CaptionStrategy, new: SceneBrief) -> None:
        """Only the one that was asked for: the user may have edited others meanwhile."""
        written = getattr(new.captions, name)
        if self._spotted is not None:
            captions = changed_to(self._spotted.captions, **{name: written})
            self._spotted = changed_to(self._spotted, captions=captions)
        if self.brief is not None:
            self._set_caption(name, written)

    def _set_hits(self, hits: tuple[Hit, ...]) -> None:
        self.hits = hits
        self.hits_changed.emit()

    def _another_opened(self) -> None:
        if self.busy != "scoring":  # what is watched and written is of the film before
            self.cancel()

    def _range_changed(self) -> None:
        self.changed.emit()
        self.ask_estimate()

    def _begin(self, busy: Busy, again: Callable[[], object]) -> None:
        self.busy, self.job_id, self.error, self.fix = busy, "", None, ""
        self._cancelled = False
        self._again = again
        self.changed.emit()

    def _submit(self, submit: Callable[[Client], str], ended: Callable[[JobInfo], object]) -> None:
        def accepted(job_id: str) -> None:
            self.job_id = job_id
            self._jobs.follow(job_id, ended)
            if self._cancelled:
                self._jobs.cancel(job_id)
            self.changed.emit()

        self._daemon.ask(submit, accepted, self._fail)

    def _read_brief(self, job: JobInfo, have: Callable[[SceneBrief], object]) -> None:
        if job.state != "done" or self._cancelled:
            self._fail(error_of(job) or CancelledError("Cancelled."))
            return

        def read(brief: SceneBrief) -> None:
            self._fail(CancelledError("Cancelled.")) if self._cancelled else have(brief)

        path = Path(job.folder, "brief.json")
        # In the daemon's thread, which has nothing to do now: a long film's brief takes a moment.
        self._daemon.ask(lambda _: read_json(path, SceneBrief), read, self._fail)

    def _rest(self) -> None:
        self.busy, self.job_id = "", ""
        self.changed.emit()
        self.ask_estimate()

    def _fail(self, error: MusiSceneError) -> None:
        writing = self.busy == "captioning"
        self.busy, self.job_id = "", ""
        if not isinstance(error, CancelledError):
            self.error = error
            self.fix = "captioner" if writing and error.code == "engine" else fix_of(error)
        self.changed.emit()


def fix_of(error: MusiSceneError) -> Fix:
    """What one button can mend of an error."""
    if isinstance(error, DaemonError):
        return "again" if error.code == "job_failed" else "daemon"
    if isinstance(error, HostError):
        return "reload"
    return "engine" if error.code == "engine" else "again"
