"""The cue chart: a take over its scene as one picture.

Film strip, form, tempo, hits with their errors, tension and density, dialogue, loudness of every
stem. Knows nothing of how music or briefs are made.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musiscene_core.brief import SceneBrief
from musiscene_core.chart_style import (
    BACKGROUND,
    DIM,
    EDGE,
    GREEN,
    ORANGE,
    PANEL,
    PINK,
    RED,
    SKY,
    TEXT,
    YELLOW,
    as_png,
    dress,
    legend,
)
from musiscene_core.cue import StemRole
from musiscene_core.loudness import STEP_S, LoudnessMeter, momentary
from musiscene_core.media import iter_audio
from musiscene_core.reporting.filmstrip import Picture, filmstrip
from musiscene_core.take import Take
from musiscene_core.timecode import format_timecode

LEFT, RIGHT = 0.075, 0.985
"""Where time begins and ends across the chart, as shares of its width."""
_STRIP = 14
_LABELLED = 14
_LABEL_ROOM = 0.06
_QUIETEST_LUFS = -60.0
_WELL_MET_FRAMES = 1.0
_STEM_COLOURS: dict[StemRole, str] = {
    "melody": YELLOW,
    "harmony": SKY,
    "bass": GREEN,
    "percussion": RED,
    "texture": PINK,
}


def cue_chart(take: Take, brief: SceneBrief, folder: Path) -> bytes:
    """The chart of a take that lies in `folder`, as PNG.

    Raises:
        MediaError: a stem cannot be read.
    """
    from matplotlib.figure import Figure

    length = brief.timeline.length_seconds
    figure = Figure(figsize=(14, 9.4), dpi=110, facecolor=BACKGROUND)
    titles = ("Picture", "Form", "Tempo", "Hits", "Curves", "Stems")
    axes = figure.subplots(
        len(titles),
        1,
        sharex=True,
        gridspec_kw={"height_ratios": (0.85, 0.6, 1.0, 0.9, 1.2, 2.0), "hspace": 0.14},
    )
    for axis, title in zip(axes, titles, strict=True):
        dress(axis, title, length)
    _strip(axes[0], brief, filmstrip(brief.timeline, _STRIP))
    _form(axes[1], take, length)
    _tempo(axes[2], take, length)
    _hits(axes[3], take, length)
    _curves(axes[4], take, brief)
    _stems(axes[5], take, brief, folder)
    for axis in axes[1:]:
        for hit in take.hits:
            axis.axvline(_seconds(take, hit.frame), color=YELLOW, lw=0.6, alpha=0.35, zorder=0)
    axes[-1].xaxis.set_major_formatter(lambda at, _: f"{int(at) // 60}:{int(at) % 60:02d}")
    axes[-1].tick_params(labelbottom=True)
    begin, end = (format_timecode(at, take.rate) for at in (take.record.start, take.record.end))
    figure.suptitle(
        f"{take.cue}   {take.name}   {begin} – {end}   {take.rate.name} fps   {length:.2f} s",
        color=TEXT,
        fontsize=13,
        x=LEFT,
        y=0.97,
        ha="left",
        parse_math=False,
    )
    figure.subplots_adjust(left=LEFT, right=RIGHT, top=0.935, bottom=0.045)
    return as_png(figure)


def _seconds(take: Take, frame: int) -> float:
    return float(take.rate.seconds(frame))


def _note(axis: Any, text: str) -> None:
    axis.text(0.5, 0.5, text, color=DIM, transform=axis.transAxes, ha="center", va="center")


def _strip(axis: Any, brief: SceneBrief, pictures: Sequence[Picture | None]) -> None:
    axis.set_ylim(0, 1)
    axis.set_yticks([])
    length = brief.timeline.length_seconds
    each = length / len(pictures)
    if not any(picture is not None for picture in pictures):
        _note(axis, "no picture")
    box = axis.get_window_extent()
    slot = box.width / len(pictures) / box.height
    for place, picture in enumerate(pictures):
        if picture is not None:
            # A slot keeps the picture's proportions: what does not fit is cut off, not squeezed.
            shown = _cropped(picture, slot)
            extent = (place * each, (place + 1) * each, 0, 1)
            axis.imshow(shown, extent=extent, aspect="auto", interpolation="bilinear")
    axis.set_xlim(0, length)
    axis.set_ylim(0, 1)
    for shot in brief.shots[1:]:
        axis.axvline(float(brief.timeline.rate.seconds(shot.start_frame)), color=TEXT, lw=1)


def _cropped(picture: Picture, shape: float) -> Picture:
    """The middle of a picture, `shape` times as wide as high."""
    height, width = picture.shape[:2]
    across, down = min(width, round(height * shape)), min(height, round(width / shape))
    left, top = (width - across) // 2, (height - down) // 2
    return picture[top : top + max(1, down), left : left + max(1, across)]


def _form(axis: Any, take: Take, length: float) -> None:
    axis.set_ylim(0, 1)
    axis.set_yticks([])
    if take.tempo is None or not take.sections:
        _note(axis, "no form known")
        return
    for section in take.sections:
        start = max(0.0, take.tempo.seconds(section.start))
        end = min(length, take.tempo.seconds(section.start + section.length))
        if end <= start:
            continue
        axis.axvspan(start, end, facecolor=SKY, alpha=0.12 + 0.5 * section.tension, lw=0)
        axis.axvline(start, color=TEXT, lw=0.8)
        axis.text(
            start + 0.004 * length,
            0.5,
            section.name.replace("_", " "),
            color=TEXT,
            fontsize=9,
            va="center",
            clip_on=True,
            parse_math=False,
        )


def _tempo(axis: Any, take: Take, length: float) -> None:
    if take.tempo is None:
        axis.set_yticks([])
        _note(axis, "no tempo known")
        return
    times = np.linspace(0.0, length, 600)
    tempo = take.tempo
    bpm = np.array([tempo.bpm_at(tempo.beat(float(at))) for at in times])
    axis.plot(times, bpm, color=ORANGE, lw=1.5, label="beats a minute")
    room = max(2.0, 0.2 * float(np.ptp(bpm)))
    axis.set_ylim(bpm.min() - room, bpm.max() + 2 * room)
    first, last = tempo.beat(0.0), tempo.beat(length)
    lines = [tempo.seconds(bar.beat) for bar in tempo.bar_lines(first, last)]
    axis.vlines(lines, 0, 0.08, color=DIM, lw=0.6, transform=axis.get_xaxis_transform())
    legend(axis)


def _hits(axis: Any, take: Take, length: float) -> None:
    if not take.hits:
        axis.set_yticks([])
        _note(axis, "no hits")
        return
    errors = [hit.error_frames for hit in take.hits]
    worst = max(1.5, *(abs(error) for error in errors))
    axis.axhspan(-_WELL_MET_FRAMES, _WELL_MET_FRAMES, color=GREEN, alpha=0.15, lw=0)
    axis.axhline(0, color=EDGE, lw=1)
    axis.set_ylim(-1.25 * worst, 2.0 * worst)
    labelled: list[float] = []
    for hit, error in zip(take.hits, errors, strict=True):
        at = _seconds(take, hit.frame)
        met = abs(error) <= _WELL_MET_FRAMES
        axis.plot([at, at], [0, error], color=YELLOW, lw=1)
        axis.plot(at, error, "D" if met else "X", color=YELLOW if met else RED, ms=6, mec=PANEL)
        far = all(abs(at - other) > _LABEL_ROOM * length for other in labelled)
        if far and len(labelled) < _LABELLED:
            labelled.append(at)
            side = "left" if at < 0.05 * length else "right" if at > 0.95 * length else "center"
            text = f"{hit.label or hit.kind.replace('_', ' ')}\n{error:+.2f} f"
            axis.text(
                at,
                1.9 * worst,
                text,
                color=TEXT,
                fontsize=7,
                ha=side,
                va="top",
                clip_on=True,
                parse_math=False,
            )


def _curves(axis: Any, take: Take, brief: SceneBrief) -> None:
    axis.set_ylim(0, 1.02)
    for index, region in enumerate(brief.dialogue):
        axis.axvspan(
            region.start_s,
            region.end_s,
            facecolor="#50505A",
            edgecolor=DIM,
            hatch="///",
            lw=0,
            alpha=0.6,
            label="dialogue" if index == 0 else None,
        )
    if brief.curves is not None:
        motion = brief.curves.motion
        times = (np.arange(len(motion.values)) + 0.5) * motion.hop_s
        axis.fill_between(times, motion.values, color=SKY, alpha=0.25, lw=0, label="motion")
    if take.tempo is not None and take.sections:
        end = brief.timeline.length_seconds
        edges = [max(0.0, take.tempo.seconds(section.start)) for section in take.sections]
        edges.append(max(end, edges[-1]))
        for name, colour, style in (("tension", RED, "-"), ("density", ORANGE, "--")):
            values = [getattr(section, name) for section in take.sections]
            axis.stairs(values, edges, color=colour, ls=style, lw=1.5, label=name, baseline=None)
    if axis.get_legend_handles_labels()[0]:
        legend(axis)


def _stems(axis: Any, take: Take, brief: SceneBrief, folder: Path) -> None:
    axis.set_ylim(_QUIETEST_LUFS, 0)
    for stem in take.stems:
        lufs = np.maximum(_momentary(folder / stem.path, take), _QUIETEST_LUFS)
        times = np.arange(len(lufs)) * STEP_S
        axis.plot(times, lufs, color=_STEM_COLOURS.get(stem.role, TEXT), lw=1.2, label=stem.role)
    mix = np.maximum(_momentary(folder / take.mix, take), _QUIETEST_LUFS)
    axis.fill_between(
        np.arange(len(mix)) * STEP_S, _QUIETEST_LUFS, mix, color=TEXT, alpha=0.1, lw=0, label="mix"
    )
    axis.axhline(take.loudness_lufs, color=DIM, lw=0.8, ls=":")
    legend(axis)


def _momentary(path: Path, take: Take) -> NDArray[np.float64]:
    """Momentary loudness of a WAV file of the take's, in LUFS every STEP_S."""
    meter = LoudnessMeter(take.sample_rate)
    end = Fraction(take.length_samples, take.sample_rate)
    for block in iter_audio(path, Fraction(0), end, sample_rate=take.sample_rate, channels=2):
        meter.hear(block)
    return momentary(meter.finish())
