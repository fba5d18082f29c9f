"""Colours, sizes and the style sheet: every widget takes them from here.

Nothing is told by colour alone: dialogue is hatched, hit points are diamonds, pills have words.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Final

from PySide6.QtGui import QColor, QPalette

WINDOW: Final = "#28282E"
BASE: Final = "#17181A"
PANEL: Final = "#212126"
RAISED: Final = "#33333B"
LINE: Final = "#45454F"
TEXT: Final = "#D2D2D2"
DIM: Final = "#A2A2AB"
BRIGHT: Final = "#F2F2F4"
HIGHLIGHT: Final = "#0A64B4"
ACCENT: Final = "#5AA9E6"
OK: Final = "#6CC3AF"
WARN: Final = "#E6B422"
ERROR: Final = "#F0876A"
PLAYHEAD: Final = "#FF5B4F"
CUE: Final = "#E6B422"
CANDIDATE: Final = "#A98A3C"
PLACED: Final = "#2F4A3F"
PLACED_TEXT: Final = "#A8D8C4"
HATCH: Final = "#C9C9D2"
OUTSIDE: Final = (12, 12, 14, 150)

STEMS: Final = {
    "harmony": "#56B4E9",
    "melody": "#E69F00",
    "texture": "#009E73",
    "percussion": "#F0E442",
    "bass": "#CC79A7",
    "mix": "#8A8A94",
}
"""Okabe-Ito: told apart with any kind of colour vision."""
OTHER_STEMS: Final = ("#0072B2", "#D55E00", "#999999")

GUTTER: Final = 62
"""Pixels left of the strip and of every lane, so that time lines up between them."""
RIGHT_MARGIN: Final = 8
HEADER_HEIGHT: Final = 26
SCENE_WIDTH: Final = 372
HISTORY_HEIGHT: Final = 76
WIDE_FROM: Final = 900
NARROW_BELOW: Final = 760
FONT_PX: Final = 12


def palette() -> QPalette:
    """The dark palette, for what the style sheet does not reach."""
    role = QPalette.ColorRole
    colours = {
        role.Window: WINDOW,
        role.WindowText: TEXT,
        role.Base: BASE,
        role.AlternateBase: PANEL,
        role.Text: TEXT,
        role.Button: RAISED,
        role.ButtonText: TEXT,
        role.BrightText: BRIGHT,
        role.Highlight: HIGHLIGHT,
        role.HighlightedText: BRIGHT,
        role.ToolTipBase: RAISED,
        role.ToolTipText: TEXT,
        role.PlaceholderText: DIM,
        role.Link: ACCENT,
    }
    made = QPalette()
    for which, colour in colours.items():
        made.setColor(which, QColor(colour))
    for which in (role.Text, role.ButtonText, role.WindowText):
        made.setColor(QPalette.ColorGroup.Disabled, which, QColor("#77777F"))
    return made


def style_sheet() -> str:
    """Qt's style sheet for the whole panel; `cls` is the dynamic property that widgets set."""
    tokens = {name: value for name, value in globals().items() if name.isupper()}
    icons = Path(str(resources.files("musiscene_gui") / "icons")).as_posix()
    return _SHEET.format_map({**tokens, "ICONS": icons})


_SHEET = """
* {{ font-size: {FONT_PX}px; }}
QMainWindow, QDialog, #root {{ background: {BASE}; }}
QToolTip {{ background: {RAISED}; color: {TEXT}; border: 1px solid {LINE}; padding: 4px; }}
QLabel {{ color: {TEXT}; background: transparent; }}
QLabel[cls="dim"] {{ color: {DIM}; }}
QLabel[cls="h"] {{ font-weight: 600; }}
QLabel[cls="h1"] {{ font-weight: 600; font-size: 15px; color: {BRIGHT}; }}
QLabel[cls="mono"] {{ font-family: "DejaVu Sans Mono", "Consolas", "Menlo", monospace; }}
QLabel[cls="ok"] {{ color: {OK}; }}
QLabel[cls="warn"] {{ color: {WARN}; }}
QLabel[cls="error"] {{ color: {ERROR}; }}
QLabel[cls="pill"] {{ color: {DIM}; border: 1px solid {LINE}; border-radius: 7px;
    padding: 1px 7px; }}
QLabel[cls="edited"] {{ color: {WARN}; border: 1px solid {WARN}; border-radius: 7px;
    padding: 1px 7px; }}
QFrame[cls="card"] {{ background: {WINDOW}; border: 1px solid {LINE}; border-radius: 4px; }}
QFrame[cls="take"] {{ background: {WINDOW}; border: 1px solid {LINE}; border-radius: 4px; }}
QFrame[cls="takesel"] {{ background: {WINDOW}; border: 1px solid {ACCENT}; border-radius: 4px; }}
QFrame[cls="error"] {{ background: #3A2723; border: 1px solid {ERROR}; border-radius: 4px; }}
QFrame[cls="notice"] {{ background: #22303C; border: 1px solid {HIGHLIGHT}; border-radius: 4px; }}
QPushButton, QToolButton {{ background: {RAISED}; color: {TEXT}; border: 1px solid {LINE};
    border-radius: 3px; padding: 3px 9px; min-height: 16px; }}
QToolButton[cls="icon"] {{ padding: 2px; min-width: 20px; min-height: 18px; }}
QToolButton[cls="tiny"] {{ padding: 0px; border-radius: 2px; min-height: 0px; }}
QToolButton[cls="link"], QPushButton[cls="link"] {{ background: transparent;
    border: 1px solid transparent; }}
QToolButton[cls="pill-ok"] {{ background: transparent; border: 1px solid transparent;
    color: {OK}; padding: 2px 4px; }}
QToolButton[cls="pill-warn"] {{ background: transparent; border: 1px solid transparent;
    color: {WARN}; padding: 2px 4px; }}
QToolButton[cls="pill-error"] {{ background: transparent; border: 1px solid transparent;
    color: {ERROR}; padding: 2px 4px; }}
QToolButton[cls="pill-dim"] {{ background: transparent; border: 1px solid transparent;
    color: {DIM}; padding: 2px 4px; }}
QPushButton:hover, QToolButton:hover {{ border-color: {DIM}; color: {BRIGHT}; }}
QPushButton:focus, QToolButton:focus, QPlainTextEdit:focus, QComboBox:focus, QSpinBox:focus,
QLineEdit:focus, QDoubleSpinBox:focus, QTabBar:focus {{ border: 1px solid {ACCENT}; }}
QPushButton:pressed, QToolButton:pressed {{ background: {BASE}; }}
QPushButton:disabled, QToolButton:disabled {{ color: #77777F; border-color: #37373F; }}
QToolButton:checked {{ background: {HIGHLIGHT}; color: {BRIGHT}; border-color: {ACCENT}; }}
QToolButton::menu-indicator {{ image: none; }}
QPushButton[cls="go"] {{ background: {HIGHLIGHT}; color: {BRIGHT}; font-weight: 600;
    font-size: 14px; border: 1px solid {ACCENT}; min-height: 28px; }}
QPushButton[cls="go"]:hover {{ background: #1274CB; }}
QPushButton[cls="go"]:disabled {{ background: {RAISED}; color: #8A8A93; border-color: {LINE}; }}
QPushButton[cls="stop"] {{ background: #3A2723; color: {BRIGHT}; font-size: 14px;
    border: 1px solid {ERROR}; min-height: 28px; }}
QPushButton[cls="primary"] {{ border-color: {ACCENT}; }}
QPlainTextEdit, QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox, QListView, QTreeView {{
    background: {BASE}; color: {TEXT}; border: 1px solid {LINE}; border-radius: 3px;
    selection-background-color: {HIGHLIGHT}; selection-color: {BRIGHT}; }}
QPlainTextEdit {{ padding: 2px; }}
QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox {{ padding: 2px 5px; min-height: 18px; }}
QAbstractSpinBox QLineEdit {{ border: 0; padding: 0 2px; min-height: 0; background: transparent; }}
QComboBox::drop-down {{ border: 0; width: 18px; }}
QComboBox::down-arrow {{ image: url("{ICONS}/arrow-down.svg"); width: 11px; height: 11px; }}
QSpinBox, QDoubleSpinBox {{ padding-right: 18px; }}
QSpinBox::up-button, QDoubleSpinBox::up-button {{ subcontrol-position: top right; width: 16px;
    border: 0; background: {RAISED}; }}
QSpinBox::down-button, QDoubleSpinBox::down-button {{ subcontrol-position: bottom right;
    width: 16px; border: 0; background: {RAISED}; }}
QSpinBox::up-arrow, QDoubleSpinBox::up-arrow {{ image: url("{ICONS}/arrow-up.svg"); width: 9px;
    height: 9px; }}
QSpinBox::down-arrow, QDoubleSpinBox::down-arrow {{ image: url("{ICONS}/arrow-down.svg");
    width: 9px; height: 9px; }}
QScrollBar:vertical {{ background: transparent; width: 8px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: 8px; margin: 0; }}
QScrollBar::handle {{ background: {LINE}; border-radius: 4px; min-height: 20px; min-width: 20px; }}
QScrollBar::handle:hover {{ background: {DIM}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QToolButton[popupMode="1"] {{ padding-right: 22px; }}
QToolButton::menu-button {{ border: 0; width: 16px; }}
QToolButton::menu-arrow {{ image: url("{ICONS}/arrow-down.svg"); width: 10px; height: 10px; }}
QComboBox QAbstractItemView {{ background: {BASE}; color: {TEXT}; border: 1px solid {LINE};
    selection-background-color: {HIGHLIGHT}; outline: 0; }}
QTabBar {{ border: 1px solid transparent; }}
QTabBar::tab {{ background: transparent; color: {DIM}; padding: 4px 9px; border: 0;
    border-bottom: 2px solid transparent; }}
QTabBar::tab:selected {{ color: {BRIGHT}; border-bottom: 2px solid {ACCENT}; }}
QTabBar::tab:hover {{ color: {TEXT}; }}
QProgressBar {{ background: {BASE}; color: {BRIGHT}; border: 1px solid {LINE}; border-radius: 3px;
    text-align: center; min-height: 16px; max-height: 18px; }}
QProgressBar::chunk {{ background: #2F5E8F; }}
QProgressBar[cls="thin"] {{ min-height: 4px; max-height: 4px; }}
QCheckBox {{ color: {TEXT}; spacing: 6px; }}
QScrollArea {{ background: transparent; border: 0; }}
QScrollArea > QWidget > QWidget {{ background: transparent; }}
QMenu {{ background: {WINDOW}; color: {TEXT}; border: 1px solid {LINE}; }}
QMenu::item {{ padding: 4px 22px; }}
QMenu::item:selected {{ background: {HIGHLIGHT}; color: {BRIGHT}; }}
QSplitter::handle {{ background: transparent; }}
"""
