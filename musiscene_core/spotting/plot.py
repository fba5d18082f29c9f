"""The scene chart: a brief as one picture, for people who read curves faster than numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from musiscene_core.brief import DIMENSIONS, SceneBrief
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
from musiscene_core.codec import write_atomically
from musiscene_core.spotting.describe import clock
from musiscene_core.timecode import format_timecode

_HIT_MARKS = {"cut": "D", "motion": "^", "dialogue_end": "s", "marker": "*"}
_STRONGEST_DIMENSIONS = 4
_LABELLED_HITS = 12
_LABEL_ROOM = 0.065
"""Share of the chart's width that a label takes."""


def plot_brief(brief: SceneBrief, path: Path) -> None:
    """Draw shots, motion, light, dialogue, temp track, hit points and emotion into a PNG.

    Raises:
        OutputError: `path` cannot be written.
    """
    from matplotlib.figure import Figure

    length = brief.timeline.length_seconds
    figure = Figure(figsize=(14, 8.2), dpi=110, facecolor=BACKGROUND)
    axes = figure.subplots(
        5, 1, sharex=True, gridspec_kw={"height_ratios": (0.9, 1.7, 0.9, 1.7, 1.7), "hspace": 0.26}
    )
    for axis, title in zip(axes, ("Shots", "Picture", "Sound", "Feeling", "Mood"), strict=True):
        dress(axis, title, length)
    _shots(axes[0], brief)
    _picture(axes[1], brief)
    _sound(axes[2], brief)
    _feeling(axes[3], brief)
    _mood(axes[4], brief)
    axes[-1].xaxis.set_major_formatter(lambda seconds, _: clock(max(0.0, seconds)))
    axes[-1].tick_params(labelbottom=True)
    record = brief.timeline.record
    rate = brief.timeline.rate
    figure.suptitle(
        f"{brief.timeline.cue}   {format_timecode(record.start, rate)} – "
        f"{format_timecode(record.end, rate)}   {rate.name} fps   {length:.2f} s",
        color=TEXT,
        fontsize=13,
        x=0.075,
        y=0.965,
        ha="left",
    )
    figure.text(0.075, 0.018, brief.captions.fusion.text, color=TEXT, fontsize=10, style="italic")
    figure.subplots_adjust(left=0.075, right=0.985, top=0.925, bottom=0.085)
    write_atomically(path, as_png(figure))


def _shots(axis: Any, brief: SceneBrief) -> None:
    rate = float(brief.timeline.rate.fps)
    for number, shot in enumerate(brief.shots, start=1):
        start, end = shot.start_frame / rate, shot.end_frame / rate
        axis.axvspan(start, end, color=_shade(shot.brightness, shot.warmth), lw=0)
        style = "-" if shot.transition in ("cut", "start") else ":"
        axis.axvline(start, color=TEXT, lw=1, ls=style)
        if (end - start) / brief.timeline.length_seconds > 0.012:
            axis.text(start, 0.06, f" {number}", color=TEXT, fontsize=8, va="bottom")
    axis.set_ylim(0, 1)
    axis.set_yticks([])
    for hit in brief.hit_points:
        axis.plot(
            hit.frame / rate,
            0.62,
            _HIT_MARKS[hit.kind],
            color=YELLOW,
            ms=3 + 6 * hit.strength,
            alpha=0.35 + 0.65 * hit.strength,
            mec=PANEL,
        )
    _hit_labels(axis, brief)


def _hit_labels(axis: Any, brief: SceneBrief) -> None:
    """Name the strongest hits, leaving out those whose names would run into a stronger one's."""
    rate, length = float(brief.timeline.rate.fps), brief.timeline.length_seconds
    labelled: list[float] = []
    for hit in sorted(brief.hit_points, key=lambda hit: hit.rank)[:_LABELLED_HITS]:
        time = hit.frame / rate
        if all(abs(time - other) > _LABEL_ROOM * length for other in labelled):
            labelled.append(time)
            side = "left" if time < length / 20 else "right" if time > length * 0.95 else "center"
            axis.text(time, 0.84, hit.label, color=YELLOW, fontsize=7, ha=side, clip_on=True)


def _shade(brightness: float, warmth: float) -> tuple[float, float, float]:
    level = 0.12 + 0.5 * min(1.0, max(0.0, brightness))
    shift = 0.25 * max(-1.0, min(1.0, warmth))
    return min(1.0, level * (1 + shift)), level, min(1.0, level * (1 - shift))


def _steps(axis: Any, hop: float, values: Sequence[float], label: str, **style: Any) -> None:
    times = (np.arange(len(values)) + 0.5) * hop
    axis.plot(times, values, label=label, **style)


def _picture(axis: Any, brief: SceneBrief) -> None:
    curves = brief.curves
    if curves is None:
        axis.text(0.5, 0.5, "no picture", color=DIM, transform=axis.transAxes, ha="center")
        return
    motion = curves.motion
    times = (np.arange(len(motion.values)) + 0.5) * motion.hop_s
    axis.fill_between(times, motion.values, color=SKY, alpha=0.35, lw=0)
    _steps(axis, motion.hop_s, motion.values, "motion", color=SKY, lw=1.2)
    _steps(axis, motion.hop_s, curves.saliency.values, "sudden motion", color=RED, lw=0.8)
    _steps(axis, motion.hop_s, curves.brightness.values, "brightness", color=YELLOW, lw=1)
    _steps(axis, motion.hop_s, curves.saturation.values, "saturation", color=PINK, lw=1, ls="--")
    warm = (curves.warmth.array() + 1) / 2
    _steps(
        axis, motion.hop_s, warm.tolist(), "warmth (middle = neutral)", color=ORANGE, lw=1, ls=":"
    )
    axis.set_ylim(0, 1.02)
    legend(axis, above=True)


def _sound(axis: Any, brief: SceneBrief) -> None:
    axis.set_ylim(0, 1)
    axis.set_yticks([])
    for index, region in enumerate(brief.dialogue):
        axis.axvspan(
            region.start_s,
            region.end_s,
            0.55,
            0.95,
            facecolor="#50505A",
            edgecolor=TEXT,
            hatch="///",
            lw=0,
            label="dialogue" if index == 0 else None,
        )
    temp = brief.temp_track
    if temp.present and temp.energy.values:
        times = (np.arange(len(temp.energy.values)) + 0.5) * temp.energy.hop_s
        energy = 0.5 * temp.energy.array()
        axis.fill_between(times, energy, color=GREEN, alpha=0.6, lw=0, label="temp track energy")
        axis.vlines(temp.beats_s, 0, 0.06, color=TEXT, lw=0.5)
    if brief.dialogue or temp.present:
        legend(axis, above=True)


def _feeling(axis: Any, brief: SceneBrief) -> None:
    curve = brief.emotion_curve
    axis.axhline(0, color=EDGE, lw=1)
    _steps(axis, curve.hop_s, [point.valence for point in curve.points], "valence", color=GREEN)
    _steps(
        axis, curve.hop_s, [point.arousal for point in curve.points], "arousal", color=RED, ls="--"
    )
    axis.set_ylim(-1.05, 1.05)
    legend(axis, above=True)


def _mood(axis: Any, brief: SceneBrief) -> None:
    curve = brief.emotion_curve
    weights = np.array([point.weights for point in curve.points])
    strongest = np.argsort(-weights.mean(axis=0))[:_STRONGEST_DIMENSIONS]
    styles = ("-", "--", "-.", ":")
    for column, colour, style in zip(strongest, (SKY, ORANGE, PINK, YELLOW), styles, strict=True):
        _steps(
            axis,
            curve.hop_s,
            weights[:, column].tolist(),
            DIMENSIONS[column],
            color=colour,
            ls=style,
        )
    axis.set_ylim(0, max(0.4, float(weights.max()) * 1.1))
    legend(axis, above=True)
