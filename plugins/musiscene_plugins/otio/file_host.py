"""FileHost: a timeline file, or a bare movie, as an editor host."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path, PureWindowsPath

import msgspec

from musiscene_core.errors import (
    InputError,
    MediaOfflineError,
    OutputError,
    RangeError,
    TimelineError,
)
from musiscene_core.media_urls import escapes, is_relative_url, path_of_url
from musiscene_core.ranges import FrameRange
from musiscene_core.timecode import FrameRate, format_timecode
from musiscene_core.timeline import (
    Marker,
    MediaReference,
    Role,
    Subtitle,
    TimelineClip,
    TimelineRange,
)
from musiscene_plugins.choosing import choose_range
from musiscene_plugins.formats.catalogue import read_xml
from musiscene_plugins.formats.keys import XML_SUFFIXES
from musiscene_plugins.host import (
    EditorInfo,
    PlaceLayout,
    Placement,
    PlacePolicy,
    RangeChoice,
    TakeInFolder,
    TimelineDescription,
)
from musiscene_plugins.otio.adapted import aaf_document, edl_document
from musiscene_plugins.otio.bundle import media_folder
from musiscene_plugins.otio.document import Document, metadata_of, read_document
from musiscene_plugins.otio.from_edit import document_from
from musiscene_plugins.otio.lines import lines_of
from musiscene_plugins.otio.movie import movie_document
from musiscene_plugins.otio.placing import base_name, place_in_copy, remove_copy
from musiscene_plugins.otio.reading import Reading, read_everything
from musiscene_plugins.otio.saving import CopyStyle, check_format

logger = logging.getLogger(__name__)

TIMELINE_SUFFIXES = (".otio", ".otioz", ".otiod")
_CLOSED_TIMELINES = (".drp", ".prproj")
_TIMELINE_BUNDLES = (".otiod", ".fcpxmld")


class HostSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How to read a timeline file where it does not say, or says it wrong.

    Attributes:
        rate: frame rate to take instead of the file's.
        drop_frame: count timecode with dropped numbers.
        roles: roles by track name or label ("a2"), in lower case.
        timeline_name: which timeline, where the file holds several.
        output: folder for the scored copy; None is the timeline's own.
        format: key of the format of the scored copy; None keeps the timeline's.
        subtitles: a subtitle file; None takes those in the timeline or beside it.
    """

    rate: FrameRate | None = None
    drop_frame: bool = False
    roles: Mapping[str, Role] = {}
    timeline_name: str | None = None
    output: Path | None = None
    format: str | None = None
    subtitles: Path | None = None


def open_timeline(path: Path, settings: HostSettings | None = None) -> FileHost:
    """Open a timeline file or a movie.

    Raises:
        InputError: missing or unreadable.
        TimelineError: a damaged timeline, or one of a kind we cannot read.
        MediaError: not a movie, or a damaged one.
        TimecodeError: drop-frame at a rate that has none.
        RequestError: the scored copy's format cannot be written here.
    """
    settings = settings or HostSettings()
    path = path.expanduser().absolute()
    if not path.exists():
        raise InputError(
            f"{path} is not there.", hint="Check the name; give a movie or an .otio timeline."
        )
    suffix = path.suffix.lower()
    if path.is_dir() and suffix not in _TIMELINE_BUNDLES:
        raise InputError(f"{path} is a folder.", hint="Give a movie or an .otio timeline.")
    if not (path.is_file() or path.is_dir()):
        raise InputError(f"{path} is not a file.", hint="Give a movie or an .otio timeline.")
    if settings.format is not None:
        check_format(settings.format)
    document = _opened(path, suffix, settings)
    if settings.drop_frame or (settings.rate is not None and settings.rate.drop_frame):
        document = document.counting_drop_frame()
    return FileHost(document, settings)


def _opened(path: Path, suffix: str, settings: HostSettings) -> Document:
    rate, name = settings.rate, settings.timeline_name
    if suffix in _CLOSED_TIMELINES:
        raise TimelineError(
            f"{path} is a project that only its editor can read.",
            hint="Export it from the editor as OpenTimelineIO, FCPXML, XML or AAF.",
        )
    if suffix in TIMELINE_SUFFIXES:
        return read_document(path, rate=rate, timeline_name=name)
    if suffix in XML_SUFFIXES:
        edit, key = read_xml(path, name)
        return document_from(edit, path, rate=rate, format=key, chosen=name)
    if suffix == ".edl":
        return edl_document(path, rate=rate)
    if suffix == ".aaf":
        return aaf_document(path, rate=rate, name=name)
    return movie_document(path, rate=rate, roles=settings.roles)


class FileHost:
    """An open timeline file or movie; see EditorHost for what each method promises."""

    def __init__(self, document: Document, settings: HostSettings) -> None:
        self._document = document
        self._settings = settings
        self._paths: dict[str, str] = {}
        self._stamp = _stamp(document.path)

    def editor(self) -> EditorInfo:
        """A file: no editor is needed."""
        return EditorInfo(name="timeline file")

    def describe(self) -> TimelineDescription:
        """The timeline at a glance."""
        return TimelineDescription(
            name=self._document.name,
            rate=self._document.rate,
            record=self._document.record,
            tracks=self._reading.tracks,
            warnings=self._document.warnings + self._reading.warnings,
        )

    def markers(self) -> tuple[Marker, ...]:
        """The user's markers in order of time."""
        return self._reading.markers

    def read_range(self, choice: RangeChoice) -> TimelineRange:
        """The range that `choice` names.

        A ";" in its timecodes asks for drop-frame counting where the file does not say how.
        """
        document = self._counting_as_in(choice)
        for warning in (*document.warnings, *self._reading.warnings):
            logger.warning("%s", warning)
        chosen = choose_range(
            choice,
            timeline=document.record,
            rate=document.rate,
            markers=self._reading.markers,
            marks=_marks(document),
            stem=base_name(document.path),
        )
        touching = [
            clip for clip in self._reading.clips if clip.mapping.record.overlap(chosen.record)
        ]
        if not any(clip.role != "score" for clip in touching):
            start = format_timecode(chosen.record.start, document.rate)
            end = format_timecode(chosen.record.end, document.rate)
            raise RangeError(
                f"Nothing lies under the range {start} to {end}: it is in a gap.",
                hint="Move In and Out over a clip.",
            )
        return TimelineRange(
            cue=chosen.cue,
            rate=document.rate,
            record=chosen.record,
            clips=tuple(self._with_found_media(clip, document.rate) for clip in touching),
            markers=tuple(
                marker for marker in self._reading.markers if marker.record.overlap(chosen.record)
            ),
            subtitles=tuple(line for line in self._lines if line.record.overlap(chosen.record)),
        )

    def locate_media(self, reference: MediaReference) -> Path:
        """The file of `reference`: where the timeline says, else beside it by the same name."""
        found = _existing(Path(reference.path)) if reference.path else None
        if found is not None:
            return found
        # A Windows path has no parts here; a POSIX path is the same to both. An EDL names files
        # without a path.
        base = PureWindowsPath(reference.path or reference.name).name
        folders = (self._media_folder, self._media_folder / "media") if base else ()
        for folder in folders:
            beside = _existing(folder / base)
            if beside is not None:
                return beside
        raise MediaOfflineError(
            f"The media of {reference.name!r} is offline: "
            f"{reference.path or 'the timeline names no file'}.",
            hint="Put the file back, or beside the timeline, and try again.",
        )

    def place_takes(
        self,
        takes: Sequence[TakeInFolder],
        *,
        layout: PlaceLayout = "stems",
        policy: PlacePolicy = "new",
    ) -> Placement:
        """Write a copy of the timeline, `<name>.scored.otio`, with `takes` on new tracks.

        The copy is of the timeline as it is now: what was edited since it was opened is in it,
        where that does not concern the scene.
        """
        now = self._as_it_is_now(takes)
        if now is not self:
            return now.place_takes(takes, layout=layout, policy=policy)
        folder = self._settings.output or self._document.path.parent
        style = CopyStyle(self._settings.format, self._reading.markers, self._path_of)
        return place_in_copy(
            self._document, takes, folder=folder, layout=layout, policy=policy, style=style
        )

    def remove_placement(self, placement: Placement) -> None:
        """Delete the copy that `placement` wrote, unless someone has worked on it since."""
        remove_copy(placement)

    def _as_it_is_now(self, takes: Sequence[TakeInFolder]) -> FileHost:
        path = self._document.path
        stamp = _stamp(path)
        if stamp is None and self._settings.output is None:
            # A folder made in its stead would hide below the drive once that is back.
            raise OutputError(
                f"{path} is not there any more; nothing was placed.",
                hint="Put it or its drive back and place again: the take is kept.",
            )
        if stamp in (None, self._stamp):
            return self
        now = open_timeline(path, self._settings)
        for put in takes:
            if self._under(put.take.record) != now._under(put.take.record):
                raise TimelineError(
                    f"{path} was cut anew under the take since it was opened; nothing was placed.",
                    hint="Read it again and look whether the music still fits: the take is kept.",
                )
        return now

    def _under(self, record: FrameRange) -> list[TimelineClip]:
        return [clip for clip in self._reading.clips if clip.mapping.record.overlap(record)]

    @cached_property
    def _reading(self) -> Reading:
        return read_everything(self._document, self._settings.roles, self._path_of)

    @cached_property
    def _lines(self) -> tuple[Subtitle, ...]:
        return lines_of(self._document, self._settings.subtitles)

    @cached_property
    def _media_folder(self) -> Path:
        return media_folder(self._document.path)

    def _path_of(self, url: str) -> str:
        if self._document.is_bundle and is_relative_url(url) and escapes(url):
            raise TimelineError(
                f"{self._document.path} refers to {url!r}, which lies outside it.",
                hint="Do not use this file; export the timeline again from the editor.",
            )
        if url not in self._paths:
            self._paths[url] = path_of_url(url, self._media_folder)
        return self._paths[url]

    def _with_found_media(self, clip: TimelineClip, rate: FrameRate) -> TimelineClip:
        media = clip.media
        try:
            media = msgspec.structs.replace(media, path=str(self.locate_media(media)))
        except MediaOfflineError as offline:
            logger.warning("%s", offline.message)
        mapping = msgspec.structs.replace(clip.mapping, record_rate=rate)
        return msgspec.structs.replace(clip, media=media, mapping=mapping)

    def _counting_as_in(self, choice: RangeChoice) -> Document:
        texts = (choice.record_in or "", choice.record_out or "")
        document = self._document
        has_drop = document.rate.denominator == 1001 and document.rate.nominal % 30 == 0
        if any(";" in text for text in texts) and has_drop and not document.rate.drop_frame:
            return document.counting_drop_frame()
        return document


def _marks(document: Document) -> FrameRange | None:
    """In and Out marks as a Final Cut 7 XML sequence carries them, kept when made into OTIO."""
    marks = [metadata_of(document.timeline, "fcp_xml", key) for key in ("in", "out")]
    try:
        start, end = (int(mark) for mark in marks)
    except (TypeError, ValueError):
        return None
    if not 0 <= start < end <= document.record.length:
        return None
    return FrameRange(start, end).shifted(document.record.start)


def _stamp(path: Path) -> tuple[int, int] | None:
    """What changes when a file does; None where there is none."""
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_mtime_ns, seen.st_size


def _existing(path: Path) -> Path | None:
    try:
        return path if path.is_file() else None
    except (OSError, ValueError):
        return None
