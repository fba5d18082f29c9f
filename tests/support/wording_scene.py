"""A minute with a door at 25 s, and what a text asks of it in short."""

from __future__ import annotations

import math

import msgspec

from musiscene_core.brief import Caption, Captions, SceneBrief
from musiscene_core.composing.compose import compose
from musiscene_core.composing.wording.places import Places
from musiscene_core.composing.wording.reading import read
from musiscene_core.composing.wording.wishes import Asked, Wishes
from musiscene_core.cue import Cue
from musiscene_core.keys import key_name
from musiscene_core.ranges import FrameRange
from musiscene_core.request import ScoreRequest
from musiscene_core.timeline import Marker
from tests.support.scenes import brief_of

DOOR_S = 25.0


def door_scene(text: str = "", **scene: object) -> SceneBrief:
    """Four shots in 60 s, the third beginning with the door; someone speaks from 44 s to 50 s."""
    brief = brief_of(
        60.0,
        cuts=(10.0, DOOR_S, 42.0),
        dialogue=((44.0, 50.0),),
        motion=(0.3, 0.5, 0.8, 0.5),
        **scene,
    )
    points = tuple(
        msgspec.structs.replace(point, label="Door opens" if point.frame == 600 else "")
        for point in brief.hit_points
    )
    markers = tuple(
        Marker(record=FrameRange.from_length(frame, 1), name=name)
        for frame, name in ((240, "Rain"), (1008, "Smile"))
    )
    return msgspec.structs.replace(
        brief,
        hit_points=points,
        timeline=msgspec.structs.replace(brief.timeline, markers=markers),
        captions=Captions(fusion=Caption(text, "user")),
    )


def wishes_in(text: str) -> Wishes:
    return read(text, Places(door_scene()))


def composed_from(text: str, seed: int = 0, **held: object) -> Cue:
    return compose(ScoreRequest(brief=door_scene(text), **held), seed)


def told(text: str) -> str:
    """What `text` asks for, in short; what was not understood after a question mark."""
    wishes = wishes_in(text)
    said = [_asked(asked) for asked in wishes.asked]
    tempo = wishes.tempo
    if tempo.bpm is not None:
        said.append(f"{tempo.bpm:g} bpm")
    elif tempo.low or tempo.high < math.inf:
        said.append(f"{tempo.low:g}-{tempo.high:g} bpm")
    if tempo.factor != 1.0:
        said.append(f"tempo x {tempo.factor}")
    if wishes.tonic is not None:
        said.append(key_name(wishes.tonic, wishes.mode))
    elif wishes.mode is not None:
        said.append(wishes.mode)
    if wishes.scale is not None:
        said.append(wishes.scale)
    if wishes.metre is not None:
        said.append(f"in {wishes.metre}")
    unknown = [unknown.text for unknown in wishes.unknown]
    return ", ".join(said) + (f" ? {', '.join(unknown)}" if unknown else "")


def _asked(asked: Asked) -> str:
    name = asked.value.replace("_", " ")
    if asked.kind in ("dynamic", "density", "register", "ending", "idiom", "articulation"):
        name = f"{asked.kind} {name}"
    text = ("no " if asked.denied else "only " if asked.only else "") + name
    if asked.amount != 1.0:
        text += f" x {asked.amount:g}"
    if asked.start_s > 0 or asked.end_s < math.inf:
        end = "" if asked.end_s == math.inf else f"{asked.end_s:g}"
        text += f" [{asked.start_s:g}-{end}]"
    return text
