"""Every timeline format by name: which files it is, how it is read, joined to and written.

The one place that knows all formats; none of them knows another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from musiscene_core.errors import InputError, RequestError, TimelineError
from musiscene_plugins.formats.cue_list import losses_in_srt, write_srt
from musiscene_plugins.formats.edit import Edit
from musiscene_plugins.formats.fcp7_reading import read_fcp7
from musiscene_plugins.formats.fcp7_writing import join_fcp7, losses_in_fcp7, write_fcp7
from musiscene_plugins.formats.fcpxml_reading import read_fcpxml
from musiscene_plugins.formats.fcpxml_writing import join_fcpxml, losses_in_fcpxml, write_fcpxml
from musiscene_plugins.formats.keys import OTIO_FORMAT
from musiscene_plugins.formats.mlt_reading import is_kdenlive, read_mlt
from musiscene_plugins.formats.mlt_writing import (
    losses_in_kdenlive,
    losses_in_mlt,
    write_kdenlive,
    write_mlt,
)
from musiscene_plugins.formats.safe_xml import Element, parsed, read_bytes
from musiscene_plugins.formats.tags import Removal

_BUNDLED_FCPXML = "Info.fcpxml"


@dataclass(frozen=True)
class WritableFormat:
    """A format that we write.

    Attributes:
        key: as the command line names it.
        suffix: of its files, with the dot.
        write: writes an Edit to a path.
        losses: what of an Edit it cannot hold, a sentence each.
        join: the document that was read, without what was taken away, and with what an Edit
            adds; None where it is written anew.
    """

    key: str
    suffix: str
    write: Callable[[Edit, Path], None]
    losses: Callable[[Edit], Iterable[str]]
    join: Callable[[Path, Edit, str | None, Removal], bytes] | None = None


def read_xml(path: Path, name: str | None) -> tuple[Edit, str]:
    """The timeline in an XML file or .fcpxmld bundle, and the key of its format.

    Raises:
        InputError: it cannot be read.
        TimelineError: damaged, hostile, or no timeline that we know.
    """
    root = _root_of(path)
    if root.tag == "xmeml":
        return read_fcp7(root, path, name=name), "fcp7"
    if root.tag == "fcpxml":
        return read_fcpxml(root, path, name=name), "fcpxml"
    if root.tag == "mlt":
        return read_mlt(root, path), "kdenlive" if is_kdenlive(root) else "mlt"
    raise TimelineError(
        f"{path} is XML, but no timeline that is known here.",
        hint="Export Final Cut Pro XML, FCPXML or OpenTimelineIO from the editor.",
    )


def writable(key: str) -> WritableFormat:
    """The format called `key`.

    Raises:
        RequestError: there is none, or its library is not installed.
    """
    if key == "aaf":
        _ = _aaf_library()
    found = {entry.key: entry for entry in _writable()}
    if key not in found:
        raise RequestError(
            f"A scored timeline cannot be written as {key!r}.",
            hint=f"Formats are {OTIO_FORMAT}, {', '.join(found)}.",
        )
    return found[key]


def _writable() -> tuple[WritableFormat, ...]:
    return (
        WritableFormat("fcp7", ".xml", _to_file(write_fcp7), losses_in_fcp7, _joined(join_fcp7)),
        WritableFormat(
            "fcpxml", ".fcpxml", _to_file(write_fcpxml), losses_in_fcpxml, _joined(join_fcpxml)
        ),
        WritableFormat("mlt", ".mlt", _to_file(write_mlt), losses_in_mlt),
        WritableFormat("kdenlive", ".kdenlive", _to_file(write_kdenlive), losses_in_kdenlive),
        WritableFormat("aaf", ".aaf", _write_aaf, _losses_in_aaf),
        WritableFormat("srt", ".srt", _to_file(write_srt), losses_in_srt),
    )


def _to_file(write: Callable[[Edit], bytes]) -> Callable[[Edit, Path], None]:
    def to_file(edit: Edit, path: Path) -> None:
        path.write_bytes(write(edit))

    return to_file


def _joined(
    join: Callable[[Element, Path, Edit, str | None, Removal], bytes],
) -> Callable[[Path, Edit, str | None, Removal], bytes]:
    def joined(path: Path, edit: Edit, name: str | None, removal: Removal) -> bytes:
        return join(_root_of(path), path, edit, name, removal)

    return joined


def _root_of(path: Path) -> Element:
    file = path
    if path.suffix.lower() == ".fcpxmld":
        file = path / _BUNDLED_FCPXML
        if not file.is_file():
            raise InputError(f"{path} holds no {_BUNDLED_FCPXML}.", hint="Export it again.")
    return parsed(read_bytes(file), path)


def _aaf_library() -> object:
    from musiscene_plugins.formats.aaf_writing import library

    return library()


def _write_aaf(edit: Edit, path: Path) -> None:
    from musiscene_plugins.formats.aaf_writing import write_aaf

    write_aaf(edit, path)


def _losses_in_aaf(edit: Edit) -> Iterable[str]:
    from musiscene_plugins.formats.aaf_writing import losses_in_aaf

    return losses_in_aaf(edit)
