"""Feelings in words, for people."""

from __future__ import annotations

from musiscene_core.brief import EmotionPoint


def strongest(point: EmotionPoint, dimensions: tuple[str, ...], count: int = 3) -> str:
    """The strongest feelings of a moment, strongest first."""
    ranked = sorted(zip(point.weights, dimensions, strict=False), reverse=True)
    return ", ".join(name for weight, name in ranked[:count] if weight > 0)
