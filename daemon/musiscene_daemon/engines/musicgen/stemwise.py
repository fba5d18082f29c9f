"""Stems that are generated apart, each from the composer's part for it: no separator is needed.

Every stem is a recording of its own over the same windows, bars and tempo: all stems of all takes
are rows of the same passes, each of which hears its own words and guide. Then they lie side by side
as channels of one recording, two a stem, so that what is done to the music later is done to all of
them alike, and what is heard of it is their sum.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec
import numpy as np
import numpy.typing as npt

from musiscene_core.cue import STEM_ROLES, Cue, StemRole
from musiscene_core.fitting.report import StemMade
from musiscene_core.loudness import loudness_of
from musiscene_core.progress import Progress
from musiscene_daemon.engines.musicgen import writing
from musiscene_daemon.engines.musicgen.guides import Guide
from musiscene_daemon.engines.musicgen.laying import LAYING
from musiscene_daemon.engines.musicgen.listening import at_48k, gain_between
from musiscene_daemon.engines.musicgen.rendering import Sound

Floats = npt.NDArray[np.float32]


_LEVELS_LUFS = {
    "harmony": -26.0,
    "bass": -25.0,
    "melody": -23.0,
    "percussion": -26.0,
    "texture": -30.0,
}
"""Before the whole is mastered: the melody leads. Alone, a stem is generated as loud as any."""


def roles_of(plan: Cue) -> tuple[StemRole, ...]:
    """The stems for which the composer has something to play."""
    played = {part.role for part in plan.parts if part.notes}
    return tuple(role for role in STEM_ROLES if role in played) or ("harmony",)


def sounds(
    work: writing.Work,
    seeds: Sequence[int],
    guide_of: Callable[[StemRole], Guide | None],
    progress: Progress,
) -> tuple[Sound, ...]:
    """Make each stem's music for each of `seeds`, [2 stems, n] a take.

    Raises:
        EngineError: the model's output is not a number any more.
        CancelledError: `progress` raised it.
    """
    roles = roles_of(work.plan)
    parts = tuple(writing.Part(role, guide_of(role)) for role in roles)
    begun = time.monotonic()
    made = writing.sounds(replace(work, parts=parts), seeds, progress)
    each_s = round((time.monotonic() - begun) / len(parts), 1)
    stems = [
        StemMade(role=role, followed=part.guide is not None, seconds=each_s)
        for role, part in zip(roles, parts, strict=True)
    ]
    rate = work.model.shape.sample_rate

    def heed() -> None:
        progress(LAYING, 1.0)

    return tuple(_together(one, stems, rate, heed) for one in made)


def _together(
    sounds: Sequence[Sound],
    stems: Sequence[StemMade],
    sample_rate: int,
    heed: Callable[[], None],
) -> Sound:
    """One take's stems as one recording; `heed` may stop it."""
    parts, told = [], []
    for sound, stem in zip(sounds, stems, strict=True):
        both = np.broadcast_to(sound.audio, (2, sound.audio.shape[1]))
        lufs = loudness_of(at_48k(sound.audio, sample_rate), heed)
        gain_db = gain_between(lufs, _LEVELS_LUFS[stem.role])
        parts.append(both * np.float32(10 ** (gain_db / 20)))
        told.append(msgspec.structs.replace(stem, gain_db=round(gain_db, 1)))
    first = sounds[0]
    windows = tuple(
        msgspec.structs.replace(window, prompt=" | ".join(one.windows[at].prompt for one in sounds))
        for at, window in enumerate(first.windows)
    )
    warnings = dict.fromkeys(said for sound in sounds for said in sound.warnings)
    audio = np.concatenate(parts)
    return Sound(audio, windows, tuple(warnings), first.first_sound_s, tuple(told))
