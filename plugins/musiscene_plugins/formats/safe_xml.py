"""XML from outside: no entities, no external files, bounded in size and depth; and XML to bytes.

Knows nothing of what the elements mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import defusedxml
from defusedxml.ElementTree import DefusedXMLParser

from musiscene_core.errors import InputError, TimelineError

MAX_XML_BYTES = 256 << 20
MAX_XML_DEPTH = 200
"""Deepest nesting of elements read; no editor comes near."""
MAX_ELEMENTS = 8_000_000
EXPORT_AGAIN = "Export the timeline from the editor again."
Element = ElementTree.Element
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def read_bytes(path: Path) -> bytes:
    """What the file at `path` holds.

    Raises:
        InputError: it cannot be read.
        TimelineError: empty, or too large to be a timeline.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_XML_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
    if len(data) > MAX_XML_BYTES:
        raise TimelineError(f"{path} is too large to be a timeline.", hint=EXPORT_AGAIN)
    if not data.strip():
        raise TimelineError(f"{path} is empty.", hint=EXPORT_AGAIN)
    return data


def parsed(data: bytes, path: Path) -> Element:
    """The root element of the XML in `data`, which came from `path`.

    Raises:
        TimelineError: not XML, damaged, hostile, or nested too deeply.
    """
    builder = _BoundedBuilder()
    parser = DefusedXMLParser(target=builder, forbid_dtd=False, forbid_entities=True)
    try:
        parser.feed(data)
        root: Element = parser.close()
        return root
    except defusedxml.DefusedXmlException as error:
        raise TimelineError(
            f"{path} defines XML entities, which no editor does.",
            hint="Do not use this file; export the timeline again from the editor.",
        ) from error
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise TimelineError(f"{path} is not readable XML: {error}.", hint=EXPORT_AGAIN) from error
    except _TooMuchError as error:
        raise TimelineError(f"{path} {error}.", hint=EXPORT_AGAIN) from error


def rendered(root: Element, doctype: str) -> bytes:
    """`root` as indented UTF-8 with its declaration; `doctype` is empty or a whole DOCTYPE."""
    ElementTree.indent(root, space=" ")
    text = ElementTree.tostring(root, encoding="unicode")
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return (head + (f"{doctype}\n" if doctype else "") + text + "\n").encode()


def child(parent: Element, tag: str, text: object = None, **attributes: object) -> Element:
    """A new last child of `parent`; characters that XML cannot hold are left out."""
    made = ElementTree.SubElement(
        parent, tag, {key: printable(str(value)) for key, value in attributes.items()}
    )
    if text is not None:
        made.text = printable(str(text))
    return made


def printable(text: str) -> str:
    """`text` without the control characters that XML 1.0 has no way to write."""
    return _UNPRINTABLE.sub("", text)


def text_of(element: Element | None, path: str, default: str = "") -> str:
    """The stripped text at `path` below `element`."""
    found = element.findtext(path) if element is not None else None
    return found.strip() if found else default


def whole(text: str | None, what: str, default: int | None = None) -> int:
    """`text` as a whole number of frames; rounding noise of editors is rounded away.

    Raises:
        TimelineError: it is none, and there is no default.
    """
    word = (text or "").strip()
    if not word and default is not None:
        return default
    value = exact(word, what)
    return round(value)


def exact(text: str | None, what: str) -> Fraction:
    """`text` ("12", "1001/30000", "2.5") as a fraction.

    Raises:
        TimelineError: no number, or an absurd one.
    """
    word = (text or "").strip()
    if len(word) <= 15 and word.isascii() and word.isdigit():
        return Fraction(int(word))
    try:
        value = Fraction(word) if len(word) <= 64 and "e" not in word.lower() else None
    except (ValueError, ZeroDivisionError):
        value = None
    if value is None or abs(value) > 10**15:
        raise TimelineError(f"The timeline's {what} is {word[:40]!r}.", hint=EXPORT_AGAIN)
    return value


def unique(elements: Iterable[Element]) -> dict[str, Element]:
    """Elements by their `id`; of several with one id the first that says anything counts."""
    found: dict[str, Element] = {}
    for element in elements:
        name = element.get("id")
        if name and (name not in found or not len(found[name])):
            found[name] = element
    return found


class _TooMuchError(Exception):
    pass


class _BoundedBuilder(ElementTree.TreeBuilder):
    """A tree builder that gives up on trees that no editor would write."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0
        self._count = 0

    def start(self, tag: Any, attrs: Any, /) -> Element:
        self._depth += 1
        self._count += 1
        if self._depth > MAX_XML_DEPTH:
            raise _TooMuchError("is nested too deeply to be a timeline")
        if self._count > MAX_ELEMENTS:
            raise _TooMuchError("holds too many elements to be a timeline")
        return super().start(tag, attrs)

    def end(self, tag: Any, /) -> Element:
        self._depth -= 1
        return super().end(tag)
