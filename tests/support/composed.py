"""Moods by name, and questions to ask of a composed cue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import MappingProxyType

import msgspec

from musiscene_core.brief import Curve, SceneBrief
from musiscene_core.composing.compose import compose
from musiscene_core.cue import Cue, Note, StemRole
from musiscene_core.request import ScoreRequest
from tests.support.scenes import brief_of

MOODS = MappingProxyType(
    {
        "joyful": {"valence": 0.8, "arousal": 0.4, "joyful": 1.0},
        "scary": {"valence": -0.8, "arousal": 0.2, "scary": 1.0},
        "sad": {"valence": -0.6, "arousal": -0.6, "sad": 1.0},
        "energising": {"valence": 0.2, "arousal": 0.9, "energising": 1.0},
        "calm": {"valence": 0.4, "arousal": -0.8, "calm": 1.0},
        "triumphant": {"valence": 0.6, "arousal": 0.7, "triumphant": 1.0},
        "amusing": {"valence": 0.5, "arousal": 0.3, "amusing": 1.0},
        "dreamy": {"valence": 0.5, "arousal": -0.2, "dreamy": 1.0},
        "anxious": {"valence": -0.4, "arousal": 0.4, "anxious": 1.0},
        "mixed": {},
    }
)
CUTS = (4.2, 9.7, 15.1, 21.3, 26.0, 33.0)


def mood_brief(mood: str, length_s: float = 40.0, **scene: object) -> SceneBrief:
    """A scene of one mood with a few cuts."""
    cuts = scene.pop("cuts", tuple(cut for cut in CUTS if cut < length_s - 1))
    return brief_of(length_s, cuts=cuts, **scene, **MOODS[mood])


def composed(mood: str, seed: int = 0, length_s: float = 40.0, **scene: object) -> Cue:
    return compose(ScoreRequest(brief=mood_brief(mood, length_s, **scene)), seed)


def with_saliency(brief: SceneBrief, values: Sequence[float]) -> SceneBrief:
    length_s = float(brief.timeline.rate.seconds(brief.timeline.record.length))
    curve = Curve(length_s / len(values), tuple(values))
    return msgspec.structs.replace(
        brief, curves=msgspec.structs.replace(brief.curves, saliency=curve)
    )


def notes_of(cue: Cue, *roles: StemRole) -> list[Note]:
    return [note for part in cue.parts if not roles or part.role in roles for note in part.notes]


def onsets_in(cue: Cue, spans: Iterable[tuple[float, float]], *roles: StemRole) -> int:
    """How many notes begin inside any of the spans, in cue seconds."""
    windows = tuple(spans)
    times = [cue.tempo.seconds(note.start) for note in notes_of(cue, *roles)]
    return sum(any(start <= time < end for start, end in windows) for time in times)
