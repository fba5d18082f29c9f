"""Tokens drawn in a compiled loop are those that torch's operations draw with the same chance."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("transformers", reason="the extra 'models' is not installed")
pytest.importorskip("numba", reason="the extra 'models' is not installed")

from musiscene_core.errors import EngineError  # noqa: E402
from musiscene_core.sampling import Sampling  # noqa: E402
from musiscene_daemon.engines.musicgen.drawing import NO_NUMBER, drawn_one  # noqa: E402
from musiscene_daemon.engines.musicgen.model import load  # noqa: E402
from musiscene_daemon.engines.musicgen.sampling import Chance, drawn  # noqa: E402
from tests.support import tiny_musicgen  # noqa: E402

pytestmark = pytest.mark.models

PROMPT = "slow strings, minor"
WAYS = [
    Sampling(temperature=0.0),
    Sampling(),
    Sampling(top_k=0),
    Sampling(top_k=1),
    Sampling(top_k=5000, temperature=0.7),
    Sampling(top_k=20, temperature=1.3, top_p=0.8),
    Sampling(top_k=0, top_p=0.9),
]


@pytest.mark.parametrize("sampling", WAYS, ids=repr)
def test_a_token_is_the_one_that_torch_draws(sampling: Sampling) -> None:
    books, count = 200, 701
    logits = 3 * torch.randn(1, books, count, generator=torch.Generator().manual_seed(0))
    # Equal scores, where what is kept ends too.
    logits[0, :50] = logits[0, :50].round()
    many = sampling.top_k if 0 < sampling.top_k < count else count
    waits = Chance([7]).exponential(torch.empty(1, books, many)).numpy()
    values, order = np.zeros(count, np.float32), np.zeros(count, np.int64)
    found = [
        drawn_one(
            logits[0, book].numpy(),
            np.float32(sampling.temperature),
            sampling.top_k,
            np.float32(sampling.top_p),
            waits[0, book],
            values,
            order,
        )
        for book in range(books)
    ]
    wanted = drawn(logits, sampling, Chance([7]))[0]
    # Of equal scores torch takes any.
    scores = logits[0].gather(1, torch.stack([torch.tensor(found), wanted], 1))
    assert torch.equal(scores[:, 0], scores[:, 1])
    assert found[50:] == wanted[50:].tolist()


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_no_number_draws_none(wrong: float) -> None:
    scores = np.zeros(300, np.float32)
    scores[211] = wrong
    room = np.zeros(300, np.float32), np.zeros(300, np.int64)
    one, waits = np.float32(1), np.ones(250, np.float32)
    assert drawn_one(scores, one, 250, np.float32(0), waits, *room) == NO_NUMBER


@pytest.mark.parametrize("kind", [pytest.param("stereo", marks=pytest.mark.slow), "melody"])
def test_music_is_what_torch_s_loop_writes(tmp_path: Path, kind: str) -> None:
    theirs = load(tiny_musicgen.save(tmp_path, kind))
    ours = load(tmp_path, kernel="float32-numba")
    sampling = Sampling(top_k=20, temperature=0.9)
    wanted = theirs.write(PROMPT, 30, [5, 6], sampling).codes
    assert torch.equal(ours.write(PROMPT, 30, [5, 6], sampling).codes, wanted)
    again = ours.write(PROMPT, 30, [0], Sampling(temperature=0.0), continued=wanted[:1, :, :12])
    assert torch.equal(again.codes[..., :12], wanted[:1, :, :12])


def test_output_that_stops_being_numbers_in_the_middle_stops_the_work(tmp_path: Path) -> None:
    ours = load(tiny_musicgen.save(tmp_path), kernel="int8-numba")
    done = []

    def spoilt(steps: int, _: int) -> None:
        done.append(steps)
        if steps >= 20:
            ours.decoder.embeddings.fill_(float("nan"))

    with pytest.raises(EngineError, match=r"stopped being numbers at step (2\d)"):
        ours.write(PROMPT, 100, [0], step_done=spoilt)
    # Asked often enough for work to be stopped soon, and more seldom than once a step.
    assert done[-1] < 30
    assert all(later - sooner <= 8 for sooner, later in itertools.pairwise(done))
