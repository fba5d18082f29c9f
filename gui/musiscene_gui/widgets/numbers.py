"""Figures as the user's language writes them."""

from __future__ import annotations

from musiscene_gui.widgets.language import tr


def decimal(value: float, places: int, *, sign: bool = False) -> str:
    """`value` with so many decimal places, and with its sign where also + is to be seen."""
    return localised(f"{value:+.{places}f}" if sign else f"{value:.{places}f}")


def localised(figure: str) -> str:
    """A figure written with a point, with the language's own decimal sign."""
    return figure.replace(".", tr(".", "decimal sign"))
