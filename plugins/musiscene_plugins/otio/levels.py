"""Volume and fades of OpenTimelineIO clips, in DaVinci Resolve's dialect and Avid's.

OpenTimelineIO has no word of its own for them. Resolve writes an effect named "Resolve Effect"
whose metadata hold "Fairlight Clip Volume and Fades": volume in dB, faderIn and faderOut in
frames; Blender's importer reads the same. From an AAF the adapter keeps "Mono Audio Gain" with
its amplitude, or keyframes of it from 0 to 1 of the clip. A transition between a clip and nothing
is a fade too. Resolve's is the one that we write.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import opentimelineio as otio

from musiscene_plugins.otio.document import metadata_of
from musiscene_plugins.otio.exact_time import exact_seconds

RESOLVE = "Resolve_OTIO"
_LOWEST_DB, _HIGHEST_DB = -100.0, 30.0
_VOLUME_AND_FADES = "Fairlight Clip Volume and Fades"
_MOST_FRAMES = 10**9


@dataclass(frozen=True)
class Levels:
    """A clip's volume in dB, and its fades in frames."""

    gain_db: float = 0.0
    fade_in: int = 0
    fade_out: int = 0


def levels_of(clip: Any) -> Levels:
    """The levels that effects on `clip` give; senseless ones count as none."""
    effects = list(clip.effects)
    for effect in effects:
        if metadata_of(effect, "AAF", "Operation", "Name") == "Mono Audio Gain":
            return _of_amplitude(
                metadata_of(effect, "AAF", "Parameters", "Amplitude"),
                metadata_of(effect, "AAF", "Length"),
            )
    values: dict[str, float] = {}
    for effect in effects:
        if metadata_of(effect, RESOLVE, "Effect Name") != _VOLUME_AND_FADES:
            continue
        if metadata_of(effect, RESOLVE, "Enabled") is False:
            continue
        for parameter in _mappings(metadata_of(effect, RESOLVE, "Parameters")):
            name, value = parameter.get("Parameter ID"), parameter.get("Parameter Value")
            if not isinstance(value, (int, float)) or isinstance(value, bool):
                continue
            if isinstance(name, str) and math.isfinite(value):
                values[name] = float(value)
    return Levels(
        gain_db=min(max(values.get("volume", 0.0), _LOWEST_DB), _HIGHEST_DB),
        fade_in=_frames(values.get("faderIn", 0.0)),
        fade_out=_frames(values.get("faderOut", 0.0)),
    )


def set_levels(clip: Any, levels: Levels) -> None:
    """Give `clip` its levels as Resolve reads them; no effect where there is nothing to say."""
    if levels == Levels():
        return
    effect = otio.schema.Effect(name="", effect_name="Resolve Effect")
    effect.metadata[RESOLVE] = {
        "Effect Name": _VOLUME_AND_FADES,
        "Name": "Volume",
        "Type": 62,
        "Enabled": True,
        "Parameters": [
            _parameter("volume", levels.gain_db, 0.0, _LOWEST_DB, _HIGHEST_DB),
            _parameter("faderIn", levels.fade_in, 0, 0, levels.fade_in),
            _parameter("faderOut", levels.fade_out, 0, 0, levels.fade_out),
        ],
    }
    clip.effects.append(effect)


def fades_by_transition(track: Any) -> dict[int, tuple[float, float]]:
    """Seconds of fade-in and fade-out that transitions next to nothing give, by child's index.

    A dissolve from clip to clip is not a fade.
    """
    found: dict[int, tuple[float, float]] = {}
    children = list(track)
    for index, child in enumerate(children):
        if not isinstance(child, otio.schema.Transition):
            continue
        before = children[index - 1] if index else None
        after = children[index + 1] if index + 1 < len(children) else None
        length = float(exact_seconds(child.in_offset) + exact_seconds(child.out_offset))
        if isinstance(after, otio.schema.Clip) and not isinstance(before, otio.schema.Clip):
            found[index + 1] = (length, found.get(index + 1, (0.0, 0.0))[1])
        elif isinstance(before, otio.schema.Clip) and not isinstance(after, otio.schema.Clip):
            found[index - 1] = (found.get(index - 1, (0.0, 0.0))[0], length)
    return found


def _of_amplitude(value: Any, length: Any) -> Levels:
    """Levels of an AAF's amplitude: a fraction, or [place, amplitude] from 0 to 1 of `length`."""
    if isinstance(value, str):
        try:
            return Levels(gain_db=_decibels(float(Fraction(value))))
        except (ValueError, ZeroDivisionError, OverflowError):
            return Levels()
    points = value.get("keyframe_values") if hasattr(value, "get") else None
    try:
        path = [(float(place), float(level)) for place, level in points or ()]
    except (TypeError, ValueError):
        return Levels()
    loudest = max((level for _, level in path), default=1.0)
    if not isinstance(length, int) or not path or loudest <= 0:
        return Levels()
    places = [place for place, level in path if level == loudest]
    return Levels(
        gain_db=_decibels(loudest),
        fade_in=_frames(places[0] * length if path[0][1] == 0 else 0.0),
        fade_out=_frames((1 - places[-1]) * length if path[-1][1] == 0 else 0.0),
    )


def _decibels(amplitude: float) -> float:
    return min(20 * math.log10(amplitude), _HIGHEST_DB) if amplitude > 1e-5 else _LOWEST_DB


def _parameter(name: str, value: float, default: float, low: float, high: float) -> dict[str, Any]:
    return {
        "Parameter ID": name,
        "Parameter Value": value,
        "Default Parameter Value": default,
        "Variant Type": "Double" if isinstance(value, float) else "Int",
        "minValue": low,
        "maxValue": high,
        "Key Frames": {},
    }


def _mappings(value: Any) -> Iterable[Mapping[str, Any]]:
    try:
        return [entry for entry in value or () if hasattr(entry, "get")]
    except TypeError:
        return ()


def _frames(value: float) -> int:
    return round(min(max(value, 0.0), _MOST_FRAMES))
