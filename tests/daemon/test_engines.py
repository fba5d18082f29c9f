"""The engines' side of the daemon, without a daemon."""

from __future__ import annotations

import msgspec
import pytest

from musiscene_core.errors import EngineError, RequestError
from musiscene_core.protocol import BrokenEngine, EngineInfo, EngineModel
from musiscene_core.protocol.admission import check
from musiscene_core.request import MusicFile
from musiscene_core.take import Take
from musiscene_core.timeline import MediaReference
from musiscene_daemon import work
from musiscene_daemon.engines import composer, remix
from musiscene_daemon.engines.registry import Registry
from tests.support.daemons import SCRIPTED, request

BROKEN = "tests.support.scripted_engine:BrokenEngine"


def test_installed_and_further_engines_are_found_and_broken_ones_set_aside() -> None:
    registry = Registry([SCRIPTED, BROKEN, SCRIPTED])
    names = [info.name for info in registry.infos]
    assert {"composer", "musicgen", "remix"} < set(names)
    assert names[-1] == "scripted"
    assert registry.broken == [BrokenEngine("BrokenEngine", "ImportError: no module named 'hen'")]
    assert registry.get("scripted").describe().version == "7"
    with pytest.raises(EngineError):
        registry.get("BrokenEngine")


def info(**changes: object) -> EngineInfo:
    return msgspec.structs.replace(composer.ComposerEngine().describe(), **changes)


@pytest.mark.parametrize(
    ("engine", "broken", "changes", "error", "words"),
    [
        ("composer", (), {}, None, ""),
        ("flute", (), {}, EngineError, "no engine called 'flute'"),
        ("flute", (BrokenEngine("flute", "no lips"),), {}, EngineError, "not load: no lips"),
        ("composer", (), {"commercial_use": False}, RequestError, "commercially"),
        ("composer", (), {"max_length_s": 1.9}, RequestError, r"lasts 2\.0 s"),
        ("composer", (), {"max_length_s": 2.0}, None, ""),
        ("composer", (), {"needs_music": True}, RequestError, "works from music that exists"),
    ],
)
def test_a_request_that_an_engine_cannot_meet_is_refused(
    engine: str,
    broken: tuple[BrokenEngine, ...],
    changes: dict[str, object],
    error: type[Exception] | None,
    words: str,
) -> None:
    wish = request(engine=engine, licence="commercial")
    if error is None:
        check(wish, [info(**changes)], broken)
        return
    with pytest.raises(error, match=words):
        check(wish, [info(**changes)], broken)


def test_a_model_is_one_that_its_engine_has_and_can_use() -> None:
    models = (
        EngineModel(name="small", bytes=2_400_000_000, licence="CC-BY-NC-4.0"),
        EngineModel(name="large", problem="Its weights are cut short."),
    )
    several = info(name="musicgen", models=models)
    wish = msgspec.structs.replace(request(engine="musicgen"), model="small")
    check(wish, [several], ())
    # The one taken unasked may lack something that another does not.
    check(wish, [msgspec.structs.replace(several, lacks="No weights.")], ())
    with pytest.raises(RequestError, match="no model called 'tiny'") as refused:
        check(msgspec.structs.replace(wish, model="tiny"), [several], ())
    assert "small (2.4 GB), large, which cannot be used" in refused.value.hint
    with pytest.raises(EngineError, match="large cannot be used: Its weights are cut short"):
        check(msgspec.structs.replace(wish, model="large"), [several], ())
    with pytest.raises(EngineError, match=r"cannot work yet: No torch\."):
        check(wish, [info(name="musicgen", lacks="No torch.")], ())


def test_music_goes_only_to_engines_that_take_it() -> None:
    music = MusicFile(media=MediaReference(path="/music/track.wav"))
    wish = msgspec.structs.replace(request(engine="remix"), music=music)
    remixing = remix.RemixEngine().describe()
    check(wish, [remixing], ())
    with pytest.raises(RequestError, match="makes its own music") as refused:
        check(msgspec.structs.replace(wish, engine="composer"), [info(), remixing], ())
    assert "remix" in refused.value.hint
    with pytest.raises(RequestError, match="commercially"):
        check(msgspec.structs.replace(wish, licence="commercial"), [remixing], ())


@pytest.mark.parametrize("path", ["missing.wav", "../outside.wav", "/etc/hostname", "stems"])
def test_a_take_may_name_only_files_it_wrote_into_its_folder(tmp_path, path: str) -> None:
    (tmp_path / "outside.wav").touch()
    place = tmp_path / "job"
    place.mkdir()
    registry = Registry([SCRIPTED])
    payload = msgspec.msgpack.encode(request())
    engine = registry.engines["scripted"]
    honest = engine.score

    def lie(*arguments: object) -> Take:
        return msgspec.structs.replace(honest(*arguments), mix=path)

    engine.score = lie
    with pytest.raises(EngineError, match="did not write"):
        work.run("score", payload, place, registry, lambda *_: None)
