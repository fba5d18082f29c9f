"""A cue list as SubRip subtitles (.srt)."""

from __future__ import annotations

from musiscene_core.timecode import FrameRate, format_timecode
from musiscene_plugins.formats.edit import Edit


def write_srt(edit: Edit) -> bytes:
    """The music that `edit` adds, and its other markers, as subtitles: a cue list to play along."""
    lines = [(note.start, note.start + note.length, note.name) for note in edit.notes if note.name]
    heard: dict[tuple[int, int, str], list[str]] = {}
    for lane in edit.of_kind("audio"):
        for event in lane.events if lane.added and lane.enabled else ():
            heard.setdefault((event.start, event.end, ""), []).append(lane.name)
    for (start, end, _), names in heard.items():
        at = format_timecode(edit.start + start, edit.rate)
        lines.append((start, end, f"Music from {at}: {', '.join(names)}"))
    written = [
        f"{number}\n{_clock(edit.rate, start)} --> {_clock(edit.rate, end)}\n{text}\n"
        for number, (start, end, text) in enumerate(sorted(lines), start=1)
    ]
    return "\n".join(written).encode()


def losses_in_srt(edit: Edit) -> list[str]:
    """What of `edit` the format cannot hold: all but a list of cues and markers."""
    return ["Subtitles hold only the names and times of cues and markers, no clips."]


def _clock(rate: FrameRate, frame: int) -> str:
    milliseconds = round(rate.seconds(frame) * 1000)
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d},{rest:03d}"
