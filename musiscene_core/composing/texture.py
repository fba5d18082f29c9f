"""What lies behind: sustained beds, risers into the main hit, what sounds on it, sparkle.

Knows nothing of how a texture sounds; a part's instrument names it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from musiscene_core.composing.form import Form
from musiscene_core.composing.harmony import VoicedChord
from musiscene_core.composing.performance import level
from musiscene_core.composing.plan import Plan
from musiscene_core.cue import Note

_BED_PITCHES = {"drone": 36, "shimmer": 84, "noise_swell": 60}
_HIT_PITCHES = {"boom": 36, "braam": 36, "bell": 84}


@dataclass(frozen=True)
class Layer:
    """One texture: its instrument's name and its notes."""

    instrument: str
    notes: tuple[Note, ...]


def write_texture(
    plan: Plan, form: Form, chords: tuple[VoicedChord, ...], until: float
) -> list[Layer]:
    """The cue's textures; the last chord's bed ends at `until`."""
    dice = plan.dice("texture")
    layers: dict[str, list[Note]] = {}
    beds = plan.idiom.texture.beds
    bed = dice.pick(beds)
    for index, section in enumerate(form.sections):
        name = bed if index % 3 != 2 else dice.pick(beds)
        end = section.start + section.length if index + 1 < len(form.sections) else until
        if name == "noise_swell":
            # A swell leads somewhere: it fills the last two bars of its section only.
            start = max(section.start, end - 2 * plan.beats_per_bar)
            if index == 0:
                layers.setdefault("drone", []).append(
                    _bed(chords, form, "drone", section.start, end)
                )
            if index + 1 == len(form.sections) or section.name == "strip-down":
                # The last chord leads nowhere, and a climax comes out of bars left bare.
                continue
        else:
            start = section.start
        if end - start > 0.05:
            layers.setdefault(name, []).append(_bed(chords, form, name, start, end))
    _risers(plan, form, chords, layers)
    _on_hits(plan, chords, layers, until)
    _sparkle(plan, form, chords, layers)
    return [Layer(name, tuple(notes)) for name, notes in sorted(layers.items())]


def _tonic(chords: Sequence[VoicedChord], beat: float) -> int:
    """The tonic of the key at `beat`."""
    after = bisect_right(chords, beat + 1e-6, key=lambda chord: chord.start)
    return chords[max(0, after - 1)].key.tonic


def _bed(chords: Sequence[VoicedChord], form: Form, name: str, start: float, end: float) -> Note:
    low = _BED_PITCHES[name]
    pitch = low + (_tonic(chords, start) - low) % 12
    velocity = round(0.85 * level(form, start))
    return Note(round(start, 6), round(end - start, 6), pitch, velocity)


def _risers(
    plan: Plan, form: Form, chords: Sequence[VoicedChord], layers: dict[str, list[Note]]
) -> None:
    """One or two bars of riser into the main hit, or into a climax without one."""
    main = plan.main_hit
    beat = main.beat if main is not None else None
    if beat is None and form.climax is not None:
        beat = form.sections[form.climax].start
    if beat is None or plan.idiom.arousal < -0.3:
        return
    length = 2.0 * plan.beats_per_bar
    start = max(plan.start_beat, beat - length)
    if beat - start >= 1.0:
        pitch = 60 + _tonic(chords, beat)
        layers["riser"] = [Note(round(start, 6), round(beat - start, 6), pitch, 78)]


def _on_hits(
    plan: Plan, chords: Sequence[VoicedChord], layers: dict[str, list[Note]], until: float
) -> None:
    """The idiom's strike on the main hit; on strong others its first one."""
    names = plan.idiom.texture.hit
    for hit in plan.hits:
        chosen = names if hit.main else names[:1] if hit.weight >= 0.75 else ()
        for name in chosen:
            low = _HIT_PITCHES[name]
            pitch = low + (_tonic(chords, hit.beat) - low) % 12
            velocity = min(120, round(70 + 35 * hit.weight + (12 if hit.main else 0)))
            length = min(8.0, until - hit.beat)
            layers.setdefault(name, []).append(Note(hit.beat, round(length, 6), pitch, velocity))


def _sparkle(
    plan: Plan, form: Form, chords: tuple[VoicedChord, ...], layers: dict[str, list[Note]]
) -> None:
    """Single bells above everything, at the top of some chords."""
    often = plan.idiom.texture.sparkle
    if often <= 0:
        return
    dice = plan.dice("sparkle")
    for chord in chords[:-1]:
        now = plan.clock.seconds(chord.start)
        if plan.scene.speaking(now, now + 1.0) or not dice.chance(often):
            continue
        pitch = 84 + (dice.pick(chord.chord.pitch_classes) - 84) % 12
        beat = chord.start + dice.pick((0.0, 1.0, 1.5, 2.0))
        if beat < chord.end - 0.5:
            velocity = round(0.7 * level(form, beat))
            layers.setdefault("bell", []).append(Note(round(beat, 6), 2.0, pitch, velocity))
