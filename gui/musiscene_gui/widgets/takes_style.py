"""The style of takes, history and jobs, beside that of the whole panel."""

from __future__ import annotations

from importlib import resources

from musiscene_gui.widgets import theme


def takes_style() -> str:
    """Qt's style sheet for a widget that holds takes."""
    colours = {name: value for name, value in vars(theme).items() if name.isupper()}
    check = resources.files("musiscene_gui") / "icons" / "check.svg"
    return _SHEET.format_map({**colours, "CHECK": str(check).replace("\\", "/")})


_SHEET = """
QLabel[cls="badge"], QLabel[cls="badge-on"] {{ border-radius: 11px; font-weight: 700;
    background: {LINE}; color: {TEXT}; }}
QLabel[cls="badge-on"] {{ background: {ACCENT}; color: #101014; }}
QToolButton[cls="ms"] {{ padding: 0; font-size: 10px; font-weight: 700; min-height: 0; }}
QToolButton[cls="ms"]:checked {{ background: {WARN}; color: #101014; border-color: {WARN}; }}
QToolButton[cls="star"], QToolButton[cls="star"]:checked {{ background: transparent;
    border: 1px solid transparent; padding: 2px; }}
QToolButton[cls="star"]:focus {{ border: 1px solid {ACCENT}; }}
QToolButton[cls="ab"] {{ padding: 2px 4px; min-width: 22px; }}
QSlider::groove:horizontal {{ height: 4px; background: {BASE}; border-radius: 2px; }}
QSlider::sub-page:horizontal {{ background: {ACCENT}; border-radius: 2px; }}
QSlider::handle:horizontal {{ width: 8px; margin: -5px 0; border-radius: 2px;
    background: {DIM}; border: 1px solid {BASE}; }}
QSlider::handle:horizontal:hover, QSlider::handle:horizontal:focus {{ background: {BRIGHT};
    border: 1px solid {ACCENT}; }}
QCheckBox::indicator {{ width: 12px; height: 12px; border: 1px solid {DIM}; border-radius: 2px;
    background: {BASE}; }}
QCheckBox::indicator:checked {{ background: {ACCENT}; border-color: {ACCENT};
    image: url("{CHECK}"); }}
QCheckBox::indicator:focus {{ border-color: {BRIGHT}; }}
QTreeView {{ outline: 0; padding: 3px 0; }}
QTreeView::item {{ padding: 1px 2px; }}
"""
