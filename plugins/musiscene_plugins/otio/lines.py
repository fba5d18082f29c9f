"""The subtitle lines of an open timeline: given, carried inside, or lying beside it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

from musiscene_core.errors import InputError
from musiscene_core.ranges import FrameRange
from musiscene_core.timeline import Subtitle
from musiscene_plugins.formats.subtitles import (
    SUBTITLE_SUFFIXES,
    SubtitleLine,
    read_subtitles,
)
from musiscene_plugins.otio.document import Document
from musiscene_plugins.otio.placing import base_name

logger = logging.getLogger(__name__)

_TONGUE = re.compile(r"^[A-Za-z]{2,3}([-_][A-Za-z]{2,4})?$")


def lines_of(document: Document, given: Path | None) -> tuple[Subtitle, ...]:
    """The subtitle lines of `document`, on its record frames and in order of time.

    The file that was given counts; else what the timeline carries; else a file beside it. One
    beside it that cannot be read is passed over with a warning.

    Raises:
        InputError: the given file cannot be read.
        TimelineError: it holds no subtitles.
    """
    if given is not None:
        return _placed(read_subtitles(given), document)
    if document.edit is not None and document.edit.subtitles:
        start = document.record.start
        return tuple(
            Subtitle(record=FrameRange.from_length(start + note.start, note.length), text=note.name)
            for note in document.edit.subtitles
        )
    for path in _beside(document.path):
        try:
            return _placed(read_subtitles(path), document)
        except InputError as error:
            logger.warning("%s", error.message)
    return ()


def _placed(lines: Iterable[SubtitleLine], document: Document) -> tuple[Subtitle, ...]:
    """`lines` on record frames; times that count as the timecode does are known by their size."""
    lines = list(lines)
    rate, record = document.rate, document.record
    length, first = rate.seconds(record.length), rate.seconds(record.start)
    earliest = min((line.start for line in lines), default=Fraction(0))
    is_timecode = earliest >= length and first <= earliest < first + length
    origin = 0 if is_timecode else record.start
    placed = []
    for line in lines:
        start, end = (origin + rate.frame_nearest(at) for at in (line.start, line.end))
        span = FrameRange(start, max(end, start + 1))
        placed.append(Subtitle(record=span, text=line.text, speaker=line.speaker))
    return tuple(placed)


def _beside(path: Path) -> list[Path]:
    """Subtitle files that belong to the film at `path`, the likeliest first.

    film.srt, Kdenlive's film.kdenlive.srt, and film.en.srt where it is the only one of its kind.
    """
    try:
        there = [entry for entry in path.parent.iterdir() if _is_subtitles(entry)]
    except OSError:
        return []
    # A scored copy has the subtitles of what it is a copy of; cue lists of ours are none.
    base = base_name(path)
    there = [entry for entry in there if base_name(entry) == entry.stem]
    exact = [entry for entry in there if entry.stem in (base, f"{base}{path.suffix}")]
    named = [entry for entry in there if entry.stem.startswith(f"{base}.")]
    tongues = [entry for entry in named if _TONGUE.match(entry.stem[len(base) + 1 :])]
    return sorted(exact) or (tongues if len(tongues) == 1 else [])


def _is_subtitles(path: Path) -> bool:
    return path.suffix.lower() in SUBTITLE_SUFFIXES and path.is_file()
