"""From a request that names a music file to a take's files: listen, fit, write.

Writes mix.wav, mix.dat, joins.json, joins.png and take.json into a folder it is given. The level
is the file's own unless the request names a loudness. Knows nothing of jobs or libraries.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from musiscene_core.brief import HitPoint
from musiscene_core.chart_style import BACKGROUND, DIM, ORANGE, SKY, TEXT, YELLOW, as_png, dress
from musiscene_core.codec import digest, to_json, write_atomically
from musiscene_core.composing.sound.truepeak import REACH, block_peaks, dbtp
from musiscene_core.cue import DroppedHit, HitResult
from musiscene_core.errors import RequestError
from musiscene_core.library.peaks import peaks
from musiscene_core.loudness import loudness_of
from musiscene_core.media import to_int24, write_wav
from musiscene_core.progress import Portion, Progress, silent
from musiscene_core.remixing import engine
from musiscene_core.remixing.fit import Wish, fit
from musiscene_core.remixing.fitted import JOINS_FILE, Fitted, Floats, JoinReport
from musiscene_core.remixing.grid import Grid, Wanted, find_grid, known_grid
from musiscene_core.remixing.source import Source, read_source
from musiscene_core.request import MAX_TRUE_PEAK_DBTP, MusicFile, ScoreRequest
from musiscene_core.take import Provenance, Take
from musiscene_core.tempo_map import TempoMap, through_bars
from musiscene_core.timecode import SAMPLE_RATE, frame_to_sample

PICTURE_FILE = "joins.png"
_MIX_FILE, _PEAKS_FILE = "mix.wav", "mix.dat"
_CHOSEN_EVERY_S = 8.0
"""Where no hits are named, one candidate in so many seconds is tried."""
_STRONG = 0.5
_HIGHEST_DBTP = -0.1
_PICTURE_POINTS = 1200


def remix(
    request: ScoreRequest, seed: int, name: str, folder: Path, progress: Progress = silent
) -> Take:
    """Fit the request's music to its range, as one take in `folder`.

    Args:
        request: what is wanted; names the music.
        seed: 0 joins where it is best; others nearly as good elsewhere.
        name: this take's name.
        folder: an existing, empty folder.
        progress: hears of each stage.

    Raises:
        RequestError: no music named, or its length does not do.
        MediaError: the music cannot be read, or is silent.
        OutputError: `folder` cannot be written.
        CancelledError: `progress` raised it; the folder is left half filled.
    """
    music, timeline = request.music, request.brief.timeline
    if music is None:
        raise RequestError("No music is named to remix.", hint="Use `musiscene remix FILE`.")
    source = read_source(music, timeline.length_seconds, Portion(progress, 0.0, 0.15))
    hits = _hits(request)
    grid = _grid(source, music, request.tempo_bpm, Portion(progress, 0.15, 0.5))
    fitted = fit(
        source.audio,
        grid,
        Wish(
            samples=timeline.length_samples,
            hits=tuple(frame_to_sample(hit.frame, timeline.rate) for hit in hits),
            keep_beginning=music.keep_beginning,
            seed=seed,
        ),
        Portion(progress, 0.5, 0.9),
    )
    progress("Writing the music", 0.9)
    audio, warnings = _levelled(fitted.audio, request.loudness_lufs)
    values = to_int24(audio)
    write_wav(
        folder / _MIX_FILE,
        values,
        time_reference=frame_to_sample(timeline.record.start, timeline.rate),
        description=f"MusiScene {name} mix",
    )
    write_atomically(folder / _PEAKS_FILE, peaks(values))
    report = _report(Path(music.media.path).name, source, grid, fitted)
    write_atomically(folder / JOINS_FILE, to_json(report))
    write_atomically(folder / PICTURE_FILE, _picture(audio, fitted))
    tempo = through_bars(fitted.beats_s, fitted.bar_beats, grid.beats_per_bar)
    results, dropped = _met(hits, fitted, tempo, request)
    take = Take(
        name=name,
        cue=timeline.cue,
        rate=timeline.rate,
        record=timeline.record,
        length_samples=timeline.length_samples,
        mix=_MIX_FILE,
        stems=(),
        peaks=_PEAKS_FILE,
        extras=(JOINS_FILE, PICTURE_FILE),
        tempo=tempo,
        hits=results,
        dropped=dropped,
        loudness_lufs=round(loudness_of(audio), 2),
        true_peak_dbtp=round(_true_peak_dbtp(audio), 2),
        provenance=Provenance(
            engine=engine.NAME,
            engine_version=engine.VERSION,
            model=Path(music.media.path).name,
            model_hash=source.digest,
            seed=seed,
            licence="as the source",
            commercial_use=False,
            request_digest=digest((source.digest, request.brief.timeline.record, request.hits)),
        ),
        warnings=(*request.brief.warnings, *fitted.warnings, *warnings),
    )
    write_atomically(folder / "take.json", to_json(take))
    progress("Writing the music", 1.0)
    return take


def _grid(source: Source, music: MusicFile, tempo_bpm: float | None, progress: Progress) -> Grid:
    told = tempo_bpm is not None or music.bar_line_s is not None or music.beats_per_bar is not None
    if source.tempo is not None and not told:
        return known_grid(source.audio, source.tempo, progress)
    wanted = Wanted(tempo_bpm, music.bar_line_s, music.beats_per_bar)
    return find_grid(source.audio, wanted, progress)


def _hits(request: ScoreRequest) -> tuple[HitPoint, ...]:
    """The hits to meet, in order: those named, else the strongest candidates."""
    candidates = {hit.frame: hit for hit in request.brief.hit_points}
    if request.hits is not None:
        return tuple(
            candidates.get(frame, HitPoint(frame=frame, kind="marker", strength=1.0, rank=1))
            for frame in sorted(set(request.hits))
        )
    most = int(request.length_seconds / _CHOSEN_EVERY_S)
    strong = [hit for hit in candidates.values() if hit.strength >= _STRONG]
    chosen = sorted(strong, key=lambda hit: hit.rank)[:most]
    return tuple(sorted(chosen, key=lambda hit: hit.frame))


def _met(
    hits: Sequence[HitPoint], fitted: Fitted, tempo: TempoMap | None, request: ScoreRequest
) -> tuple[tuple[HitResult, ...], tuple[DroppedHit, ...]]:
    rate = request.brief.timeline.rate
    results, dropped = [], []
    for hit, outcome in zip(hits, fitted.hits, strict=True):
        if outcome.met and tempo is not None:
            beat = round(tempo.beat(float(rate.seconds(hit.frame))))
            results.append(
                HitResult.measured(hit.frame, hit.kind, hit.label, float(beat), tempo, rate)
            )
            continue
        away = f"the nearest beat is {abs(outcome.error_ms):.0f} ms away"
        reason = away if fitted.on_beats else "the music has no beat to meet it with"
        dropped.append(DroppedHit(frame=hit.frame, kind=hit.kind, label=hit.label, reason=reason))
    return tuple(results), tuple(dropped)


def _levelled(audio: Floats, lufs: float | None) -> tuple[Floats, list[str]]:
    """The music at the loudness asked for, as far as its peaks allow, or at its own."""
    peak_dbtp = _true_peak_dbtp(audio)
    if lufs is None:
        gain_db = min(0.0, _HIGHEST_DBTP - 20 * float(np.log10(max(np.abs(audio).max(), 1e-9))))
        if gain_db == 0.0:
            return audio, []
        return audio * np.float32(10 ** (gain_db / 20)), [
            f"The music was {-gain_db:.1f} dB over full scale and is that much quieter here."
        ]
    wanted_db = lufs - loudness_of(audio)
    gain_db = min(wanted_db, MAX_TRUE_PEAK_DBTP - peak_dbtp)
    warnings = []
    if gain_db < wanted_db - 0.05:
        warnings.append(
            f"The music is {wanted_db - gain_db:.1f} dB quieter than asked for: "
            "its peaks would be too high."
        )
    return audio * np.float32(10 ** (gain_db / 20)), warnings


def _true_peak_dbtp(audio: Floats) -> float:
    padded = np.pad(audio, ((0, 0), (REACH, REACH)))
    highest = float(np.abs(audio).max(initial=0.0))
    return dbtp(float(block_peaks(padded, highest).max(initial=0.0)) if highest else 0.0)


def _report(name: str, source: Source, grid: Grid, fitted: Fitted) -> JoinReport:
    return JoinReport(
        music=name,
        music_s=round(source.audio.shape[1] / SAMPLE_RATE, 3),
        tempo_bpm=round(grid.tempo_bpm, 2),
        beats_per_bar=grid.beats_per_bar,
        confidence=grid.confidence,
        bar_confidence=grid.bar_confidence,
        on_beats=fitted.on_beats,
        joins=fitted.joins,
        stretches=fitted.stretches,
    )


def _picture(audio: Floats, fitted: Fitted) -> bytes:
    """The waveform with its bar lines, joins and hits."""
    from matplotlib.figure import Figure

    length_s = audio.shape[1] / SAMPLE_RATE
    starts = np.unique(np.linspace(0, audio.shape[1], _PICTURE_POINTS, endpoint=False, dtype=int))
    mono = audio.mean(axis=0)
    figure = Figure(figsize=(14, 2.8), dpi=90, facecolor=BACKGROUND)
    axis = figure.subplots()
    dress(axis, "Music", length_s)
    axis.fill_between(
        starts / SAMPLE_RATE,
        np.minimum.reduceat(mono, starts),
        np.maximum.reduceat(mono, starts),
        color=SKY,
        linewidth=0,
    )
    low, high = axis.get_ylim()
    bars = [fitted.beats_s[beat] for beat in fitted.bar_beats]
    axis.vlines(bars, low, low + 0.06 * (high - low), color=DIM, linewidth=0.8)
    for join in fitted.joins:
        axis.axvline(join.at_s, color=ORANGE, linewidth=1.4)
        text = f"{join.from_bar} → {join.to_bar}" if join.to_bar else f"{join.to_s:.1f} s"
        axis.text(join.at_s, high, f" {text}", color=TEXT, fontsize=8, va="top")
    for hit in fitted.hits:
        style = "-" if hit.met else ":"
        axis.axvline(hit.at_s, color=YELLOW, linewidth=1.2, linestyle=style)
    axis.tick_params(labelbottom=True)
    figure.tight_layout()
    return as_png(figure)
