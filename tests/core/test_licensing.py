"""Where music is for commercial use, whatever shapes it and forbids that is refused, and named."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from musiscene_core.brief import Caption, HowWritten, StageReport
from musiscene_core.captioning.language.chosen import choose
from musiscene_core.captioning.language.model import unwatched
from musiscene_core.captioning.language.settings import LanguageSettings
from musiscene_core.captioning.request import ListenRequest, SoundPart
from musiscene_core.errors import RequestError
from musiscene_core.intended_use import PROJECT_FILE, intend, intended_use
from musiscene_core.licences import allows_commercial_use, licence_of_made
from musiscene_core.models import shelf
from musiscene_core.models.shelf import ShelvedModel
from musiscene_core.progress import silent
from musiscene_core.protocol.licensing import check_licences, intended_for, may_watch
from musiscene_core.protocol.state import AdapterInfo, CaptionerInfo, EngineInfo, EngineModel
from musiscene_core.ranges import SourceMapping
from musiscene_core.request import CaptionRequest, ConformRequest, MusicFile, ScoreRequest
from musiscene_core.timeline import MediaReference, TimelineClip
from musiscene_daemon.residency.residents import Residents
from musiscene_daemon.scribe import Scribe
from musiscene_plugins.cli.main import main
from tests.support.scenes import brief_of


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path / "home"))
    return tmp_path


def engine(name: str, *, free: bool, **more: object) -> EngineInfo:
    licence = "CC0-1.0" if free else "CC-BY-NC-4.0"
    return EngineInfo(
        **{
            "name": name,
            "version": "1",
            "description": "",
            "max_length_s": 600.0,
            "stems": (),
            "hit_points": True,
            "licence": licence,
            "commercial_use": free,
            **more,
        }
    )


COMPOSER, MUSICGEN = engine("composer", free=True), engine("musicgen", free=False)
MIXED = engine(
    "mixed",
    free=True,
    models=(EngineModel(name="own", licence="MIT"), EngineModel(name="nc", licence="CC-BY-NC-4.0")),
)
SECRETIVE = engine("secretive", free=True, licence=" ")
ENGINES = (COMPOSER, MUSICGEN, MIXED, SECRETIVE)
SIGNALS = CaptionerInfo(
    name="signals", version="1", description="", licence="CC0-1.0", commercial_use=True
)
MULLAMA = CaptionerInfo(
    name="mullama", version="1", description="", licence="CC-BY-NC-4.0", commercial_use=False
)
HOUSE = CaptionerInfo(
    name="house",
    version="1",
    description="",
    licence="MIT",
    commercial_use=True,
    adapters=(
        AdapterInfo(name="noir", licence="CC-BY-NC-4.0"),
        AdapterInfo(name="ours", licence="MIT"),
        AdapterInfo(name="nobody's"),
    ),
)
CAPTIONERS = (SIGNALS, MULLAMA, HOUSE)


def wish(**more: object) -> ScoreRequest:
    return ScoreRequest(**{"brief": brief_of(3.0), **more})


def captioned(name: str, caption: Caption) -> ScoreRequest:
    brief = brief_of(3.0)
    captions = msgspec.structs.replace(brief.captions, **{name: caption})
    return wish(brief=msgspec.structs.replace(brief, captions=captions))


def watched_by(name: str, stage: str = "vision") -> ScoreRequest:
    report = StageReport(stage=stage, state="done", by=name)
    return wish(brief=msgspec.structs.replace(brief_of(3.0), stages=(report,)))


BY_MULLAMA = Caption("Slow.", "model", how=HowWritten(writer="mullama"))
BY_NOIR = Caption("Slow.", "model", how=HowWritten(writer="house", adapters=(("noir", 1.0),)))
BY_OURS = Caption("Slow.", "model", how=HowWritten(writer="house", adapters=(("ours", 1.0),)))
BY_GONE = Caption("Slow.", "model", how=HowWritten(writer="house", adapters=(("gone", 1.0),)))
SOUND = ListenRequest(
    sounds=(SoundPart(media=MediaReference(path="/a.wav"), end_s=5.0),), captioner="mullama"
)


@pytest.mark.parametrize(
    ("work", "said", "instead"),
    [
        (wish(engine="musicgen"), "Music by musicgen", "composer, mixed"),
        (wish(engine="mixed", model="nc"), "Music by mixed:nc", "composer, mixed"),
        (
            ConformRequest(request=wish(engine="musicgen"), timeline=brief_of(3.0).timeline),
            "Music by musicgen",
            "composer",
        ),
        (wish(takes=2, critic="mullama"), "The captioner mullama", "signals, house"),
        (captioned("fusion", BY_MULLAMA), "The caption fusion", "write it yourself"),
        (captioned("scene_imagination", BY_MULLAMA), "The caption scene imagination", "signals"),
        (captioned("music", BY_NOIR), "house adapter noir", "signals"),
        (captioned("music", BY_GONE), "not here any more", "signals"),
        (watched_by("blip2-opt-2.7b"), "made with blip2-opt-2.7b", "watching use"),
        (wish(sounds="/fonts/strings.sf2"), "strings.sf2 may be sold is not known", "models add"),
        (CaptionRequest(brief=brief_of(3.0), captioner="mullama"), "captioner mullama", "signals"),
        (
            CaptionRequest(brief=brief_of(3.0), captioner="house", adapters=(("nobody's", 1.0),)),
            "its manifest names no licence",
            "Leave it out",
        ),
        (SOUND, "captioner mullama", "signals, house"),
        (wish(engine="secretive"), "secretive may not be used commercially (unknown", "composer"),
        (wish(melody="temp"), "temp track's melody may not be sold", "licence any"),
        (
            wish(music=MusicFile(media=MediaReference(path="/song.wav"))),
            "from a music file may not be sold",
            "licence any",
        ),
    ],
)
def test_what_forbids_it_is_refused_with_what_would_do(work, said: str, instead: str) -> None:
    with pytest.raises(RequestError) as refused:
        check_licences(work, ENGINES, CAPTIONERS, "commercial")
    assert said in refused.value.message
    assert instead in refused.value.hint
    check_licences(work, ENGINES, CAPTIONERS, "any")


@pytest.mark.parametrize(
    "work",
    [
        wish(),
        wish(engine="mixed"),
        wish(takes=3),
        captioned("music", BY_OURS),
        captioned("fusion", msgspec.structs.replace(BY_MULLAMA, edited=True)),
        captioned("fusion", Caption("Slow.", "user")),
        watched_by("smolvlm2-500m"),
        watched_by("the stage's own rules"),
        CaptionRequest(brief=brief_of(3.0)),
        brief_of(3.0).timeline,
    ],
)
def test_what_may_be_used_passes(work) -> None:
    check_licences(work, ENGINES, CAPTIONERS, "commercial")


def test_a_request_of_its_own_is_held_to_it_as_well() -> None:
    with pytest.raises(RequestError, match="Music by musicgen"):
        check_licences(wish(engine="musicgen", licence="commercial"), ENGINES, CAPTIONERS, "any")


def test_what_the_user_says_of_a_model_counts(home: Path) -> None:
    font = home / "strings.sf2"
    font.write_bytes(b"x")
    asked = wish(sounds=str(font))
    model = ShelvedModel(
        name="strings",
        kind="sounds",
        path=str(font),
        origin="added",
        licence="",
        commercial=False,
        files=(),
    )
    shelf.put(model)
    with pytest.raises(RequestError, match="may be sold is not known"):
        check_licences(asked, ENGINES, CAPTIONERS, "commercial")
    shelf.put(msgspec.structs.replace(model, licence="bought", commercial=True))
    check_licences(asked, ENGINES, CAPTIONERS, "commercial")
    assert may_watch(str(font)) == ""
    assert "is not known" in may_watch(str(home))
    assert may_watch("") == ""


def test_words_of_a_language_model_of_a_folder_are_judged_by_the_list(home: Path) -> None:
    words = Caption("Slow.", "model", how=HowWritten(writer="my-writer"))
    served = Caption("Slow.", "model", how=HowWritten(writer="my-writer", place="http://x"))
    check_licences(captioned("fusion", words), ENGINES, CAPTIONERS, "commercial")
    model = ShelvedModel(
        name="my-writer",
        kind="language",
        path=str(home / "my-writer"),
        origin="added",
        licence="CC-BY-NC-4.0",
        commercial=False,
        files=(),
    )
    shelf.put(model)
    with pytest.raises(RequestError, match="language model my-writer may not be used"):
        check_licences(captioned("fusion", words), ENGINES, CAPTIONERS, "commercial")
    check_licences(captioned("fusion", served), ENGINES, CAPTIONERS, "commercial")
    choose(LanguageSettings(folder=model.path))
    scribe = Scribe("auto", Residents(), 0, commercial=True)
    assert not scribe.has_model
    told = scribe.write(str, lambda note: Caption(note, "rules"), unwatched, silent)
    assert "my-writer may not be used commercially (CC-BY-NC-4.0); rules wrote this" in told.text
    with pytest.raises(RequestError, match="may not be used commercially"):
        Scribe("model", Residents(), 0, commercial=True)


def test_a_project_is_known_by_its_media_whoever_asks(home: Path) -> None:
    show = home / "show"
    (show / "footage").mkdir(parents=True)
    brief = brief_of(3.0)
    mapping = SourceMapping(brief.timeline.record, brief.timeline.rate, 0, brief.timeline.rate)
    here, gone = str(show / "footage/a.mov"), "relative.mov"
    clips = tuple(
        TimelineClip(name="a", media=MediaReference(path=path), mapping=mapping)
        for path in (gone, "", "/" + "x/" * 9000, here)
    )
    timeline = msgspec.structs.replace(brief.timeline, clips=clips)
    filmed = msgspec.structs.replace(brief, timeline=timeline)
    works = (
        timeline,
        wish(brief=filmed),
        CaptionRequest(brief=filmed),
        ConformRequest(request=wish(), timeline=timeline),
        ListenRequest(sounds=(SoundPart(media=MediaReference(path=here), end_s=5.0),)),
    )
    assert {intended_for(work) for work in works} == {"any"}
    intend("commercial", show)
    assert {intended_for(work) for work in works} == {"commercial"}
    assert {intended_for(work) for work in (wish(), brief.timeline, None)} == {"any"}


def test_the_stricter_of_machine_and_project_counts(home: Path, capsys) -> None:
    film = home / "show" / "reel 1" / "cut.otio"
    film.parent.mkdir(parents=True)
    assert intended_use(film) == "any"
    assert main(["licence", "commercial", "--project", str(home / "show")]) == 0
    assert (home / "show" / PROJECT_FILE).is_file()
    assert (intended_use(film), intended_use()) == ("commercial", "any")
    assert main(["licence", "any", "--project", str(home / "show")]) == 0
    assert intended_use(film) == "any"
    assert main(["licence", "commercial"]) == 0
    assert (intended_use(film), intended_use()) == ("commercial", "commercial")
    capsys.readouterr()
    assert main(["licence", "--json"]) == 0
    assert '"licence": "commercial"' in capsys.readouterr().out
    intend("any")
    assert intended_use() == "any"
    assert main(["licence", "--project", str(home / "none")]) == 2


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"licence": "free"}', "\0"])
def test_a_setting_that_cannot_be_read_counts_as_commercial(home: Path, text: str) -> None:
    (home / PROJECT_FILE).write_text(text)
    assert intended_use(home) == "commercial"


def test_licences_are_known_by_name() -> None:
    assert all(map(allows_commercial_use, ("MIT", "Apache-2.0", " cc-by-4.0", "llama2")))
    assert not any(map(allows_commercial_use, ("", "CC-BY-NC-4.0", "other", "MIT, but")))


@pytest.mark.parametrize(
    ("said", "sources", "licence"),
    [
        ("MIT", ["MIT", "ours"], "MIT"),
        ("", ["MIT", "MIT"], "MIT"),
        ("", ["MIT", "ours"], ""),
        ("", [], ""),
        ("MIT", ["MIT", "CC-BY-NC-4.0"], "MIT; made of what is under CC-BY-NC-4.0"),
        ("", ["for research only", ""], "made of what is under for research only"),
        ("CC-BY-NC-4.0", ["CC-BY-NC-4.0"], "CC-BY-NC-4.0"),
    ],
)
def test_what_is_made_of_others_is_as_free_as_they_are(said: str, sources, licence: str) -> None:
    assert licence_of_made(said, sources) == licence
    assert allows_commercial_use(licence) == (licence == "MIT")
