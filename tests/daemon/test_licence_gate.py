"""A daemon whose music is for commercial use refuses what may not be used so, whoever asks."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from musiscene_core.errors import EngineError, RequestError
from musiscene_core.intended_use import intend
from musiscene_core.protocol import EngineInfo
from musiscene_core.ranges import FrameRange, SourceMapping
from musiscene_core.request import ComposeRequest
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import MediaReference, TimelineClip
from tests.support.daemons import Home, request, scene
from tests.support.scripted_engine import ScriptedEngine


class TwoFaced(ScriptedEngine):
    """Says of itself what its takes do not say."""

    name = "two-faced"

    def describe(self) -> EngineInfo:
        return msgspec.structs.replace(super().describe(), licence="MIT", commercial_use=True)


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


def test_a_project_holds_for_whoever_asks_and_an_engine_to_its_word(
    own_home: Home, tmp_path: Path
) -> None:
    film = tmp_path / "show" / "footage" / "film.mov"
    film.parent.mkdir(parents=True)
    timeline = scene()
    mapping = SourceMapping(timeline.record, timeline.rate, 0, timeline.rate)
    clip = TimelineClip(name="film", media=MediaReference(path=str(film)), mapping=mapping)
    asked = request()
    filmed = msgspec.structs.replace(asked.brief.timeline, clips=(clip,))
    brief = msgspec.structs.replace(asked.brief, timeline=filmed)
    asked = msgspec.structs.replace(asked, brief=brief)
    with own_home.connect("--engines-from", f"{__name__}:TwoFaced") as client:
        assert client.score(asked)
        intend("commercial", tmp_path / "show")
        with pytest.raises(RequestError, match="Music by scripted may not be used commercially"):
            client.score(asked)
        # Neither is what was made before it was for sale fitted to a range that has moved since.
        moved = msgspec.structs.replace(filmed, record=FrameRange(86_424, 86_472))
        jobs = len(client.jobs())
        with pytest.raises(RequestError, match="Music by scripted may not be used commercially"):
            client.conform(asked, moved)
        assert {job.state for job in client.jobs()[jobs:]} <= {"failed"}
        with pytest.raises(EngineError, match="made music that may not be sold"):
            client.score(msgspec.structs.replace(asked, engine="two-faced"))
