"""Work done aside: who waits is asked all the while, and what was left ends by itself."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from musiscene_core.aside import aside
from musiscene_core.errors import CancelledError, EngineError
from musiscene_core.progress import Progress, silent


def test_what_it_gives_and_what_it_raises_arrive() -> None:
    assert aside(lambda _: 7, silent, "Counting") == 7

    def broken(_: Progress) -> None:
        raise EngineError("It broke.")

    with pytest.raises(EngineError, match="It broke"):
        aside(broken, silent, "Counting")


def test_who_waits_hears_what_the_work_says_and_is_asked_while_it_says_nothing() -> None:
    go_on = threading.Event()
    heard: list[tuple[str, float]] = []

    def work(progress: Progress) -> str:
        progress("Half", 0.5)
        assert go_on.wait(30)
        return "done"

    def told(stage: str, fraction: float) -> None:
        heard.append((stage, fraction))
        if heard.count(("Half", 0.5)) == 3:
            go_on.set()

    assert aside(work, told, "Beginning") == "done"
    assert heard[-1] == ("Half", 0.5)


def test_who_leaves_ends_the_work_at_its_next_look_and_the_next_waits_for_it() -> None:
    began, go_on = threading.Event(), threading.Event()
    ended: list[str] = []

    def slow(progress: Progress) -> None:
        began.set()
        assert go_on.wait(30)
        try:
            progress("Half", 0.5)
        except CancelledError:
            ended.append("stopped")
            raise
        ended.append("went on")

    def leave(stage: str, fraction: float) -> None:
        if began.wait(30):
            raise CancelledError("The job was cancelled.")

    with ThreadPoolExecutor(1) as one:
        with pytest.raises(CancelledError, match="The job was cancelled"):
            aside(slow, leave, "Loading", on=one)
        assert not ended
        go_on.set()
        aside(lambda _: ended.append("next"), silent, "Loading", on=one)
    assert ended == ["stopped", "next"]
