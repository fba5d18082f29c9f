"""Spoken lines: dialogue regions from subtitles, where the timeline has any.

Subtitles say that someone speaks, and what; they stand longer than the words last. So speech that
was heard keeps its own edges, and a line under which nothing was heard is believed as it stands:
a foreign tongue, a whisper, a timeline without its sound. Knows nothing of subtitle files.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from musiscene_core.brief import DialogueRegion
from musiscene_core.spotting.dialogue import MIN_PAUSE_S
from musiscene_core.timeline import TimelineRange

_NOT_SPOKEN = re.compile(r"\[[^\]]*\]|\([^)]*\)|[♪♫#*][^♪♫#*]*[♪♫#*]?")
_WORD = re.compile(r"\w")


def is_spoken(text: str) -> bool:
    """Whether a subtitle holds words that someone says, not only "[door slams]" or a song."""
    return _WORD.search(_NOT_SPOKEN.sub("", text)) is not None


def with_lines(
    heard: Sequence[DialogueRegion], timeline: TimelineRange
) -> tuple[DialogueRegion, ...]:
    """The regions `heard`, and one for each run of subtitle lines under which none was heard.

    Args:
        heard: in order, in cue seconds.
        timeline: the range, with its subtitles.

    Returns:
        Regions in order and apart.
    """
    length = timeline.length_seconds
    lines: list[tuple[float, float]] = []
    for line in timeline.subtitles:
        part = line.record.overlap(timeline.record)
        if part is None or not is_spoken(line.text):
            continue
        first, last = (
            float(timeline.rate.seconds(frame - timeline.record.start))
            for frame in (part.start, part.end)
        )
        if any(region.start_s < last and first < region.end_s for region in heard):
            continue
        if lines and first - lines[-1][1] < MIN_PAUSE_S:
            lines[-1] = (lines[-1][0], max(last, lines[-1][1]))
        else:
            lines.append((first, last))
    if not lines:
        return tuple(heard)
    believed = [
        DialogueRegion(start_s=round(first, 3), end_s=round(min(last, length), 3))
        for first, last in _apart(lines, heard)
    ]
    return tuple(sorted((*heard, *believed), key=lambda region: region.start_s))


def _apart(
    lines: Sequence[tuple[float, float]], heard: Sequence[DialogueRegion]
) -> list[tuple[float, float]]:
    """`lines` cut where runs of them reach over speech that was heard between."""
    parts = []
    for first, last in lines:
        at = first
        for region in heard:
            if at < region.start_s < last:
                parts.append((at, region.start_s))
            if at < region.end_s and region.start_s < last:
                at = region.end_s
        if at < last:
            parts.append((at, last))
    return parts
