"""The lead sheet as pictures: the first part of a MusicXML file, engraved on A4 pages.

Verovio engraves, resvg turns pages into pixels with the text fonts that come with matplotlib, so
that the same file gives the same pictures on every machine. Knows nothing of cues or takes.
"""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from musiscene_core.errors import MediaError

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_OPTIONS = {
    # A4 in tenths of a millimetre.
    "pageWidth": 2100,
    "pageHeight": 2970,
    "pageMarginTop": 120,
    "pageMarginBottom": 120,
    "pageMarginLeft": 120,
    "pageMarginRight": 120,
    "scale": 100,
    "font": "Leland",
    "header": "auto",
    "footer": "none",
    "breaks": "auto",
    "svgViewBox": True,
    "smuflTextFont": "none",
    "xmlIdSeed": 1,
    "spacingSystem": 12,
    "adjustPageHeight": True,
}
_SIGNS = {
    "\ueca5": "\u2669",
    "\ue260": "\u266d",
    "\ue261": "\u266e",
    "\ue262": "\u266f",
    "\uea64": "\u266d",
    "\uea65": "\u266e",
    "\uea66": "\u266f",
}
"""Signs of SMuFL's fonts that stand in running text, and where other fonts have them."""
_FONT = "STIXGeneral"
_FACES = ("STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic", "STIXGeneralBolIta", "DejaVuSans")
PNG_WIDTH = 1654
"""Pixels across a page: A4 at 200 dots an inch."""


def lead_sheet_pages(musicxml: bytes) -> list[str]:
    """The first part of a partwise MusicXML file as SVG, a string a page.

    Raises:
        MediaError: it is no such file, or cannot be engraved.
    """
    import verovio

    try:
        lead = _first_part(musicxml)
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise _unreadable() from error
    toolkit = verovio.toolkit()
    verovio.enableLog(verovio.LOG_OFF)
    toolkit.setOptions(_OPTIONS)
    if not toolkit.loadData(lead) or not toolkit.getPageCount():
        raise _unreadable()
    return [_plain(toolkit.renderToSVG(page)) for page in range(1, toolkit.getPageCount() + 1)]


def as_png(svg: str, width: int = PNG_WIDTH) -> bytes:
    """An SVG page as PNG on white, `width` pixels across."""
    import matplotlib
    import resvg_py

    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg,
            width=width,
            background="#ffffff",
            skip_system_fonts=True,
            font_files=[str(fonts / f"{face}.ttf") for face in _FACES],
            font_family=_FONT,
            serif_family=_FONT,
        )
    )


def _first_part(musicxml: bytes) -> str:
    """The file with its first part alone, without that part's name before every system."""
    root = ElementTree.fromstring(musicxml)
    if root.tag != "score-partwise":
        raise ValueError(f"<{root.tag}> is not a partwise score")
    listed = root.find("part-list")
    parts = root.findall("part")
    if listed is None or not parts:
        raise LookupError("no part")
    for entry in list(listed):
        if entry.get("id") != parts[0].get("id"):
            listed.remove(entry)
    for name in listed.iter("part-name"):
        name.set("print-object", "no")
        name.text = ""
    for part in parts[1:]:
        root.remove(part)
    return ElementTree.tostring(root, encoding="unicode")


def _plain(svg: str) -> str:
    """A page of verovio's as simple SVG: no scripts or styles that renderers read differently."""
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", _XLINK)
    root = ElementTree.fromstring(svg)
    for text in root.iter(f"{{{_SVG}}}text"):
        spans = list(text.iter(f"{{{_SVG}}}tspan"))
        for element in text.iter():
            # Line breaks of the file would stand as spaces in the words.
            element.text = element.text and element.text.strip("\n ") and element.text.strip("\n")
            element.tail = None if element is not text else text.tail
        for span in spans:
            if span.text and span.text.strip() in _SIGNS:
                span.text = _SIGNS[span.text.strip()]
                span.set("font-family", "DejaVu Sans, serif")
                span.set("font-size", _fitting(span.get("font-size", "400px")))
        if any(span.get("text-anchor") for span in spans):
            _flatten(text, spans)
    return ElementTree.tostring(root, encoding="unicode")


def _flatten(text: ElementTree.Element, spans: list[ElementTree.Element]) -> None:
    """Say in one element what `text` is: renderers differ on anchors and zero sizes within it."""
    words = "".join(span.text.strip("\n") for span in spans if span.text and span.text.strip())
    for span in spans:
        for name in ("x", "y", "text-anchor", "font-size", "font-weight", "font-style"):
            if name in span.attrib:
                text.set(name, span.attrib[name])
    for child in list(text):
        text.remove(child)
    text.text = words


def _fitting(size: str) -> str:
    number = re.match(r"\d+", size)
    return f"{round(0.7 * int(number[0]))}px" if number else size


def _unreadable() -> MediaError:
    return MediaError("The cue's MusicXML cannot be engraved.", hint="Score the scene again.")
