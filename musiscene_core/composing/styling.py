"""An idiom as the words want it: instruments, fullness, register, articulation, metre.

An idiom goes in and an idiom comes out, so that whoever writes notes need not know the words.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from musiscene_core.composing.idioms import DrumStyle, Idiom, Lane
from musiscene_core.composing.wording.instruments import (
    ALONGSIDE,
    FALLBACKS,
    RULED_OUT_WITH,
    SLOTS,
)
from musiscene_core.composing.wording.vocabulary import ARTICULATIONS, DENSITIES
from musiscene_core.composing.wording.wishes import Wishes

_MOVED_PADS = frozenset(("pads", "figure", "melody"))
"""Jobs that an instrument named in passing takes over; others only if it is alone."""
_HOME = MappingProxyType(
    {
        **dict.fromkeys(
            ("string_ensemble", "brass_ensemble", "soft_choir", "warm_pad", "glass_pad"), "pads"
        ),
        **dict.fromkeys(("felt_piano", "harp", "pizzicato"), "figure"),
        **dict.fromkeys(("contrabass", "sub_bass", "pulse_bass"), "bass"),
        **dict.fromkeys(
            ("solo_strings", "flute", "clarinet", "horn", "celesta", "music_box", "synth_lead"),
            "melody",
        ),
        **dict.fromkeys(("drone", "shimmer", "noise_swell"), "beds"),
    }
)
"""Where an instrument goes first, so that each one named is heard."""
_DRUMS = DrumStyle(
    "cinematic_kit",
    (
        (
            Lane(36, "downbeats", 3, 84, 0.1),
            Lane(41, "332", 4, 72, 0.25),
            Lane(42, "eighths", 8, 46, 0.45),
        ),
        (
            Lane(36, "332", 3, 82, 0.1),
            Lane(43, "offbeat", 4, 68, 0.25),
            Lane(69, "even", 8, 44, 0.45),
        ),
        (
            Lane(41, "even", 4, 74, 0.1),
            Lane(38, "backbeat", 2, 70, 0.3),
            Lane(42, "offbeat", 6, 44, 0.45),
        ),
    ),
    (36, 41, 49),
    (
        ((4, 48), (3, 45), (2, 43), (1, 41)),
        ((6, 48), (5, 48), (4, 45), (3, 43), (2, 43), (1, 41)),
    ),
)
"""Played where words ask for drums and the idiom has none."""
_SPARSE_FROM = 0.55
_LOW, _HIGH = (60, 72), (72, 84)


def styled(idiom: Idiom, wishes: Wishes, seconds: float) -> Idiom:
    """`idiom` with everything that the words ask of it at `seconds`."""
    idiom = _orchestrated(idiom, wishes, seconds)
    idiom = _filled(idiom, density_factor(wishes, seconds))
    for asked in wishes.of("articulation", seconds):
        factor = ARTICULATIONS[asked.value][1]
        factor = 1 / factor if asked.denied else factor
        idiom = replace(
            idiom,
            figure=replace(idiom.figure, hold=min(1.5, idiom.figure.hold * factor)),
            bass=replace(idiom.bass, hold=min(1.0, idiom.bass.hold * factor)),
        )
    for asked in wishes.of("register", seconds):
        low = (asked.value == "low") != asked.denied
        bottom, top = _LOW if low else _HIGH
        idiom = replace(
            idiom,
            melody=replace(idiom.melody, low=bottom, high=top),
            figure=replace(idiom.figure, octave=0 if low else 12),
        )
    for asked in wishes.of("role", seconds):
        if asked.value == "percussion" and not asked.denied and not idiom.drums.patterns:
            idiom = replace(idiom, drums=_DRUMS)
    if wishes.metre is not None:
        idiom = replace(idiom, metres=((wishes.metre, 1.0),))
    return idiom


def density_factor(wishes: Wishes, seconds: float) -> float:
    """How much fuller or thinner the words want the music at `seconds`, 1 as it is."""
    factor = 1.0
    for asked in wishes.of("density", seconds):
        much = DENSITIES[asked.value][1]
        much = float(much**asked.amount)
        # "Not busy" is a little sparse, "not sparse" a little full.
        factor = (0.75 if much > 1 else 1.2) if asked.denied else much
    return factor


def allowed_alone(wishes: Wishes, seconds: float) -> frozenset[str] | None:
    """The only instruments that may play at `seconds`; None where any may."""
    named = [asked for asked in wishes.of("instrument", seconds) if not asked.denied]
    if not any(asked.only for asked in named):
        return None
    alone = {asked.value for asked in named}
    return frozenset(alone | {other for name in alone for other in ALONGSIDE.get(name, ())})


def ruled_out(wishes: Wishes, seconds: float) -> frozenset[str]:
    """The instruments that must not play at `seconds`; the later word wins."""
    out: set[str] = set()
    for asked in wishes.of("instrument", seconds):
        family = {asked.value, *RULED_OUT_WITH.get(asked.value, ())}
        if asked.denied:
            out |= family
        else:
            out -= {asked.value}
    return frozenset(out)


def silent_roles(wishes: Wishes, seconds: float) -> frozenset[str]:
    """The stems that the words rule out at `seconds`; the later word wins."""
    out: set[str] = set()
    for asked in wishes.of("role", seconds):
        out = out | {asked.value} if asked.denied else out - {asked.value}
    return frozenset(out)


def _orchestrated(idiom: Idiom, wishes: Wishes, seconds: float) -> Idiom:
    out = ruled_out(wishes, seconds)
    alone = allowed_alone(wishes, seconds)
    named = [
        asked.value
        for asked in wishes.of("instrument", seconds)
        if not asked.denied and asked.value not in out
    ]
    wanted = list(dict.fromkeys(named))
    if not wanted and not out:
        return idiom

    def cast(slot: str, usual: tuple[str, ...]) -> tuple[str, ...]:
        at_home = [name for name in wanted if _HOME.get(name) == slot]
        able = [name for name in wanted if name in SLOTS[slot]]
        if alone is not None:
            able += [name for name in sorted(alone) if name in SLOTS[slot] and name not in able]
        if at_home:
            return tuple(at_home)
        if able and (slot in _MOVED_PADS or alone is not None):
            return tuple(able)
        left = tuple(name for name in usual if name not in out)
        return left or tuple(n for n in FALLBACKS[slot] if n not in out)[:1] or usual

    return replace(
        idiom,
        pads=cast("pads", idiom.pads),
        figure=replace(idiom.figure, instruments=cast("figure", idiom.figure.instruments)),
        bass=replace(idiom.bass, instruments=cast("bass", idiom.bass.instruments)),
        melody=replace(idiom.melody, instruments=cast("melody", idiom.melody.instruments)),
        texture=replace(idiom.texture, beds=cast("beds", idiom.texture.beds)),
    )


def _filled(idiom: Idiom, factor: float) -> Idiom:
    if factor == 1.0:
        return idiom

    def most(number: int) -> int:
        return max(1, round(number * factor))

    patterns = tuple(
        tuple(replace(lane, most=most(lane.most)) for lane in pattern)
        for pattern in idiom.drums.patterns
    )
    cells = ("sparse",) if factor <= _SPARSE_FROM else idiom.melody.cells
    return replace(
        idiom,
        density=min(1.0, idiom.density * factor),
        figure=replace(idiom.figure, most=min(16, most(idiom.figure.most))),
        bass=replace(idiom.bass, most=min(16, most(idiom.bass.most))),
        melody=replace(idiom.melody, cells=cells),
        drums=replace(idiom.drums, patterns=patterns),
    )
