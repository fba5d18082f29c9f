"""What threads share out by pieces is done once, whoever does it, and before anyone goes on."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("numba", reason="the extra 'models' is not installed")

from musiscene_core.neural.compiled import compiled
from musiscene_core.neural.dots import place
from musiscene_core.neural.together import (
    Team,
    first_of_next,
    meet,
    meet_reading,
    piece_of,
    pieces_for,
    taken,
)

pytestmark = pytest.mark.models


@pytest.mark.parametrize("parts", [1, 2, 3, 8])
@pytest.mark.parametrize("count", [1, 5, 64, 80, 1000, 3072])
def test_pieces_are_everything_once(count: int, parts: int) -> None:
    ends = [piece_of(count, number, parts) for number in range(pieces_for(parts))]
    assert [n for first, last in ends for n in range(first, last)] == list(range(count))
    assert piece_of(count, pieces_for(parts) + 3, parts) == (count, count)


@compiled
def _counted(rounds, pieces, done, seen, told, rows, come, part, parts):
    for one in range(rounds):
        expected = first_of_next(come, part)
        piece = taken(come, part, pieces[one])
        if piece >= 0:
            told[part, one] = piece == expected
        while piece >= 0:
            done[one, piece] += 1
            piece = taken(come, part, pieces[one])
        if one % 2:
            meet(come, parts)
        else:
            meet_reading(come, parts, place(rows, 0), rows.shape[1], 0, len(rows))
        # Who has met sees what all have done.
        seen[part, one] = done[one].sum()
        meet(come, parts)


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_every_piece_is_taken_once_before_anyone_goes_on(parts: int) -> None:
    rng = np.random.default_rng(0)
    # Fewer pieces than parts, too, so that a number may be held for several things.
    pieces = rng.integers(1, 12, 300)
    rows = np.zeros((10, 128), np.float32)
    team = Team(parts)
    for _ in range(2):
        done = np.zeros((300, 12), np.int64)
        seen, told = np.zeros((parts, 300), np.int64), np.ones((parts, 300), bool)
        team(_counted, 300, pieces, done, seen, told, rows)
        assert (done == (np.arange(12) < pieces[:, None])).all()
        assert (seen == pieces).all()
        assert told.all()


@compiled
def _parts_at_work(noted, come, part, parts):
    noted[part] = parts
    meet(come, parts)


def test_a_paced_team_uses_the_core_that_is_free_and_any_number_does_the_whole() -> None:
    team = Team(1, spare=1)
    seen = set()
    for _ in range(200):
        noted = np.zeros(2, np.int64)
        team.paced(1, _parts_at_work, noted)
        seen.add(tuple(noted))
    # Whatever was faster here: both were tried, and nobody came who was not counted.
    assert seen == {(1, 0), (2, 2)}
    noted = np.zeros(2, np.int64)
    team(_parts_at_work, noted)
    assert tuple(noted) == (1, 0)
