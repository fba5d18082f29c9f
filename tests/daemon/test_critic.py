"""The critic in the daemon: real takes, composed, listened to, ranked, kept, and asked again."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from musiscene_core.captioning.heard import HeardSection
from musiscene_core.critic import CRITIQUE_FILE, read_critique
from musiscene_core.critic.asking import read_take
from musiscene_core.errors import EngineError, InputError
from musiscene_core.library import folders
from musiscene_core.progress import silent
from musiscene_core.protocol import Client
from musiscene_core.request import ScoreRequest
from musiscene_daemon.critic import criticise
from musiscene_daemon.engines.registry import Registry
from musiscene_plugins.cli.main import main
from tests.support.composed import mood_brief
from tests.support.daemons import Home
from tests.support.scripted_captioner import SPEC, ScriptedCaptioner


def scored(client: Client, mood: str, **more: object) -> list[Path]:
    request = ScoreRequest(brief=mood_brief(mood, 12.0, cuts=()), **more)  # type: ignore[arg-type]
    return [folder for _, folder in client.score(request)]


def test_several_takes_are_ranked_and_the_ranking_is_kept(
    shared_home: Home, client: Client
) -> None:
    made = scored(client, "sad", takes=2)
    kept = [read_critique(folder) for folder in made]
    assert sorted(one.rank for one in kept if one) == [1, 2]
    for critique, folder in zip(kept, made, strict=True):
        assert critique is not None
        assert critique.take == folder.name
        assert critique.listener == "signals"
        assert {one.name for one in critique.criteria} >= {"feeling", "loudness"}
        assert critique.heard
        assert critique.reason.endswith(".")
    assert client.critique(made) == tuple(kept)


def test_one_take_is_not_compared_with_anything(shared_home: Home, client: Client) -> None:
    (folder,) = scored(client, "calm")
    assert read_critique(folder) is None
    (critique,) = client.critique([folder])
    assert (critique.rank, critique.among) == (1, 1)


def test_a_take_for_the_opposite_mood_ranks_below(
    shared_home: Home, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    stages: list[str] = []
    pair = [*scored(client, "calm"), *scored(client, "energising")]
    calm, loud = client.critique(pair, "signals", lambda stage, _: stages.append(stage))
    assert (calm.rank, loud.rank) == (1, 2)
    assert stages
    # Asked on the command line, it is kept beside the takes.
    capsys.readouterr()
    assert main(["takes", "judge", *map(_id, pair)]) == 0
    said = capsys.readouterr().out
    assert said.index("Critic: 1 of 2") < said.index("Critic: 2 of 2")
    assert [read_critique(folder) for folder in pair] == [calm, loud]
    assert main(["takes", "judge", _id(pair[0])]) == 2
    assert "takes judge ID ID" in capsys.readouterr().err


def test_what_cannot_be_judged_is_refused(
    shared_home: Home, client: Client, tmp_path: Path
) -> None:
    with pytest.raises(InputError):
        client.critique([tmp_path])
    with pytest.raises(InputError, match="no takes"):
        client.critique([])
    with pytest.raises(EngineError, match="nobody"):
        client.critique(scored(client, "calm"), "nobody")


def test_a_critic_of_ones_choice_says_the_words_or_nobody_ranks(own_home: Home) -> None:
    with own_home.connect("--engines-from", SPEC) as client:
        told = scored(client, "sad", takes=2, critic="scripted-ear")
        for folder in told:
            critique = read_critique(folder)
            assert critique is not None
            assert (critique.listener, critique.note) == ("scripted-ear", "")
            assert "peaks at" in critique.heard[0]
        untold = scored(client, "sad", takes=2, critic="")
        assert [read_critique(folder) for folder in untold] == [None, None]
        assert list(map(_id, told)) == list(map(_id, untold)), "who judges makes no other take"
        with pytest.raises(EngineError, match="no captioner called 'nobody'"):
            scored(client, "sad", takes=2, critic="nobody")


def _id(folder: Path) -> str:
    return folders.read_take(folder.parent.parent, folder.parent.name, folder.name).record.id


def test_a_critic_that_fails_is_told_of_and_measurements_speak(
    shared_home: Home, client: Client
) -> None:
    made = scored(client, "sad", takes=2)
    engines = Registry([SPEC])
    engines.captioners["deaf"] = _Deaf()
    for folder in made:
        (folder / CRITIQUE_FILE).unlink()
    on_disk = [read_take(folder) for folder in made]
    request = msgspec.structs.replace(on_disk[0].request, critic="deaf")
    criticise(request, [(one.take, one.folder) for one in on_disk], engines, silent)
    for folder in made:
        critique = read_critique(folder)
        assert critique is not None
        assert critique.listener == "signals"
        assert critique.note == "deaf could not hear the takes: It hears nothing."
        assert critique.heard


class _Deaf(ScriptedCaptioner):
    def answer(self, *_: object, **__: object) -> tuple[HeardSection, ...]:
        raise EngineError("It hears nothing.")
