"""Keys and feelings in words, for people."""

from __future__ import annotations

from musiscene_core.brief import EmotionPoint, Mode

_TONICS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


def key_name(tonic: int, mode: Mode | None) -> str:
    """The key as musicians write it: "D minor", or "D" where the mode is open."""
    return f"{_TONICS[tonic % 12]} {mode}" if mode else _TONICS[tonic % 12]


def strongest(point: EmotionPoint, dimensions: tuple[str, ...], count: int = 3) -> str:
    """The strongest feelings of a moment, strongest first."""
    ranked = sorted(zip(point.weights, dimensions, strict=False), reverse=True)
    return ", ".join(name for weight, name in ranked[:count] if weight > 0)
