"""Takes of a real daemon: marked, noted once, and noted late where the daemon was killed before."""

from __future__ import annotations

from musiscene_core.paths import data_folder
from musiscene_core.provenance.explaining import explain
from musiscene_core.provenance.ledger import LEDGER_FILE, Line, read_lines
from musiscene_core.request import ComposeRequest
from musiscene_core.timecode import FrameRate
from tests.support.daemons import Home, wait_until


def lines_now() -> list[Line]:
    return list(read_lines(data_folder() / LEDGER_FILE))


def test_every_take_gets_a_line_even_where_the_daemon_was_killed_before(own_home: Home) -> None:
    wish = ComposeRequest(mood="calm", frames=48, rate=FrameRate(24), seed=1, takes=2)
    with own_home.connect() as client:
        (_, first), (_, second) = client.compose(wish)
        wait_until(lambda: len(lines_now()) == 2)
    lines = lines_now()
    job = first.parent.name
    assert [line.place for line in lines] == [f"{job}/take-1", f"{job}/take-2"]
    assert not any(line.problem for line in lines)
    found = explain(second / "mix.wav", data_folder())
    assert found.verdict == "as made"
    assert found.line is not None
    assert found.line.number == 2
    assert found.statement is not None
    assert (found.statement.seed, found.statement.commercial_use) == (2, True)
    own_home.kill()
    ledger = data_folder() / LEDGER_FILE
    ledger.write_bytes(ledger.read_bytes()[:-10])
    assert len(lines_now()) == 1
    with own_home.connect() as client:
        client.status()
        wait_until(lambda: len(lines_now()) == 2)
    assert lines_now() == lines
