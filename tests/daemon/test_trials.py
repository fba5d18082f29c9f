"""The hardening trials: their short forms always, their long ones marked slow.

Long ones with their figures: `python -m tests.benchmarks.daemon_trials [NAME ...]`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from musiscene_core.errors import MusiSceneError
from musiscene_core.protocol.messages import Request, Shutdown
from musiscene_core.protocol.wire import MalformedFrameError, decode
from tests.support.take_library import make_take
from tests.support.trials.catalogue import TRIALS, Trial
from tests.support.trials.figures import Figure
from tests.support.trials.fuzzing import messages
from tests.support.trials.shelf import Shelf
from tests.support.trials.watching import HAS_PROC

pytestmark = pytest.mark.skipif(not HAS_PROC, reason="reads /proc")

# Damaged media have tests of their own, which that trial runs.
HERE = [trial for trial in TRIALS if trial.name != "corrupt-media"]


def check(figures: list[Figure], *, timed: bool) -> None:
    if all(figure.ok is None for figure in figures):
        pytest.skip(figures[0].figure)
    judged = [figure for figure in figures if timed or not figure.timed]
    assert [figure for figure in judged if not figure.ok] == []


def test_a_shelf_tells_what_is_partial_replaced_or_there_twice(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "takes")
    take = make_take(tmp_path, "1m1-aaaa")
    make_take(tmp_path, "1m2-bbbb")
    shelf.look()
    assert list(shelf.twice()) == []
    assert len(list(shelf.partial())) == 2, "their sound files are no sound files"
    (take / "stems/melody.wav").unlink()
    assert "1m1-aaaa: ['stems/melody.wav'] missing" in shelf.partial()
    (take / "take.json").write_bytes(b"{}")
    make_take(tmp_path, "other-bbbb")
    shelf.look()
    assert sorted(shelf.twice()) == ["1m1-aaaa was replaced", "bbbb"]


def test_fuzzed_messages_are_mostly_damaged_and_never_end_the_daemon_in_order() -> None:
    read = []
    for parts in messages(3, 1000):
        try:
            read.append(decode(parts[-1], Request))
        except (MalformedFrameError, MusiSceneError):
            continue
    assert 0 < len(read) < 300
    assert not any(isinstance(message, Shutdown) for message in read)


LENGTHY = ("worker-kills", "subscribers")
"""Too long for every day even when short; and the second counts what a busy machine closes late."""


@pytest.mark.parametrize(
    "trial",
    [
        pytest.param(
            trial, id=trial.name, marks=[pytest.mark.slow] if trial.name in LENGTHY else []
        )
        for trial in HERE
    ],
)
def test_a_short_trial_meets_its_targets(trial: Trial, tmp_path: Path) -> None:
    check(trial.run(tmp_path, trial.short, print), timed=False)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("trial", HERE, ids=lambda trial: trial.name)
def test_a_long_trial_meets_its_targets(trial: Trial, tmp_path: Path) -> None:
    check(trial.run(tmp_path, trial.long, print), timed=True)
