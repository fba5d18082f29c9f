"""A daemon whose music is for commercial use refuses what may not be used so, whoever asks."""

from __future__ import annotations

import pytest

from musiscene_core.errors import RequestError
from musiscene_core.intended_use import intend
from musiscene_core.request import ComposeRequest
from musiscene_core.timecode import FrameRate
from tests.support.daemons import Home


def wish(**more: object) -> ComposeRequest:
    return ComposeRequest(**{"mood": "calm", "frames": 24, "rate": FrameRate(24), **more})


def test_it_counts_at_once_for_every_request_and_shows_in_the_status(own_home: Home) -> None:
    with own_home.connect() as client:
        client.engines()
        assert client.status().licence == "any"
        intend("commercial")
        assert client.status().licence == "commercial"
        before = len(client.jobs())
        for ask in (client.check, client.submit_compose):
            with pytest.raises(RequestError, match="may not be used commercially") as refused:
                ask(wish(engine="scripted"))
            assert "composer" in refused.value.hint
        assert len(client.jobs()) == before
        ((take, _),) = client.compose(wish())
        assert take.provenance.commercial_use
        intend("any")
        client.check(wish(engine="scripted"))
