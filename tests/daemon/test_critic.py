"""The critic in the daemon: real takes, composed, listened to, ranked, kept, and asked again."""

from __future__ import annotations

from pathlib import Path

import pytest

from musiscene_core.critic import read_critique
from musiscene_core.errors import EngineError, InputError
from musiscene_core.protocol import Client
from musiscene_core.request import ScoreRequest
from tests.support.composed import mood_brief
from tests.support.daemons import Home


def scored(client: Client, mood: str, **more: int) -> list[Path]:
    request = ScoreRequest(brief=mood_brief(mood, 12.0, cuts=()), **more)
    return [folder for _, folder in client.score(request)]


def test_several_takes_are_ranked_and_the_ranking_is_kept(
    shared_home: Home, client: Client
) -> None:
    folders = scored(client, "sad", takes=2)
    kept = [read_critique(folder) for folder in folders]
    assert sorted(one.rank for one in kept if one) == [1, 2]
    for critique, folder in zip(kept, folders, strict=True):
        assert critique is not None
        assert critique.take == folder.name
        assert critique.listener == "signals"
        assert {one.name for one in critique.criteria} >= {"feeling", "loudness"}
        assert critique.heard
        assert critique.reason.endswith(".")
    assert client.critique(folders) == tuple(kept)


def test_one_take_is_not_compared_with_anything(shared_home: Home, client: Client) -> None:
    (folder,) = scored(client, "calm")
    assert read_critique(folder) is None
    (critique,) = client.critique([folder])
    assert (critique.rank, critique.among) == (1, 1)


def test_a_take_for_the_opposite_mood_ranks_below(shared_home: Home, client: Client) -> None:
    stages: list[str] = []
    pair = [*scored(client, "calm"), *scored(client, "energising")]
    calm, loud = client.critique(pair, "signals", lambda stage, _: stages.append(stage))
    assert (calm.rank, loud.rank) == (1, 2)
    assert stages


def test_what_cannot_be_judged_is_refused(
    shared_home: Home, client: Client, tmp_path: Path
) -> None:
    with pytest.raises(InputError):
        client.critique([tmp_path])
    with pytest.raises(InputError, match="no takes"):
        client.critique([])
    folders = scored(client, "calm")
    with pytest.raises(EngineError, match="nobody"):
        client.critique(folders, "nobody")
