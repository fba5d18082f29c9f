"""Music conditions by rule: the scene's feeling, as concrete directions for whoever makes music.

What Herrmann-1 has a language model write (Haseeb et al. 2023, section 3.3), written without one:
a feeling becomes usual instruments, arousal a tempo and a shape, dialogue a place to be quiet.
Each direction can be traced to a number in the brief; none knows the story.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from musiscene_core import temp_tempo
from musiscene_core.brief import EmotionCurve, HitPoint, SceneBrief
from musiscene_core.spotting.describe import MUSIC_FOR, clock, key_of, moods, tempo_is_sure

SOUNDS: Mapping[str, str] = MappingProxyType(
    {
        "amusing": "pizzicato strings, bassoon and clarinet",
        "annoying": "an insistent figure in dry percussion",
        "anxious": "a low string ostinato, muted pulses and sparse piano",
        "beautiful": "warm strings with solo oboe and harp",
        "calm": "felt piano over held strings",
        "dreamy": "celesta, high strings and a wide pad",
        "energising": "driving strings and drums with short brass",
        "erotic": "muted trumpet over soft double bass and brushes",
        "indignant": "hard accents in low strings and drums",
        "joyful": "bright woodwinds, pizzicato strings and light percussion",
        "sad": "solo cello and slow piano over quiet strings",
        "scary": "low brass, trembling strings and deep drums",
        "triumphant": "full brass and strings over broad timpani",
    }
)
"""A feeling to instruments that are usual for it."""

_SLOWEST_BPM, _SPAN_BPM = 60, 90
_RISES = 0.25
_MOST_SPOKEN, _MOST_HITS = 4, 4


def conditions(brief: SceneBrief) -> str:
    """Directions for the music of a scene, a sentence each."""
    felt = moods(brief.emotion_curve)
    first, last = felt[0], felt[-1]
    parts = [f"{MUSIC_FOR[first].capitalize()} music: {SOUNDS[first]}, {_pace(brief)}."]
    if last != first:
        half = clock(brief.timeline.length_seconds / 2)
        parts.append(f"From about {half} it turns {MUSIC_FOR[last]}: {SOUNDS[last]}.")
    parts.append(_dynamics(brief.emotion_curve))
    if brief.dialogue:
        spans = [f"{clock(one.start_s)} to {clock(one.end_s)}" for one in brief.dialogue]
        named = _listed(spans) if len(spans) <= _MOST_SPOKEN else "all of it"
        parts.append(f"Thin and quiet under the dialogue ({named}).")
    parts += _accents(brief.hit_points, float(brief.timeline.rate.fps))
    if _follows_temp(brief):
        parts.append(temp_tempo.told(brief.temp_track.tempo_bpm))
    return " ".join(parts)


def _follows_temp(brief: SceneBrief) -> bool:
    return brief.temp_track.present and tempo_is_sure(brief.temp_track)


def _pace(brief: SceneBrief) -> str:
    key = key_of(brief.temp_track) if brief.temp_track.present else []
    facts, points = list(key), brief.emotion_curve.points
    if not _follows_temp(brief):
        arousal = float(np.mean([point.arousal for point in points]))
        facts.insert(0, f"at about {_SLOWEST_BPM + _SPAN_BPM * (arousal + 1) / 2:.0f} BPM")
    if not key:
        valence = float(np.mean([point.valence for point in points]))
        facts.append(f"in a {'minor' if valence < 0 else 'major'} key")
    return ", ".join(facts)


def _dynamics(curve: EmotionCurve) -> str:
    arousal = np.array([point.arousal for point in curve.points])
    if float(np.ptp(arousal)) <= _RISES:
        return "Even in strength throughout."
    peak = clock(curve.points[int(np.argmax(arousal))].time_s)
    return f"It builds to its height at {peak}."


def _accents(hits: Sequence[HitPoint], fps: float) -> list[str]:
    best = sorted(hits, key=lambda hit: hit.rank)[:_MOST_HITS]
    if not best:
        return []
    times = [clock(frame / fps) for frame in sorted({hit.frame for hit in best})]
    return [f"Accents at {_listed(list(dict.fromkeys(times)))}."]


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
