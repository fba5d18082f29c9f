"""What a WAV file says of itself: a statement in iXML, and its name in INFO and in bext.

iXML is what sound editors read and keep; INFO what players show; of INFO's comment and bext's
description converters keep one, older ones the last, newer ones the first. Reads all from files of
anyone: no entities, bounded in size and depth.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import defusedxml
from defusedxml.ElementTree import DefusedXMLParser

from musiscene_core.provenance.riff import Wav, append, content, read_wav
from musiscene_core.provenance.statement import MAX_STATEMENT, Statement, name_of

_ROOT, _OURS = "BWFXML", "MUSISCENE"
_MAX_DEPTH = 32
_DESCRIPTION = 256
"""Bytes of it in bext, EBU Tech 3285."""
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NAMED = re.compile(rb"musiscene:statement:([0-9a-f]{64})")


class Mark(NamedTuple):
    """What was found in a file.

    Attributes:
        text: the statement's text; empty where only its name was left.
        name: what the file says the text is named by.
        part: which of the take's files this was.
    """

    text: str
    name: str
    part: str = ""

    @property
    def sound(self) -> bool:
        """Whether the text is the one that is named."""
        return bool(self.text) and name_of(self.text) == self.name


def mark(folder: Path, statement: Statement) -> dict[str, bool]:
    """Write `statement` into each of its files below `folder`; says of each whether it was.

    Raises:
        MediaError: one is no WAV file.
        OutputError: one cannot be written.
    """
    text = statement.text
    return {
        part: append(
            folder / part,
            [(b"iXML", _ixml(statement, text, part)), _info(statement, text)],
            _described(folder / part, text),
        )
        for part in statement.sound
    }


def find_mark(path: Path, wav: Wav) -> Mark | None:
    """What the file at `path` says of itself; None where it says nothing, or nothing of ours.

    Raises:
        MediaError: it cannot be read.
    """
    for chunk in wav.find(b"iXML"):
        found = _read(content(path, chunk))
        if found is not None:
            return found
    for chunk in (*wav.find(b"LIST"), *wav.find(b"bext")):
        named = _NAMED.search(content(path, chunk))
        if named:
            return Mark("", named[1].decode())
    return None


def named_in(tags: Mapping[str, str]) -> Mark | None:
    """What the tags of a file of another form say; None where nothing of ours."""
    for value in tags.values():
        named = _NAMED.search(value.encode("utf-8", "replace"))
        if named:
            return Mark("", named[1].decode())
    return None


def _ixml(statement: Statement, text: str, part: str) -> bytes:
    root = ElementTree.Element(_ROOT)
    use = "may be used commercially" if statement.commercial_use else "commercial use not allowed"
    plain: Mapping[str, str] = {
        "IXML_VERSION": "2.10",
        "PROJECT": statement.cue,
        "TAKE": statement.take,
        "NOTE": f"Music made by {statement.software} with {statement.engine}; "
        f"{statement.licence}, {use}.",
    }
    for tag, value in plain.items():
        ElementTree.SubElement(root, tag).text = _UNPRINTABLE.sub("", value)
    ours = ElementTree.SubElement(root, _OURS)
    for tag, value in (("PART", part), ("NAME", name_of(text)), ("STATEMENT", text)):
        ElementTree.SubElement(ours, tag).text = value
    written: bytes = ElementTree.tostring(root, "utf-8", xml_declaration=True)
    return written


def _info(statement: Statement, text: str) -> tuple[bytes, bytes]:
    words = {
        b"INAM": f"{statement.cue} {statement.take}",
        b"ISFT": statement.software,
        b"ICOP": statement.licence,
        b"ICMT": _named(text),
    }
    body = b"INFO"
    for kind, value in words.items():
        data = value.encode("ascii", "replace") + b"\0"
        body += kind + len(data).to_bytes(4, "little") + data + bytes(len(data) % 2)
    return b"LIST", body


def _named(text: str) -> str:
    return f"musiscene:statement:{name_of(text)}"


def _described(path: Path, text: str) -> tuple[int, bytes] | None:
    """Where bext's description lies in a file, and it with the statement's name behind it."""
    bext = next(iter(read_wav(path).find(b"bext")), None)
    if bext is None or bext.length < _DESCRIPTION:
        return None
    said = content(path, bext)[:_DESCRIPTION].split(b"\0")[0]
    name = _named(text).encode("ascii")
    said = _NAMED.sub(b"", said).rstrip()[: _DESCRIPTION - len(name) - 1]
    return bext.begin, b" ".join(filter(None, (said, name))).ljust(_DESCRIPTION, b"\0")


def _read(data: bytes) -> Mark | None:
    root = _parsed(data.strip(b"\0 \r\n\t"))
    ours = root.find(_OURS) if root is not None and root.tag == _ROOT else None
    if ours is None:
        return None
    text, name = ours.findtext("STATEMENT") or "", ours.findtext("NAME") or ""
    if len(text) > MAX_STATEMENT:
        return None
    return Mark(text, name.strip(), ours.findtext("PART") or "")


def _parsed(data: bytes) -> ElementTree.Element | None:
    parser = DefusedXMLParser(target=_Shallow(), forbid_dtd=True, forbid_entities=True)
    try:
        parser.feed(data)
        root: ElementTree.Element = parser.close()
    except (
        *(defusedxml.DefusedXmlException, ElementTree.ParseError),
        *(ValueError, LookupError, _TooDeepError),
    ):
        return None
    return root


class _TooDeepError(Exception):
    pass


class _Shallow(ElementTree.TreeBuilder):
    """A tree builder that gives up on what nobody would write of a sound file."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0

    def start(self, tag: Any, attrs: Any, /) -> ElementTree.Element:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise _TooDeepError
        return super().start(tag, attrs)

    def end(self, tag: Any, /) -> ElementTree.Element:
        self._depth -= 1
        return super().end(tag)
