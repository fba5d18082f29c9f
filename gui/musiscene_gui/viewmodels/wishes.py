"""Wishes: what a user wants of the music, besides the scene itself; what each choice can do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from musiscene_core.brief import SceneBrief
from musiscene_core.intended_use import intended_use
from musiscene_core.protocol import EngineInfo
from musiscene_core.request import (
    NANO,
    SIGNALS,
    CaptionStrategy,
    MelodySource,
    ScoreRequest,
    SketchUse,
    StemDetail,
    engine_and_model,
)
from musiscene_core.sampling import USUAL, Sampling

STRATEGIES: tuple[CaptionStrategy, ...] = (
    "fusion",
    "video",
    "scene_imagination",
    "music",
    "music_conditions",
)


Voice = tuple[str, tuple[tuple[str, float], ...]]
"""Who writes captions: a captioner, and its house styles, each with its weight."""
MEASURED: Voice = (SIGNALS, ())
UNASKED: Voice = (NANO, ())
_HEARD: tuple[CaptionStrategy, ...] = ("music", "scene_imagination")
"""What a captioner writes by what it hears."""


@dataclass(frozen=True)
class Wishes:
    """What a user wants made.

    Attributes:
        engine: who makes the music; with one of its models "musicgen:medium".
        strategy: which caption steers it.
        takes: how many.
        seed: of the first.
        stems: a stem a role, or a stem an instrument.
        loudness_lufs: of the mix; None leaves it to whether somebody speaks.
        idiom: style to write in; empty lets words and scene choose.
        captioner: who hears the temp track for the captions; "signals" goes by measures alone.
        adapters: house styles of the captioner, each with its weight.
        sketch: what an engine that generates does with the composer's cue.
        melody: whose melody it follows.
        sampling: how it draws what it writes.
    """

    engine: str = "composer"
    strategy: CaptionStrategy = "fusion"
    takes: int = 3
    seed: int = 0
    stems: StemDetail = "roles"
    loudness_lufs: float | None = None
    idiom: str = ""
    captioner: str = NANO
    adapters: tuple[tuple[str, float], ...] = ()
    sketch: SketchUse = "guide"
    melody: MelodySource = "sketch"
    sampling: Sampling = USUAL

    @property
    def voice(self) -> Voice:
        """Who shall write the captions."""
        return self.captioner, self.adapters


def wished_otherwise(wishes: Wishes, **changes: object) -> Wishes:
    """`wishes` with changes; what only some engines or models heed is not asked of another one."""
    new = replace(wishes, **changes)  # type: ignore[arg-type]
    usual = Wishes()
    if new.engine == wishes.engine:
        return new
    if engine_and_model(new.engine)[0] == engine_and_model(wishes.engine)[0]:
        return replace(new, **({"melody": usual.melody} | changes))  # type: ignore[arg-type]
    own: dict[str, object] = {
        "sketch": usual.sketch,
        "melody": usual.melody,
        "sampling": usual.sampling,
    }
    if new.stems == "generated":
        own["stems"] = usual.stems
    return replace(new, **(own | changes))  # type: ignore[arg-type]


def as_wished(wishes: Wishes, voice: Voice, brief: SceneBrief) -> bool:
    """Whether the words that steer are of whom is wished for, where `voice` wrote the captions.

    Where nobody was chosen, what was measured while spotting stands for all that is not heard.
    """
    if voice == wishes.voice:
        return True
    heard = wishes.strategy in _HEARD and brief.temp_track.present
    return (voice, wishes.voice) == (MEASURED, UNASKED) and not heard


def request_for(
    wishes: Wishes, brief: SceneBrief, hits: tuple[int, ...] | None, near: Path | None = None
) -> ScoreRequest:
    """The request that asks for it.

    Args:
        wishes: what is wanted.
        brief: of the scene.
        hits: cue frames to meet; None leaves them open.
        near: the timeline's file, whose project says what the music is for; None where it has none.

    Raises:
        RequestError: it asks for what cannot be.
    """
    engine, model = engine_and_model(wishes.engine)
    return ScoreRequest(
        brief=brief,
        engine=engine,
        model=model,
        caption_strategy=wishes.strategy,
        licence=intended_use(near) if near is not None else "any",
        takes=wishes.takes,
        seed=wishes.seed,
        hits=hits,
        stems=wishes.stems,
        loudness_lufs=wishes.loudness_lufs,
        idiom=wishes.idiom or None,
        sketch=wishes.sketch,
        melody=wishes.melody,
        sampling=wishes.sampling,
    )


def wishes_of(request: ScoreRequest, wishes: Wishes, seed: int) -> Wishes:
    """What was wished when `request` was sent; its own seed, and what it does not say as before."""
    return replace(
        wishes,
        engine=f"{request.engine}:{request.model}" if request.model else request.engine,
        strategy=request.caption_strategy,
        seed=seed,
        stems=request.stems,
        loudness_lufs=request.loudness_lufs,
        idiom=request.idiom or "",
        sketch=request.sketch,
        melody=request.melody,
        sampling=request.sampling,
    )


def engine_choices(engines: Sequence[EngineInfo]) -> list[tuple[str, EngineInfo, str]]:
    """What `Wishes.engine` can be, whose it is, and what it lacks.

    The engines, and each of several models of one.
    """
    choices = []
    for engine in engines:
        choices.append((engine.name, engine, engine.lacks))
        for model in engine.models if len(engine.models) > 1 else ():
            choices.append((f"{engine.name}:{model.name}", engine, model.problem))
    return choices


def too_long_for(engine: EngineInfo, length_s: float) -> bool:
    """Whether the range is longer than the engine can score."""
    return length_s > engine.max_length_s


def has_caption(brief: SceneBrief, strategy: CaptionStrategy) -> bool:
    """Whether there are words by which that strategy could steer."""
    return bool(getattr(brief.captions, strategy).text.strip())
