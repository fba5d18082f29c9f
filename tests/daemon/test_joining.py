"""What Ray says in pages is told in a sentence: the words were seen with Ray 2.60."""

from __future__ import annotations

import socket

import pytest

from musiscene_core.errors import EngineError
from musiscene_daemon.clustered.joining import reach, why_not

AT = "ray://studio:10001"


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (ConnectionError("ray client connection timeout"), "auth_token"),
        (ModuleNotFoundError("No module named 'musiscene_daemon'"), "has no MusiScene"),
        (
            RuntimeError(
                "Version mismatch: The cluster was started with:\n    Ray: 2.50.0\n"
                "    Python: 3.10.4\nThis process was started with:\n    Ray: 2.60.0\n"
                "    Python: 3.11.7\n"
            ),
            "Ray: 2.50.0 Python: 3.10.4",
        ),
        (RuntimeError("Traceback (most recent call last):\n  File\nOSError: no disk"), "no disk"),
    ],
)
def test_what_is_in_the_way_is_told_in_a_line(raised: Exception, told: str) -> None:
    said = why_not(AT, raised)
    assert AT in said
    assert told in said
    assert "\n" not in said
    assert "Traceback" not in said


def test_an_address_where_nobody_listens_is_told_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"ray://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(EngineError, match=r"does not answer \(Connection refused\)"):
            reach(address)


def test_an_address_where_somebody_listens_is_reached() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        reach(f"ray://127.0.0.1:{listening.getsockname()[1]}")
