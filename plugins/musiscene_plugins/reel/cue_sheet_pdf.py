"""The cue sheet as a PDF: A4 across, as many pages as it takes; the same sheet, the same bytes.

Drawn by matplotlib, which is there for our charts anyway, embeds the fonts it uses and takes a
second font for letters that the first lacks. Chinese, Japanese and Korean need such a font on
this machine; letters that no font has are told, since a page would show boxes.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from musiscene_core.timecode import format_timecode
from musiscene_plugins.reel.cue_sheet import CueSheet, SheetRow, clock

logger = logging.getLogger(__name__)

_WIDTH_MM, _HEIGHT_MM = 297.0, 210.0
_LEFT_MM, _RIGHT_MM, _TOP_MM, _BOTTOM_MM = 15.0, 282.0, 16.0, 16.0
_ROW_MM, _LINE_MM = 4.2, 3.6
_PAD_MM = 2.2
_SIZE, _SMALL, _TITLE = 7.5, 6.5, 15.0
_INK, _DIM, _RULE, _SHADE = "#1A1A1E", "#66666E", "#C8C8CE", "#F3F3F6"
_BOX = "\u25a1"
_MM_PER_POINT = 25.4 / 72
_FALLBACKS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Source Han Sans SC",
    "WenQuanYi Zen Hei",
    "Microsoft YaHei",
    "Yu Gothic",
    "Malgun Gothic",
    "PingFang SC",
    "Hiragino Sans",
    "Arial Unicode MS",
    "Noto Sans",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
)
"""Fonts taken where they are installed, for letters that DejaVu Sans lacks."""


@dataclass(frozen=True)
class _Column:
    title: str
    left_mm: float
    right_mm: float
    to_right: bool = False

    @property
    def width_mm(self) -> float:
        return self.right_mm - self.left_mm - 2.0


_COLUMNS = (
    _Column("Cue", 15, 27),
    _Column("Title", 27, 80),
    _Column("Record in", 80, 101),
    _Column("Record out", 101, 122),
    _Column("Length", 122, 136, to_right=True),
    _Column("Use", 138, 147),
    _Column("Dial.", 147, 157, to_right=True),
    _Column("Composer", 160, 185),
    _Column("Publisher", 185, 210),
    _Column("Key", 210, 226),
    _Column("BPM", 226, 235, to_right=True),
    _Column("Made by", 238, 265.5),
    _Column("Licence", 265.5, 282),
)


def as_pdf(sheet: CueSheet) -> bytes:
    """The sheet as a PDF."""
    import matplotlib
    from matplotlib.backends.backend_pdf import PdfPages

    file = BytesIO()
    # Text stays text (type 42), and nothing tells when the file was made.
    with matplotlib.rc_context({"pdf.fonttype": 42, "pdf.compression": 6}):
        title = f"Cue sheet: {sheet.settings.title}"
        details = {"Title": title, "Creator": "MusiScene", "CreationDate": None, "Producer": None}
        with PdfPages(file, metadata=details) as pdf:
            for figure in pages_of(sheet):
                pdf.savefig(figure)
    return file.getvalue()


def pages_of(sheet: CueSheet) -> list[Any]:
    """The sheet's pages as matplotlib Figures."""
    return _Pages(sheet).figures()


class _Pages:
    """Lays the rows out and draws them."""

    def __init__(self, sheet: CueSheet) -> None:
        self._sheet = sheet
        self._fonts = _fonts("".join(_texts(sheet)))
        self._rows = [[self._wrapped(*cell) for cell in self._cells(row)] for row in sheet.rows]

    def figures(self) -> list[Any]:
        """A figure a page."""
        pages: list[list[list[list[str]]]] = [[]]
        left = self._room(first=True)
        for row in self._rows:
            height = self._height(row)
            if height > left and pages[-1]:
                pages.append([])
                left = self._room(first=False)
            pages[-1].append(row)
            left -= height
        if left < 14.0 and pages[-1]:
            pages.append([])
        return [self._page(rows, n, len(pages)) for n, rows in enumerate(pages, start=1)]

    def _room(self, *, first: bool) -> float:
        return self._table_bottom() - (self._table_top(first) + 7.0)

    def _table_top(self, first: bool) -> float:
        return 47.0 if first else 26.0

    def _table_bottom(self) -> float:
        return _HEIGHT_MM - _BOTTOM_MM - 5.0

    def _height(self, row: Sequence[Sequence[str]]) -> float:
        return max(len(lines) for lines in row) * _LINE_MM + _PAD_MM

    def _page(self, rows: Sequence[Sequence[Sequence[str]]], number: int, count: int) -> Any:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(_WIDTH_MM / 25.4, _HEIGHT_MM / 25.4))
        first = number == 1
        self._heading(figure, first)
        at = self._table_top(first)
        if rows or first:
            for column in _COLUMNS:
                self._cell(figure, column, column.title, at + 3.6, color=_DIM, weight="bold")
            self._rule(figure, at + 5.4, _INK, 0.9)
        at += 7.0
        for index, row in enumerate(rows):
            height = self._height(row)
            if index % 2:
                self._shade(figure, at, height)
            for column, lines in zip(_COLUMNS, row, strict=True):
                for line, text in enumerate(lines):
                    self._cell(figure, column, text, at + _PAD_MM + 1.6 + line * _LINE_MM)
            at += height
        if number == count:
            self._total(figure, at + 1.0)
        self._foot(figure, number, count)
        return figure

    def _heading(self, figure: Any, first: bool) -> None:
        settings = self._sheet.settings
        title = settings.title or "Untitled"
        if not first:
            self._text(figure, _LEFT_MM, 19.0, self._fitted(title, 9.0, 200.0), 9.0, weight="bold")
            self._text(figure, _RIGHT_MM, 19.0, "Music cue sheet", 8.0, color=_DIM, ha="right")
            return
        self._text(figure, _LEFT_MM, 20.0, "MUSIC CUE SHEET", 7.5, color=_DIM, weight="bold")
        shown = self._fitted(title, _TITLE, 190.0)
        self._text(figure, _LEFT_MM, 28.5, shown, _TITLE, weight="bold")
        facts = [("Episode", settings.episode), ("Production", settings.production)]
        line = "     ".join(f"{name}  {text}" for name, text in facts if text)
        self._text(figure, _LEFT_MM, 36.5, self._fitted(line, 8.5, 200.0), 8.5)
        seconds = float(self._sheet.rate.seconds(self._sheet.frames))
        rows = self._sheet.rows
        cues = "1 cue" if len(rows) == 1 else f"{len(rows)} cues"
        right = [f"{cues}, {clock(seconds)} of music", f"{self._sheet.rate.name} frames a second"]
        for index, text in enumerate(right):
            self._text(figure, _RIGHT_MM, 28.5 + 5 * index, text, 8.5, color=_DIM, ha="right")

    def _total(self, figure: Any, at: float) -> None:
        self._rule(figure, at, _INK, 0.9)
        seconds = float(self._sheet.rate.seconds(self._sheet.frames))
        self._text(figure, _LEFT_MM, at + 4.6, "Total", _SIZE, weight="bold")
        length = next(column for column in _COLUMNS if column.title == "Length")
        self._cell(figure, length, clock(seconds), at + 4.6, weight="bold")

    def _foot(self, figure: Any, number: int, count: int) -> None:
        at = _HEIGHT_MM - _BOTTOM_MM + 5.0
        self._rule(figure, at - 5.0, _RULE, 0.5)
        note = (
            "Use: BI background instrumental, VI visual instrumental, MT main title, ET end title, "
            "T theme, L logo. Dial.: share under dialogue. Out is the frame after the last."
        )
        self._text(figure, _LEFT_MM, at, note, _SMALL, color=_DIM)
        self._text(figure, _RIGHT_MM, at, f"{number} / {count}", _SMALL, color=_DIM, ha="right")

    def _cells(self, row: SheetRow) -> list[tuple[_Column, str]]:
        rate = self._sheet.rate
        texts = (
            row.number,
            row.title,
            format_timecode(row.record.start, rate),
            format_timecode(row.record.end, rate),
            clock(float(row.record.seconds(rate))),
            row.usage,
            "" if row.dialogue is None else f"{row.dialogue:.0%}",
            row.composer,
            row.publisher,
            row.key,
            "" if row.tempo_bpm is None else f"{row.tempo_bpm:.0f}",
            f"{row.engine}, {row.take}",
            row.licence,
        )
        return list(zip(_COLUMNS, texts, strict=True))

    def _wrapped(self, column: _Column, text: str) -> list[str]:
        """`text` in lines that fit; words that do not are broken."""
        lines, line = [], ""
        for word in _printable(text).split():
            longer = f"{line} {word}".strip()
            if self._width(longer, _SIZE) <= column.width_mm:
                line = longer
                continue
            if line:
                lines.append(line)
            while self._width(word, _SIZE) > column.width_mm and len(word) > 1:
                fits = max(
                    1,
                    next(
                        n
                        for n in range(len(word), 0, -1)
                        if n == 1 or self._width(word[:n], _SIZE) <= column.width_mm
                    ),
                )
                lines.append(word[:fits])
                word = word[fits:]
            line = word
        return [*lines, line] if line or not lines else lines

    def _fitted(self, text: str, size: float, width_mm: float) -> str:
        text = _printable(text)
        if self._width(text, size) <= width_mm:
            return text
        while text and self._width(f"{text}…", size) > width_mm:
            text = text[:-1]
        return f"{text}…"

    def _width(self, text: str, size: float) -> float:
        """Millimetres that `text` takes, by the widths of its letters."""
        shown = self._fonts.shown(text)
        return sum(self._fonts.advance(letter) for letter in shown) * size * _MM_PER_POINT

    def _cell(self, figure: Any, column: _Column, text: str, at: float, **look: Any) -> None:
        if column.to_right:
            self._text(figure, column.right_mm, at, text, _SIZE, ha="right", **look)
        else:
            self._text(figure, column.left_mm, at, text, _SIZE, **look)

    def _text(
        self, figure: Any, x_mm: float, y_mm: float, text: str, size: float, **look: Any
    ) -> None:
        options = {"color": _INK, "va": "baseline", "ha": "left", "parse_math": False} | look
        figure.text(
            x_mm / _WIDTH_MM,
            1 - y_mm / _HEIGHT_MM,
            self._fonts.shown(text),
            fontsize=size,
            family=self._fonts.families,
            **options,
        )

    def _rule(self, figure: Any, y_mm: float, color: str, width: float) -> None:
        from matplotlib.lines import Line2D

        y = 1 - y_mm / _HEIGHT_MM
        x = (_LEFT_MM / _WIDTH_MM, _RIGHT_MM / _WIDTH_MM)
        figure.add_artist(Line2D(x, (y, y), color=color, linewidth=width))

    def _shade(self, figure: Any, y_mm: float, height_mm: float) -> None:
        from matplotlib.patches import Rectangle

        corner = ((_LEFT_MM - 1) / _WIDTH_MM, 1 - (y_mm + height_mm) / _HEIGHT_MM)
        width = (_RIGHT_MM - _LEFT_MM + 2) / _WIDTH_MM
        box = Rectangle(corner, width, height_mm / _HEIGHT_MM, color=_SHADE, linewidth=0, zorder=0)
        figure.add_artist(box)


class _Fonts:
    """The fonts that a sheet's letters need, DejaVu Sans first."""

    def __init__(self, families: Sequence[str], faces: Sequence[Any], missing: set[str]) -> None:
        self.families = list(families)
        self._boxes = {ord(letter): _BOX for letter in missing}
        self._faces = faces
        self._known: dict[str, float] = {}

    def shown(self, text: str) -> str:
        """`text` with a box for each letter that no font has."""
        return text.translate(self._boxes)

    def advance(self, letter: str) -> float:
        """How far a letter moves on, in ems."""
        if letter not in self._known:
            face = next((f for f in self._faces if f.get_char_index(ord(letter))), self._faces[0])
            face.set_size(100.0, 72)
            glyph = face.load_char(ord(letter), flags=_no_hinting())
            self._known[letter] = glyph.linearHoriAdvance / 65536 / 100.0
        return self._known[letter]


def _no_hinting() -> Any:
    from matplotlib.ft2font import LoadFlags

    return LoadFlags.NO_HINTING


def _fonts(text: str) -> _Fonts:
    """The fonts for `text`; letters that none has are told."""
    from matplotlib import font_manager

    families, faces = ["DejaVu Sans"], []
    faces.append(font_manager.get_font(font_manager.findfont("DejaVu Sans")))
    missing = {letter for letter in text if not letter.isspace() and letter.isprintable()}
    missing = {letter for letter in missing if not faces[0].get_char_index(ord(letter))}
    installed = {entry.name for entry in font_manager.fontManager.ttflist} if missing else set()
    for family in _FALLBACKS:
        if not missing or family not in installed:
            continue
        face = font_manager.get_font(font_manager.findfont(family))
        has = {letter for letter in missing if face.get_char_index(ord(letter))}
        if has:
            families.append(family)
            faces.append(face)
            missing -= has
    if missing:
        logger.warning(
            "no font on this machine has %s: the PDF shows boxes there; the CSV is whole",
            " ".join(sorted(missing)[:20]),
        )
    return _Fonts(families, faces, missing)


def _texts(sheet: CueSheet) -> list[str]:
    settings = sheet.settings
    whole = [settings.title, settings.episode, settings.production]
    for row in sheet.rows:
        whole += [row.title, row.composer, row.publisher, row.engine]
    return whole


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
