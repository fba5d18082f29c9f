"""What remixing makes: the music fitted, where each part of it came from, and how well it went."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

JOINS_FILE = "joins.json"
"""A JoinReport, in the folder of a remixed take."""


class Join(msgspec.Struct, frozen=True, kw_only=True):
    """A place where the result leaves the music's own order.

    Attributes:
        at_s: where it is heard, in seconds of the result.
        from_s: where the music was left, in its own seconds.
        to_s: where it goes on.
        from_bar: number of the bar that would have come, from 1; 0 where there are no bars.
        to_bar: number of the bar that comes instead.
        likeness: how well the two places match, 0 to 1.
        shift_ms: by how much the second was moved against the grid so that the beats meet.
        fade_ms: how long one gives way to the other.
    """

    at_s: float
    from_s: float
    to_s: float
    from_bar: int
    to_bar: int
    likeness: float
    shift_ms: float = 0.0
    fade_ms: float = 0.0


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the result that was made longer or shorter.

    Attributes:
        start_s: seconds of the result.
        end_s: the same.
        percent: above 0: longer than the music.
    """

    start_s: float
    end_s: float
    percent: float


class HitMet(msgspec.Struct, frozen=True, kw_only=True):
    """A hit that was asked for.

    Attributes:
        at_s: where, in seconds of the result.
        met: whether a bar line or beat was brought onto it.
        bar: number of the music's bar that begins or lies there; 0 where it was not met.
        error_ms: music minus hit; of the nearest beat where it was not met.
    """

    at_s: float
    met: bool
    bar: int = 0
    error_ms: float = 0.0


class JoinReport(msgspec.Struct, frozen=True, kw_only=True):
    """How a remix was made.

    Attributes:
        music: name of the file.
        music_s: how long it sounds, in seconds.
        tempo_bpm: its tempo; 0 where none was found.
        beats_per_bar: its metre.
        confidence: of its beats, 0 to 1.
        bar_confidence: of its bar lines.
        on_beats: whether it was fitted by beats; else by quiet places.
        joins: where the order of the music is left.
        stretches: what was made longer or shorter.
        schema_version: of this struct.
    """

    music: str
    music_s: float
    tempo_bpm: float
    beats_per_bar: int
    confidence: float
    bar_confidence: float
    on_beats: bool
    joins: tuple[Join, ...]
    stretches: tuple[Stretch, ...]
    schema_version: int = 1


@dataclass(frozen=True)
class Fitted:
    """Music fitted to a length.

    Attributes:
        audio: [channels, samples], exactly as long as wished.
        joins: in order.
        stretches: in order; only those that change anything.
        hits: one for each that was asked for.
        beats_s: the beats in seconds of the result [n].
        bar_beats: which of `beats_s` begin a bar [k].
        bars: the music's number, from 1, of the bar that begins at each of them [k].
        on_beats: whether it was fitted by beats; else by quiet places.
        warnings: what the user should know, a sentence each.
    """

    audio: Floats
    joins: tuple[Join, ...]
    stretches: tuple[Stretch, ...]
    hits: tuple[HitMet, ...]
    beats_s: tuple[float, ...]
    bar_beats: tuple[int, ...]
    bars: tuple[int, ...]
    on_beats: bool
    warnings: tuple[str, ...] = ()
