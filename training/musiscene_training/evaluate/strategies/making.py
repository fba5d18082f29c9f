"""Captions and music for every scene, by the daemon, kept as they come.

    DIR/scenes/rain.json          the brief with its captions
    DIR/music/original/rain.wav   what made music is compared with
    DIR/music/msi/rain/           a take of each strategy: mix.wav, take.json, request.json

The daemon spots, writes captions in the order in which they build on each other, and makes the
music, as it does for an editor: what is compared is what an editor gets. What is there already is
not made again. Of a scene that cannot be used the reason is kept; what concerns all scenes, such as
a missing engine or a full disk, ends the work.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from musiscene_core.brief import Caption, SceneBrief, blank_brief, music_words
from musiscene_core.codec import read_json, to_json, write_atomically
from musiscene_core.errors import (
    CancelledError,
    JobFailedError,
    MediaError,
    MusiSceneError,
    RangeError,
    RequestError,
)
from musiscene_core.progress import Portion, Progress
from musiscene_core.protocol import Client
from musiscene_core.protocol.admission import find_captioner
from musiscene_core.request import CaptionRequest, ScoreRequest
from musiscene_training.evaluate.strategies.jobs import Jobs
from musiscene_training.evaluate.strategies.keeping import keep_original, keep_take
from musiscene_training.evaluate.strategies.scenes import Scene
from musiscene_training.evaluate.strategies.wish import KINDS, TAGS, Kept, Wish
from musiscene_training.evaluate.tags import sentence

SCENES, MUSIC, ORIGINAL = "scenes", "music", "original"
_OF_ONE_SCENE = (MediaError, RangeError, RequestError, JobFailedError)
"""What goes wrong with one scene and leaves the others as they are."""
_WORDS = 0.3
"""Share of the progress that captions get where there is music too."""
_BRIEF = "brief.json"


@dataclass
class Made:
    """What was made.

    Attributes:
        briefs: with captions, by scene.
        music: scenes that have music, by strategy.
        originals: scenes with music to compare with.
        problems: why something is missing, by scene, or by scene and strategy.
    """

    briefs: dict[str, SceneBrief] = field(default_factory=dict)
    music: dict[str, list[str]] = field(default_factory=dict)
    originals: list[str] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)


def said(brief: SceneBrief, scene: Scene, strategy: str) -> Caption:
    """The caption that `strategy` makes music from; without text where there is none."""
    if strategy == TAGS:
        return Caption(sentence(scene.tags), "user", edited=True)
    kind = KINDS[strategy]
    if kind == "music" and not music_words(brief.captions, brief.temp_track):
        return Caption()
    found: Caption = getattr(brief.captions, kind)
    return found


def request_for(wish: Wish, scene: Scene, strategy: str, brief: SceneBrief) -> ScoreRequest:
    """What is asked of the engine; tags stand where the music's caption does."""
    if strategy == TAGS:
        tagged = msgspec.structs.replace(brief.captions, music=said(brief, scene, TAGS))
        brief = msgspec.structs.replace(brief, captions=tagged)
    # No sketch: it is the composer's, and does not go by the words alone.
    return ScoreRequest(
        brief=brief,
        caption_strategy=KINDS.get(strategy, "music"),
        engine=wish.engine,
        model=wish.model,
        seed=wish.seed,
        sketch="off",
    )


def check(client: Client, wish: Wish, scenes: Sequence[Scene]) -> None:
    """Ask now what would be refused after all the spotting.

    Raises:
        EngineError: the engine or the captioner is not there, or lacks something.
        RequestError: the engine cannot do what is asked of it for the shortest scene.
    """
    if wish.engine:
        # The shortest: one that is too long for the engine leaves the others as they are.
        shortest = min(scenes, key=lambda scene: scene.timeline.length_seconds)
        blank = blank_brief(shortest.timeline)
        client.check(request_for(wish, shortest, wish.strategies[0], blank))
    find_captioner(wish.captioner, client.captioners(), client.status().broken_engines)


class Making:
    """One comparison at work."""

    def __init__(self, client: Client, kept: Kept, output: Path, progress: Progress) -> None:
        """Work for `kept` in `output`, through `client`."""
        self._client = client
        self._jobs = Jobs(client, kept.run)
        self._wish = kept.wish
        self._output = output
        self._progress = progress
        self._made = Made()

    def make(self, scenes: Sequence[Scene]) -> Made:
        """Make what is not there yet.

        Raises:
            EngineError: an engine, captioner or language model is missing.
            OutputError: no space or no permission; what was made is kept.
            DaemonError: the daemon is gone.
        """
        share = _WORDS if self._wish.engine else 1.0
        try:
            # All words before all music: a model stays in memory as long as it is asked.
            for scene, part in self._portions(scenes, 0.0, share):
                with self._forgiving(scene.name):
                    self._words(scene, part)
            told = [scene for scene in scenes if scene.name in self._made.briefs]
            for scene, part in self._portions(told if self._wish.engine else (), share, 1.0):
                with self._forgiving(scene.name):
                    self._original(scene)
                self._music(scene, part)
            self._jobs.finish()
        except (KeyboardInterrupt, CancelledError):
            with suppress(MusiSceneError):
                self._client.cancel_all()
            raise
        return self._made

    def _portions(
        self, scenes: Sequence[Scene], start: float, end: float
    ) -> Iterator[tuple[Scene, Progress]]:
        width = (end - start) / max(1, len(scenes))
        for at, scene in enumerate(scenes):
            begin = start + at * width
            yield scene, Portion(self._progress, begin, begin + width)

    @contextmanager
    def _forgiving(self, name: str) -> Iterator[None]:
        """Note what goes wrong with `name` alone, and go on."""
        try:
            yield
        except _OF_ONE_SCENE as error:
            self._made.problems[name] = error.message

    def _words(self, scene: Scene, progress: Progress) -> None:
        """Spot the scene and have its captions written, unless that was done."""
        path = self._output / SCENES / f"{scene.name}.json"
        if not path.is_file():
            spot = self._jobs.submitted(
                f"spot {scene.name}",
                lambda key: self._client.submit_spot(scene.timeline, key, priority="batch"),
            )
            brief = self._brief(spot, Named(Portion(progress, 0.0, 0.5), scene.name))
            wish = self._wish
            request = CaptionRequest(
                brief=brief,
                captioner=wish.captioner,
                language=wish.language,
                profile=wish.profile,
                seed=wish.seed,
            )
            caption = self._jobs.submitted(
                f"caption {scene.name}",
                lambda key: self._client.submit_caption(request, key, priority="batch"),
            )
            brief = self._brief(caption, Named(Portion(progress, 0.5, 1.0), scene.name))
            write_atomically(path, to_json(brief))
        self._made.briefs[scene.name] = read_json(path, SceneBrief)

    def _brief(self, job: str, progress: Progress) -> SceneBrief:
        return read_json(Path(self._client.wait(job, progress).folder, _BRIEF), SceneBrief)

    def _original(self, scene: Scene) -> None:
        """Keep the music that made music is compared with, as long as the scene."""
        if scene.reference is None:
            return
        if scene.own_sound and not self._made.briefs[scene.name].temp_track.present:
            self._made.problems[f"{scene.name}, {ORIGINAL}"] = (
                "No music was heard in the movie's own sound, so nothing is compared with it."
            )
            return
        path = self._output / MUSIC / ORIGINAL / f"{scene.name}.wav"
        if not path.is_file():
            keep_original(scene.reference, scene.timeline.length_seconds, path)
        self._made.originals.append(scene.name)

    def _music(self, scene: Scene, progress: Progress) -> None:
        """Have music made from each caption of the scene that was not made yet."""
        brief, strategies = self._made.briefs[scene.name], self._wish.strategies
        wanted = [one for one in strategies if said(brief, scene, one).text.strip()]
        places = {one: self._output / MUSIC / one / scene.name for one in wanted}
        jobs: dict[str, str] = {}
        # All at once: a daemon may have several workers.
        for strategy in [one for one in wanted if not places[one].is_dir()]:
            with self._forgiving(f"{scene.name}, {strategy}"):
                jobs[strategy] = self._submitted(scene, strategy, brief)
        for at, (strategy, job) in enumerate(jobs.items()):
            part = Portion(progress, at / len(jobs), (at + 1) / len(jobs))
            name = f"{scene.name}, {strategy}"
            with self._forgiving(name):
                done = self._client.wait(job, Named(part, name))
                keep_take(Path(done.takes[0]), places[strategy])
                self._jobs.let_go(Path(done.takes[0]), scene.timeline.cue)
        for strategy in wanted:
            if places[strategy].is_dir():
                self._made.music.setdefault(strategy, []).append(scene.name)

    def _submitted(self, scene: Scene, strategy: str, brief: SceneBrief) -> str:
        request = request_for(self._wish, scene, strategy, brief)
        return self._jobs.submitted(
            f"score {scene.name} {strategy}",
            lambda key: self._client.submit_score(request, key, priority="batch"),
        )


class Named:
    """Progress that says which scene it is about."""

    def __init__(self, parent: Progress, name: str) -> None:
        """Tell `parent` of the work for `name`."""
        self._parent = parent
        self._name = name

    def __call__(self, stage: str, fraction: float) -> None:
        """See Progress."""
        self._parent(f"{self._name}: {stage}", fraction)
