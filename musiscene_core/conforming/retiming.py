"""Finished audio fitted to film that changed: cut at bar lines, joined over the seams, on beats.

What stays is the earlier take's sound, sample for sample. Over a seam the music before it goes on
and the music after it leads in; they meet on the bar line where they are most alike, and the seam
alone is stretched by the few percent that its beats want. Where the film is longer than the music
has beats for, nothing is made. Knows nothing of notes.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import msgspec
import numpy as np

from musiscene_core.codec import write_atomically
from musiscene_core.composing.sound.master import Integers
from musiscene_core.composing.sound.truepeak import REACH, SILENCE_DBTP, block_peaks, dbtp
from musiscene_core.conforming.earlier import EarlierTake
from musiscene_core.conforming.film import KeptFilm
from musiscene_core.conforming.seams import HeldMusic, Regrid, hold
from musiscene_core.cue import HitResult
from musiscene_core.library.peaks import Peaks
from musiscene_core.loudness import LoudnessMeter, integrated
from musiscene_core.media import WavWriter, read_audio, to_int24
from musiscene_core.progress import Progress
from musiscene_core.ranges import FrameRange
from musiscene_core.remixing.grid import find_grid
from musiscene_core.remixing.splicing import Floats, Run, spliced
from musiscene_core.remixing.stretching import stretch_runs
from musiscene_core.request import ScoreRequest
from musiscene_core.take import Stem, Take
from musiscene_core.tempo_map import TempoMap, through_beats
from musiscene_core.timecode import SAMPLE_RATE, frame_to_sample

_ENDING_S = 8.0
_ENDING_SHARE = 0.25
_FADE = round(0.03 * SAMPLE_RATE)
_EARLY = round(0.01 * SAMPLE_RATE)
_COMPARED = SAMPLE_RATE
_FULL_SCALE = 1 << 23
_SILENCE = -200.0
PEAKS_FILE = "mix.dat"


def retimed(
    earlier: EarlierTake, request: ScoreRequest, name: str, folder: Path, progress: Progress
) -> Take | None:
    """Fit `earlier` to the request's range, as the take `name` in `folder`, an empty one.

    Returns:
        The take; None where its beats are not known, or too little of it can stay.

    Raises:
        MediaError: its files cannot be read.
        OutputError: `folder` cannot be written.
        CancelledError: `progress` raised it.
    """
    take, timeline = earlier.take, request.brief.timeline
    mix_path = earlier.inside(take.mix)
    stems = {stem: earlier.inside(stem.path) for stem in take.stems}
    if mix_path is None or None in stems.values():
        return None
    progress("Listening to the earlier take", 0.0)
    mix = _read(mix_path, take.length_samples)
    tempo = take.tempo or heard_tempo(mix, progress)
    if tempo is None:
        return None
    was_s = take.length_samples / SAMPLE_RATE
    grid = hold(
        *(tempo, was_s, timeline.length_seconds),
        _with_ending(earlier.film, take.record.length, take.rate.fps, timeline.record.length),
        *(take.rate, timeline.rate),
        take.hits_s,
    )
    cut = None if grid is None else _cut(mix, tempo, grid, timeline.length_samples)
    if grid is None or cut is None:
        return None
    progress("Joining the bars", 0.5)
    first = frame_to_sample(timeline.record.start, timeline.rate)
    files = {stem.path: path for stem, path in stems.items() if path is not None}
    total = np.zeros((2, timeline.length_samples), dtype=np.int32)
    highest: dict[str, int] = {}
    for path, source in files.items():
        samples = cut(_read(source, take.length_samples))
        total += samples
        highest[path] = int(np.abs(samples.astype(np.int64)).max(initial=0))
        _write(folder / path, samples, first, f"MusiScene {name} {Path(path).stem}")
    if not files:
        total = cut(mix)
    total = np.clip(total, -_FULL_SCALE, _FULL_SCALE - 1)
    _write(folder / take.mix, total, first, f"MusiScene {name} mix")
    overview = Peaks(2, total.shape[1])
    overview.add(0, total)
    write_atomically(folder / PEAKS_FILE, overview.data())
    progress("Joining the bars", 1.0)
    loudness_lufs, true_peak_dbtp = _levels(total)
    kept = sum(music.end_s - music.start_s for music in grid.held)
    return msgspec.structs.replace(
        take,
        name=name,
        cue=timeline.cue,
        rate=timeline.rate,
        record=timeline.record,
        length_samples=timeline.length_samples,
        stems=tuple(_stem(stem, highest[stem.path]) for stem in take.stems),
        midi="",
        musicxml="",
        lead_sheet=(),
        chart="",
        alternates=(),
        peaks=PEAKS_FILE,
        sections=(),
        tempo=grid.tempo,
        hits=_hits(take, grid, earlier.film),
        loudness_lufs=loudness_lufs,
        true_peak_dbtp=true_peak_dbtp,
        provenance=msgspec.structs.replace(take.provenance, conformed_from=earlier.digest),
        warnings=(
            *request.brief.warnings,
            f"Conformed: {grid.bars_held} of {grid.bars_now} bars stayed as they were, "
            f"{kept / timeline.length_seconds:.0%} of the sound is the earlier take's.",
        ),
    )


def heard_tempo(mix: Floats, progress: Progress) -> TempoMap | None:
    """The beats and bars of music [2, n] at 48 kHz as a tempo map; None where none are sure."""
    grid = find_grid(mix, progress=progress)
    if not grid.usable:
        return None
    beats = [float(beat) for beat in grid.beats_s]
    return through_beats(beats, [int(bar) for bar in grid.bar_lines], grid.beats_per_bar)


def _with_ending(
    film: Sequence[KeptFilm], was: int, fps: Fraction, now: int
) -> tuple[KeptFilm, ...]:
    """`film`, and the old ending at the new end where the film there is other film."""
    if any(one.was.end == was and one.now.end == now for one in film):
        return tuple(film)
    frames = int(min(_ENDING_S * fps, _ENDING_SHARE * min(was, now)))
    ending = KeptFilm(FrameRange(was - frames, was), FrameRange(now - frames, now))
    clear = []
    for one in film:
        over = max(0, one.was.end - ending.was.start, one.now.end - ending.now.start)
        if over < one.was.length:
            clear.append(
                KeptFilm(
                    FrameRange(one.was.start, one.was.end - over),
                    FrameRange(one.now.start, one.now.end - over),
                )
            )
    return (*clear, ending)


class _Cut:
    """The joins and stretches, the same for every stem."""

    def __init__(self, runs: Sequence[Run], edits: Sequence[Run], lead: int, samples: int) -> None:
        self._runs, self._edits = runs, edits
        self._lead, self._samples = lead, samples

    def __call__(self, source: Floats) -> Integers:
        """`source` [2, n] as it is heard now, 24-bit integers."""
        joined = spliced(spliced(source, self._runs), self._edits)
        joined = joined[:, : self._samples - self._lead]
        result = np.zeros((2, self._samples), np.float32)
        result[:, self._lead : self._lead + joined.shape[1]] = joined
        return to_int24(result)


def _cut(mix: Floats, tempo: TempoMap, grid: Regrid, samples: int) -> _Cut | None:
    """How to cut; None where the music is too short for a seam."""
    runs: list[Run] = []
    anchors: list[tuple[int, int]] = [(0, 0)]
    begin, lead = _beginning(grid.held[0])
    at = there = 0
    for index, music in enumerate(grid.held):
        first, last = _samples(music, mix.shape[1])
        if index == 0:
            runs.append(Run(begin, last))
            at = there = last - begin
            continue
        before = grid.held[index - 1]
        _, ended = _samples(before, mix.shape[1])
        gap = first + music.shift_samples - ended - before.shift_samples
        bridge = _bridge(mix, tempo, before, music, ended, first)
        if bridge is None:
            return None
        if at > anchors[-1][0]:
            anchors.append((at, there))
        runs += bridge
        at += sum(run.length for run in bridge)
        there += gap
        if at > anchors[-1][0]:
            anchors.append((at, there))
        fade = _FADE if not bridge or bridge[-1].last != first else 0
        runs.append(Run(first, last, fade, _EARLY if fade else 0))
        at += last - first
        there += last - first
    joined = spliced(mix, runs)
    return _Cut(runs, stretch_runs(joined, anchors), lead, samples)


def _samples(music: HeldMusic, whole: int) -> tuple[int, int]:
    first, last = round(music.start_s * SAMPLE_RATE), round(music.end_s * SAMPLE_RATE)
    return (0 if music.opens else first), (whole if music.closes else last)


def _beginning(music: HeldMusic) -> tuple[int, int]:
    """Where in the old sound the new one begins, and how much silence comes before."""
    if music.opens:
        return 0, 0
    first = -music.shift_samples
    return max(0, first), max(0, -first)


def _bridge(
    mix: Floats, tempo: TempoMap, before: HeldMusic, after: HeldMusic, ended: int, first: int
) -> list[Run] | None:
    """What is heard between: how the one goes on, then how the other comes in."""
    beats = after.start_beat + after.beat_shift - before.end_beat - before.beat_shift
    best: tuple[float, int, int] | None = None
    steps = sorted({*np.arange(0.0, beats, tempo.beats_per_bar), beats})
    for played in steps:
        leave = round(tempo.seconds(before.end_beat + played) * SAMPLE_RATE)
        enter = round(tempo.seconds(after.start_beat - (beats - played)) * SAMPLE_RATE)
        if leave > mix.shape[1] - _FADE or enter < _FADE + _EARLY:
            continue
        alike = _likeness(mix, leave, enter)
        if best is None or alike > best[0]:
            best = (alike, leave, enter)
    if best is None:
        return None
    _, leave, enter = best
    runs = [Run(ended, leave)] if leave > ended else []
    if first > enter:
        runs.append(Run(enter, first, _FADE, _EARLY))
    return runs


def _likeness(mix: Floats, one: int, other: int) -> float:
    """How alike the sound is around two places, by its spectrum, 0 to 1."""
    shapes = []
    for place in (one, other):
        around = mix[:, max(0, place - _COMPARED // 2) : place + _COMPARED].mean(axis=0)
        padded = np.zeros(_COMPARED * 3 // 2)
        padded[: len(around)] = around[: len(padded)]
        spectrum = np.abs(np.fft.rfft(padded * np.hanning(len(padded))))[30:6000]
        shapes.append(np.sqrt(spectrum))
    power = float(np.linalg.norm(shapes[0]) * np.linalg.norm(shapes[1]))
    return float(shapes[0] @ shapes[1]) / power if power else 1.0


def _hits(take: Take, grid: Regrid, film: Sequence[KeptFilm]) -> tuple[HitResult, ...]:
    """The hits whose film is kept, measured anew."""
    found = []
    for hit in take.hits:
        for one in film:
            if hit.frame in one.was:
                frame = hit.frame - one.was.start + one.now.start
                at = float(take.rate.seconds(frame))
                beat = round(4 * grid.tempo.beat(at)) / 4
                found.append(
                    HitResult.measured(frame, hit.kind, hit.label, beat, grid.tempo, take.rate)
                )
    return tuple(sorted(found, key=lambda hit: hit.frame))


def _levels(mix: Integers) -> tuple[float, float]:
    """Integrated loudness in LUFS and true peak in dBTP."""
    sound = mix / np.float32(_FULL_SCALE)
    meter = LoudnessMeter()
    meter.hear(sound)
    highest = float(np.abs(sound).max(initial=0.0))
    peak = float(block_peaks(np.pad(sound, ((0, 0), (REACH, REACH))), highest).max(initial=0.0))
    loud = integrated(meter.finish())
    return round(loud, 2), round(dbtp(peak), 2) if highest else SILENCE_DBTP


def _stem(stem: Stem, highest: int) -> Stem:
    peak = round(20 * float(np.log10(highest / _FULL_SCALE)), 2) if highest else _SILENCE
    return msgspec.structs.replace(stem, peak_dbfs=peak)


def _read(path: Path, samples: int) -> Floats:
    end = Fraction(samples, SAMPLE_RATE)
    return read_audio(path, Fraction(0), end, sample_rate=SAMPLE_RATE, channels=2)


def _write(path: Path, samples: Integers, first: int, description: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with WavWriter(
        path, 2, samples.shape[1], time_reference=first, description=description
    ) as writer:
        writer.write(0, samples)
