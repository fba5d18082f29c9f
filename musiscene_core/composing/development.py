"""How a motif develops: which of its forms a stretch of melody is made of.

Before the motif is told, only pieces of it are heard: fragments, their sequences, turned over,
backwards, faster towards a climax and slower where the music is bare. Afterwards come answers to
it. So its whole shape is kept for the moment that matters. Knows nothing of chords or pitches.
"""

from __future__ import annotations

from collections.abc import Sequence

from musiscene_core.composing.chance import Dice
from musiscene_core.composing.motif import Motif

Phrase = tuple[float, Motif]
"""Where a form of the motif begins, in beats from the stretch's first, and the form."""
Forms = Sequence[Motif | None]
_LONGEST_PIECE = 3


def phrases(
    motif: Motif, section: str, beats: float, bar: float, dice: Dice, *, told: bool, turn: bool
) -> list[Phrase]:
    """What a stretch of a section is made of.

    Args:
        motif: the motif.
        section: the section's name.
        beats: the stretch's length.
        bar: beats in a bar.
        dice: chance.
        told: the motif has been heard whole.
        turn: turn it over, so that long cues keep developing.
    """
    piece = motif.fragment(min(_LONGEST_PIECE, len(motif.rhythm) - 1))
    if turn:
        piece, motif = piece.inverted(), motif.inverted()
    if section == "intro":
        half = beats / 2 // bar * bar
        return [(half, piece)] if beats >= 4 * bar else []
    if section in ("strip-down", "breakdown"):
        slow = piece.augmented()
        return [(0.0, slow if slow.length <= beats else piece)]
    unit = max(bar, -(-piece.length // bar) * bar)
    if section == "build":
        return _chained(_rising(piece), beats, bar if piece.length <= 2 * bar else unit)
    if not told:
        forms = _beginnings(piece, dice)
    else:
        unit = max(bar, -(-motif.length // bar) * bar)
        forms = _answers(motif, piece, section, dice)
    return _chained(forms, beats, unit)


def _rising(piece: Motif) -> Forms:
    """Ever higher, then twice as fast."""
    head = piece.fragment(2)
    faster = piece.diminished()
    return (head, head.sequenced(1), piece.sequenced(2), faster.sequenced(3))


def _beginnings(piece: Motif, dice: Dice) -> Forms:
    """Pieces that promise the motif."""
    rise = dice.pick((1, 2, -1))
    return dice.pick(
        (
            (piece, piece.sequenced(rise), piece.inverted(), piece.closed(0)),
            (piece, None, piece.sequenced(rise), piece.closed(1)),
            (piece, piece.fragment(2).sequenced(rise), None, piece.retrograde()),
        )
    )


def _answers(motif: Motif, piece: Motif, section: str, dice: Dice) -> Forms:
    """What follows the motif once it has been told."""
    if section == "climax":
        rise = dice.pick((1, 2))
        return (motif.sequenced(rise), piece.sequenced(rise + 1), motif.inverted(), piece.closed())
    rise = dice.pick((1, 2, -1))
    return dice.pick(
        (
            (piece, motif.sequenced(rise), motif.inverted(), piece.closed(0)),
            (motif.inverted(), None, motif.sequenced(rise), piece.closed(1)),
            (motif.retrograde(), piece.sequenced(rise), None, piece.closed(-1)),
        )
    )


def _chained(forms: Forms, beats: float, unit: float) -> list[Phrase]:
    """The forms one after another, a `unit` of beats each, round and round."""
    placed: list[Phrase] = []
    at, index = 0.0, 0
    while at < beats - 1e-6:
        form = forms[index % len(forms)]
        if form is not None:
            placed.append((at, form))
        at += unit
        index += 1
    return placed
