from __future__ import annotations

from musiscene_gui.viewmodels.observable import Signal


def test_listeners_hear_in_the_order_in_which_they_connected() -> None:
    heard: list[tuple[str, int]] = []
    signal = Signal()
    signal.connect(lambda value: heard.append(("first", value)))
    leave = signal.connect(lambda value: heard.append(("second", value)))
    signal.emit(1)
    leave()
    signal.emit(2)
    assert heard == [("first", 1), ("second", 1), ("first", 2)]


def test_one_that_leaves_while_it_is_emitted_is_not_called_any_more() -> None:
    heard: list[str] = []
    signal = Signal()
    leave: list = []
    signal.connect(lambda: leave[0]())
    leave.append(signal.connect(lambda: heard.append("late")))
    signal.emit()
    assert heard == []


def test_nothing_is_emitted_inside_blocked_and_all_again_after_an_error() -> None:
    heard: list[int] = []
    signal = Signal()
    signal.connect(heard.append)
    try:
        with signal.blocked():
            signal.emit(1)
            raise KeyError
    except KeyError:
        signal.emit(2)
    assert heard == [2]
