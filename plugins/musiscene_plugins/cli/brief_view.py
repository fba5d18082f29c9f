"""A SceneBrief as tables on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from musiscene_core.brief import SceneBrief
from musiscene_core.keys import key_name
from musiscene_core.timecode import format_timecode
from musiscene_plugins.cli.music_words import strongest
from musiscene_plugins.cli.terminal import result_console

_SHOWN_SHOTS = 40
_SHOWN_HITS = 12
_SHOWN_LINES = 40


def show_brief(brief: SceneBrief) -> None:
    """Print the brief."""
    console = result_console()
    timeline = brief.timeline
    rate, record = timeline.rate, timeline.record
    begin, end = format_timecode(record.start, rate), format_timecode(record.end, rate)
    console.print(
        f"{timeline.cue}: {begin} - {end}, {timeline.length_seconds:.2f} s "
        f"at {rate.name} frames a second",
        markup=False,
        style="bold",
    )
    _captions(console, brief)
    _shots(console, brief)
    _frames(console, brief)
    _dialogue(console, brief)
    _lines(console, brief)
    _temp_track(console, brief)
    _hit_points(console, brief)
    _feeling(console, brief)
    _stages(console, brief)
    for warning in brief.warnings:
        console.print(f"Note: {warning}", markup=False, style="yellow")


def _captions(console: Console, brief: SceneBrief) -> None:
    captions = brief.captions
    for title, caption in (("Picture", captions.video), ("Temp music", captions.music)):
        if caption.text:
            console.print(f"{title}: {caption.text}", markup=False)


def _shots(console: Console, brief: SceneBrief) -> None:
    if not brief.shots:
        return
    rows = [
        (
            str(number),
            _record_timecode(brief, shot.start_frame),
            f"{(shot.end_frame - shot.start_frame) / float(brief.timeline.rate.fps):.2f} s",
            shot.transition,
            f"{shot.motion:.2f}",
            f"{shot.brightness:.2f}",
            f"{shot.warmth:+.2f}",
            shot.clip,
        )
        for number, shot in enumerate(brief.shots, start=1)
    ]
    titles = ("Shot", "Begins", "Length", "By", "Motion", "Light", "Warmth", "Clip")
    _table(console, titles, rows, _SHOWN_SHOTS)


def _dialogue(console: Console, brief: SceneBrief) -> None:
    rate = brief.timeline.rate
    rows = [
        (
            _record_timecode(brief, rate.frame_nearest(region.start_s)),
            _record_timecode(brief, rate.frame_nearest(region.end_s)),
            f"{region.confidence:.2f}",
        )
        for region in brief.dialogue
    ]
    _table(console, ("Dialogue from", "to", "Confidence"), rows, _SHOWN_LINES)


def _frames(console: Console, brief: SceneBrief) -> None:
    dimensions = brief.emotion_curve.dimensions
    rows = [
        (
            _record_timecode(brief, frame.frame),
            str(frame.shot + 1),
            f"{frame.sharpness:.2f}",
            str(frame.faces),
            max(zip(frame.feelings, dimensions, strict=False))[1] if frame.feelings else "",
            frame.caption.text,
        )
        for frame in brief.frames
    ]
    titles = ("Frame", "Shot", "Sharp", "Faces", "Mood", "Shows")
    _table(console, titles, rows, _SHOWN_LINES)


def _lines(console: Console, brief: SceneBrief) -> None:
    rate = brief.timeline.rate
    rows = [
        (
            _record_timecode(brief, rate.frame_nearest(line.start_s)),
            line.speaker,
            line.origin,
            line.text,
        )
        for line in brief.lines
    ]
    _table(console, ("Said at", "Who", "From", "Words"), rows, _SHOWN_LINES)


def _stages(console: Console, brief: SceneBrief) -> None:
    rows = [(stage.stage, stage.state, stage.by, stage.message) for stage in brief.stages]
    _table(console, ("Stage", "", "By", "Note"), rows, len(rows))


def _temp_track(console: Console, brief: SceneBrief) -> None:
    temp = brief.temp_track
    if not temp.present:
        console.print("Temp music: none heard")
        return
    words = []
    if temp.tempo_bpm:
        words.append(f"{temp.tempo_bpm:.1f} BPM ({temp.tempo_confidence:.0%} sure)")
    if temp.key is not None:
        words.append(f"{key_name(temp.key, temp.mode)} ({temp.key_confidence:.0%} sure)")
    console.print(f"Temp music: {', '.join(words) or 'heard, without tempo or key'}", markup=False)


def _hit_points(console: Console, brief: SceneBrief) -> None:
    best = sorted(brief.hit_points, key=lambda hit: hit.rank)
    rows = [
        (
            str(hit.rank),
            _record_timecode(brief, hit.frame),
            hit.kind.replace("_", " "),
            f"{hit.strength:.2f}",
            hit.label,
        )
        for hit in best
    ]
    _table(console, ("Hit", "At", "Kind", "Strength", "Name"), rows, _SHOWN_HITS)


def _feeling(console: Console, brief: SceneBrief) -> None:
    curve = brief.emotion_curve
    if not curve.points:
        return
    step = max(1, len(curve.points) // 8)
    rows = [
        (
            _record_timecode(brief, brief.timeline.rate.frame_nearest(point.time_s)),
            f"{point.valence:+.2f}",
            f"{point.arousal:+.2f}",
            strongest(point, curve.dimensions),
        )
        for point in curve.points[::step]
    ]
    _table(console, ("Feeling at", "Valence", "Arousal", "Strongest"), rows, len(rows))


def _table(
    console: Console, titles: Sequence[str], rows: Sequence[Sequence[str]], shown: int
) -> None:
    if not rows:
        return
    table = Table(*titles, box=None, pad_edge=False, title_justify="left")
    for row in rows[:shown]:
        table.add_row(*row)
    console.print()
    console.print(table)
    if len(rows) > shown:
        console.print(f"... and {len(rows) - shown} more (--json lists all)")


def _record_timecode(brief: SceneBrief, cue_frame: int) -> str:
    return format_timecode(brief.timeline.record.start + cue_frame, brief.timeline.rate)
