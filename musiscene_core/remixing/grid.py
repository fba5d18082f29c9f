"""The beat and bar grid of a piece of music: where its beats and bar lines are, and how sure.

Beats come from spotting's tempo and beat tracker (Ellis 2007) over onset strength, are moved to
the line through their neighbours where they lie near one, and are carried on at that tempo to both
ends of the sound; where beats at one tempo throughout agree as well with the onsets, it is those.
Bar lines: the chain of downbeats, one every three or four beats with rare slips, that best explains
where the harmony changes, the bass enters and the sound turns (Viterbi). Follows one tempo that may
drift; music that leaps to another is followed badly, and says so by its confidence. Soft music is
trusted where its few onsets agree throughout and its harmony turns on the bar lines. Knows nothing
of files.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from musiscene_core.progress import Progress, silent
from musiscene_core.remixing.agreement import even_agreement, pulse_agreement
from musiscene_core.remixing.even_beats import even_beats
from musiscene_core.remixing.listening import Heard, beat_features, listen
from musiscene_core.spotting import onsets
from musiscene_core.spotting.beats import track_beats
from musiscene_core.spotting.tempo import find_tempo, prepare
from musiscene_core.tempo_map import TempoMap

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

LEAST_CONFIDENCE = 0.25
"""Below it the beats are guesses, and no music should be cut by them."""
LEAST_BARS = 4
_METRES = (4, 3)
_THREE_NEEDS = 1.15
"""How much better three beats a bar must explain the music than four."""
_SLIP = 4.0
"""What a bar of another length costs, in standard deviations of evidence."""
_SURE_LEAD = 0.6
_LINE_BEATS = 8
_NEAR_LINE_S = 0.03
_PART_S = 16.0
_SAME_TEMPO_OCTAVES = 0.08
_CHANCE, _SURE_AGREEMENT = 0.06, 0.26
"""Agreement that notes at random reach, and that soft music with a clear pulse has."""
_CHANCE_BARS, _SURE_BARS = 0.6, 0.9
"""The same of bar lines: chords change on them even where hardly an onset is heard."""


@dataclass(frozen=True)
class Wanted:
    """What the user knows better.

    Attributes:
        tempo_bpm: the tempo, near enough; None: listen.
        bar_line_s: a bar line, in seconds of the music; None: listen.
        beats_per_bar: the metre; None: listen.
    """

    tempo_bpm: float | None = None
    bar_line_s: float | None = None
    beats_per_bar: int | None = None


@dataclass(frozen=True)
class Grid:
    """Beats and bar lines of a piece of music.

    Attributes:
        beats_s: [n] seconds, increasing.
        bar_lines: [k] which beats begin a bar, increasing.
        beats_per_bar: what most bars have.
        confidence: of the beats, 0 to 1.
        bar_confidence: of the bar lines, given the beats, 0 to 1.
        heard: what was heard of the music, for comparing its bars.
    """

    beats_s: Doubles
    bar_lines: Integers
    beats_per_bar: int
    confidence: float
    bar_confidence: float
    heard: Heard

    @property
    def usable(self) -> bool:
        """Whether music may be cut by it."""
        return len(self.bar_lines) > LEAST_BARS and self.confidence >= LEAST_CONFIDENCE

    @property
    def bar_lines_s(self) -> Doubles:
        """Bar lines in seconds [k]."""
        return self.beats_s[self.bar_lines]

    @property
    def tempo_bpm(self) -> float:
        """The median tempo; 0 where there are no beats."""
        if len(self.beats_s) < 2:
            return 0.0
        return 60.0 / float(np.median(np.diff(self.beats_s)))


def find_grid(audio: Floats, wanted: Wanted | None = None, progress: Progress = silent) -> Grid:
    """Listen to `audio` [channels, n] at 48 kHz for its beats and bars.

    Args:
        audio: the music.
        wanted: what the user says of it.
        progress: hears of each stage; may raise to stop.
    """
    wanted = wanted or Wanted()
    heard = listen(audio, progress)
    strength = heard.onsets
    pulses = prepare(strength, np.ones(len(strength), np.bool_))
    bpm, confidence = find_tempo(pulses)
    if wanted.tempo_bpm is not None:
        return _grid(heard, pulses, wanted.tempo_bpm, 1.0, wanted)[0]
    found, agreement = _grid(heard, pulses, bpm, confidence, wanted)
    return replace(found, confidence=max(found.confidence, _held(found, agreement)))


def _grid(
    heard: Heard, pulses: Doubles, bpm: float, confidence: float, wanted: Wanted
) -> tuple[Grid, float]:
    """The grid at about `bpm`, which is `confidence` sure, and how well onsets agree with it."""
    beats = _all_beats(pulses, bpm) if bpm else np.zeros(0)
    agreement = 0.0
    if len(beats) > 3:
        beats = _carried_on(_on_lines(beats), *heard.sounding_s)
        even = _carried_on(even_beats(pulses, bpm), *heard.sounding_s)
        agreement = pulse_agreement(pulses, beats)
        if pulse_agreement(pulses, even) >= agreement:
            # The comb was laid on these very onsets: only one half of them says of the other.
            beats, agreement = even, max(agreement, even_agreement(pulses, bpm))
    if len(beats) <= 3:
        nothing = np.zeros(0, np.int64)
        return Grid(beats, nothing, wanted.beats_per_bar or 4, 0.0, 0.0, heard), 0.0
    if wanted.tempo_bpm is None:
        confidence = max(confidence, _sure_by_parts(pulses, beats))
    confidence = min(1.0, confidence) * _steadiness(beats)
    lines, metre, sure = _bar_lines(heard, beats, wanted)
    return Grid(beats, lines, metre, round(confidence, 3), round(sure, 3), heard), agreement


def _held(grid: Grid, agreement: float) -> float:
    """How sure beats are that hold throughout, and on which the harmony turns: 0 to 1."""
    onsets_share = (agreement - _CHANCE) / (_SURE_AGREEMENT - _CHANCE)
    harmony = (grid.bar_confidence - _CHANCE_BARS) / (_SURE_BARS - _CHANCE_BARS)
    return round(float(np.clip(onsets_share, 0.0, 1.0) * np.clip(harmony, 0.0, 1.0)), 3)


def known_grid(audio: Floats, tempo: TempoMap, progress: Progress = silent) -> Grid:
    """The grid of music whose `tempo` is known, such as a take of ours; `audio` as in find_grid."""
    heard = listen(audio, progress)
    begin_s, end_s = heard.sounding_s
    last = tempo.beat(end_s)
    first = math.ceil(tempo.beat(max(0.0, begin_s - 0.05)) - 1e-6)
    numbers = np.arange(first, math.floor(last) + 1)
    beats = np.array([max(0.0, tempo.seconds(float(number))) for number in numbers])
    lines = [round(line.beat) - first for line in tempo.bar_lines(float(first), last)]
    return Grid(beats, np.array(lines, np.int64), tempo.beats_per_bar, 1.0, 1.0, heard)


def _all_beats(pulses: Doubles, bpm: float) -> Doubles:
    beats = track_beats(pulses, bpm)
    # The tracker counts whole frames of the onset curve; the strongest slope lies between them.
    curve = pulses.sum(axis=1)
    places = np.round(beats * onsets.RATE).astype(np.int64)
    inside = (places > 0) & (places < len(curve) - 1)
    left, top, right = (curve[np.clip(places + by, 0, len(curve) - 1)] for by in (-1, 0, 1))
    bend = left - 2 * top + right
    shift = np.where(inside & (bend < -1e-9), 0.5 * (left - right) / np.minimum(bend, -1e-9), 0.0)
    refined: Doubles = beats + np.clip(shift, -0.5, 0.5) / onsets.RATE
    return refined


def _on_lines(beats: Doubles) -> Doubles:
    """Each beat moved to the straight line through those around it, where it lies near one."""
    moved = beats.copy()
    for index in range(len(beats)):
        first = max(0, min(index - _LINE_BEATS, len(beats) - 2 * _LINE_BEATS - 1))
        around = beats[first : first + 2 * _LINE_BEATS + 1]
        numbers = np.arange(len(around), dtype=np.float64)
        slope, offset = _line(numbers, around)
        away = np.abs(around - offset - slope * numbers)
        kept = away <= max(2.0 * float(np.median(away)), 0.004)
        if kept.sum() >= 4:
            slope, offset = _line(numbers[kept], around[kept])
        at = offset + slope * (index - first)
        if float(np.median(away)) < _NEAR_LINE_S:
            moved[index] = at
    return moved


def _line(numbers: Doubles, values: Doubles) -> tuple[float, float]:
    centred = numbers - numbers.mean()
    slope = float(centred @ (values - values.mean()) / max(float(centred @ centred), 1e-9))
    return slope, float(values.mean() - slope * numbers.mean())


def _carried_on(beats: Doubles, begin_s: float, end_s: float) -> Doubles:
    """`beats` with more at the same tempo to both ends of what sounds, none outside."""
    before_s = float(np.median(np.diff(beats[: _LINE_BEATS + 1])))
    after_s = float(np.median(np.diff(beats[-_LINE_BEATS - 1 :])))
    room = 0.1 * before_s
    earlier = max(0, int((beats[0] - begin_s + room) / before_s))
    later = max(0, int((end_s - beats[-1]) / after_s))
    joined = np.concatenate(
        [
            beats[0] - before_s * np.arange(earlier, 0, -1),
            beats,
            beats[-1] + after_s * np.arange(1, later + 1),
        ]
    )
    inside: Doubles = joined[(joined >= begin_s - room) & (joined <= end_s)]
    return np.maximum(inside, 0.0)


def _sure_by_parts(pulses: Doubles, beats: Doubles) -> float:
    """How sure the tempo is in most stretches, where they agree with the beats: it may drift."""
    size = round(_PART_S * onsets.RATE)
    sure = []
    for first in range(0, max(1, len(pulses) - size + 1), size // 2):
        part = find_tempo(pulses[first : first + size])
        inside = beats[(beats * onsets.RATE >= first) & (beats * onsets.RATE < first + size)]
        agrees = False
        if part.bpm and len(inside) > 2:
            octaves = np.log2(part.bpm * float(np.median(np.diff(inside))) / 60.0)
            agrees = abs(octaves - round(float(octaves))) < _SAME_TEMPO_OCTAVES
        sure.append(part.confidence if agrees else 0.0)
    return float(np.median(sure))


def _steadiness(beats: Doubles) -> float:
    """1 for beats whose spacing changes little from each to the next, less where it leaps."""
    spacing = np.diff(beats)
    changes = np.abs(np.diff(spacing)) / np.maximum(spacing[1:], 1e-9)
    return float(np.clip(1.5 - 5.0 * np.mean(changes), 0.0, 1.0))


def _bar_lines(heard: Heard, beats: Doubles, wanted: Wanted) -> tuple[Integers, int, float]:
    """Which beats begin a bar, how many beats most bars have, and how sure that is."""
    evidence = _evidence(heard, beats)
    if wanted.bar_line_s is not None:
        metre = wanted.beats_per_bar or _METRES[0]
        nearest = int(np.abs(beats - wanted.bar_line_s).argmin())
        return np.arange(nearest % metre, len(beats), metre), metre, 1.0
    best: tuple[float, Integers, int] | None = None
    for metre in (wanted.beats_per_bar,) if wanted.beats_per_bar else _METRES:
        lines, score = _chained(evidence, metre)
        if best is None or score > _THREE_NEEDS * best[0]:
            best = score, lines, metre
    if best is None:
        raise AssertionError("no metre was tried")
    _, lines, metre = best
    by_phase = np.array([evidence[phase::metre].mean() for phase in range(metre)])
    first, second = np.sort(by_phase)[[-1, -2]] if metre > 1 else (1.0, 0.0)
    return lines, metre, float(np.clip((first - second) / _SURE_LEAD, 0.0, 1.0))


def _evidence(heard: Heard, beats: Doubles) -> Doubles:
    """How much each beat [n] looks like the first of a bar, in standard deviations."""
    features = beat_features(heard, beats)
    chroma = features.chroma
    ahead = np.concatenate([chroma, chroma[-1:]])
    after = ahead[1:] + ahead[:-1]
    before = np.concatenate([chroma[:1], chroma])[:-1]
    before = before + np.concatenate([chroma[:2], chroma])[: len(chroma)]
    turns = 1.0 - _cosine(before, after)
    bands = features.bands
    novelty = np.zeros(len(beats))
    novelty[1:] = np.linalg.norm(np.diff(bands, axis=0), axis=1)
    places = np.round(beats * onsets.RATE).astype(np.int64)
    bass = _peak_near(heard.onsets[:, 0], places)
    return _standard(turns) + 0.6 * _standard(bass) + 0.4 * _standard(novelty)


def _chained(evidence: Doubles, metre: int) -> tuple[Integers, float]:
    """The best chain of downbeats about every `metre` beats, and its mean evidence."""
    count = len(evidence)
    # best[i]: of chains whose latest downbeat is i. A first bar may be short.
    best = np.full(count, -np.inf)
    before = np.full(count, -1)
    for now in range(count):
        if now < metre:
            best[now] = evidence[now]
        for length in range(max(1, metre - 2), metre + 3):
            earlier = now - length
            if earlier < 0:
                continue
            score = best[earlier] + evidence[now] - (0.0 if length == metre else _SLIP)
            if score > best[now]:
                best[now], before[now] = score, earlier
    last = count - metre + int(best[count - metre :].argmax()) if count >= metre else 0
    chain = []
    at = last
    while at >= 0:
        chain.append(at)
        at = int(before[at])
    lines = np.array(chain[::-1], dtype=np.int64)
    return lines, float(best[last] / max(1, len(lines)))


def _peak_near(values: Floats, places: Integers) -> Doubles:
    reach = 3
    columns = [
        values[np.clip(places + by, 0, max(0, len(values) - 1))] for by in range(-reach, reach + 1)
    ]
    return np.asarray(np.max(columns, axis=0), np.float64)


def _cosine(left: Doubles, right: Doubles) -> Doubles:
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    product: Doubles = np.einsum("ij,ij->i", left, right) / np.maximum(lengths, 1e-9)
    return product


def _standard(values: Doubles) -> Doubles:
    spread = float(values.std())
    if spread < 1e-9:
        return np.zeros(len(values))
    scaled: Doubles = np.clip((values - values.mean()) / spread, -3.0, 3.0)
    return scaled
