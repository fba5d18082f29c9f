"""Captions of a brief written anew: who writes which, by what, and never over a user's words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from musiscene_core.brief import (
    Caption,
    Captions,
    DialogueRegion,
    HowWritten,
    SceneBrief,
    TempTrack,
)
from musiscene_core.captioning.heard import unheard
from musiscene_core.captioning.language.chosen import choose, chosen_file, forget
from musiscene_core.captioning.language.settings import LanguageSettings
from musiscene_core.captioning.request import ListenRequest, SoundPart
from musiscene_core.codec import read_json, to_json
from musiscene_core.errors import (
    CancelledError,
    EngineError,
    InputError,
    MediaError,
    MusiSceneError,
    RequestError,
)
from musiscene_core.progress import silent
from musiscene_core.ranges import FrameRange, SourceMapping
from musiscene_core.request import NANO, CaptionRequest
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import MediaReference, Subtitle, TimelineClip
from musiscene_daemon import hearing
from musiscene_daemon.engines.registry import Registry
from musiscene_daemon.growing import Growing
from musiscene_daemon.recaptioning import ORDER, recaption
from tests.support import sounds
from tests.support.daemons import Home, wait_until
from tests.support.language_server import LanguageService, language_service
from tests.support.scenes import brief_of
from tests.support.scripted_captioner import SPEC

ANSWER = "Slow strings over a soft piano."
HEARD = TempTrack(present=True, tempo_bpm=120.0, tempo_confidence=1.0)
OLD = Captions(
    video=Caption("A dog runs. A man waits."),
    music=Caption("Fast drums.", "user", edited=True),
    fusion=Caption("old wish"),
    scene_imagination=Caption("a storm", "model"),
)


@pytest.fixture(autouse=True)
def _no_language_model(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("URL", "MODEL", "KEY", "REMOTE", "FOLDER"):
        monkeypatch.delenv(f"MUSISCENE_LLM_{name}", raising=False)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[LanguageService]:
    with language_service(ANSWER) as running:
        monkeypatch.setenv("MUSISCENE_LLM_URL", running.url)
        yield running


def brief(*clips: TimelineClip, **changes: object) -> SceneBrief:
    made = brief_of(20.0, cuts=(5.0, 12.0), triumphant=1.0)
    timeline = msgspec.structs.replace(made.timeline, clips=clips)
    return msgspec.structs.replace(made, timeline=timeline, captions=OLD, **changes)


def temp_clip(path: Path, first: int = 0, frames: int = 480) -> TimelineClip:
    """A clip of music that begins `first` frames into the range, at 1 s of its file."""
    start = brief_of(20.0, triumphant=1.0).timeline.record.start + first
    mapping = SourceMapping(FrameRange(start, start + frames), FrameRate(24), 24, FrameRate(24))
    return TimelineClip(
        name="temp", media=MediaReference(path=str(path)), mapping=mapping, role="temp_track"
    )


def music(folder: Path, name: str = "temp.wav", level: float = 0.3) -> Path:
    heard = sounds.cadences(9, "minor", 24.0)
    return sounds.written(folder / name, (level * heard / abs(heard).max()).astype("float32"))


def made(given: SceneBrief, engines: Registry | None = None, **changes: object) -> Captions:
    request = CaptionRequest(brief=given, **changes)  # type: ignore[arg-type]
    return recaption(request, engines or Registry([SPEC]), unheard, silent).captions


def how(caption: Caption) -> HowWritten:
    assert caption.how is not None
    return caption.how


def test_without_a_model_rules_write_and_say_so() -> None:
    captions = made(brief())
    assert captions.video.text.startswith("Three shots in 20 seconds")
    assert captions.music == OLD.music
    assert captions.scene_imagination == OLD.scene_imagination, "there is nothing to hear"
    assert captions.fusion.text == "Broad, triumphant music."
    assert captions.fusion.origin == captions.music_conditions.origin == "signals"
    for caption in (captions.fusion, captions.music_conditions):
        assert how(caption).notes == ("No language model is set up; rules wrote this.",)
    asked = made(brief(), language="rules")
    assert how(asked.fusion).notes == ()


def test_a_users_words_stay_unless_that_is_asked() -> None:
    assert made(brief(), only=("music",)).music == OLD.music
    anew = made(brief(), only=("music",), keep_edited=False)
    assert anew.music.text == "There is no temp track."
    assert anew.fusion == OLD.fusion, "only the caption named is written"


def test_a_language_model_gets_the_papers_prompts_word_for_word(service: LanguageService) -> None:
    given = brief(temp_track=HEARD)
    captions = made(given, only=("fusion", "music_conditions", "scene_imagination"), seed=4)
    sent = [asked["messages"][0]["content"] for asked in service.asked]
    both = "Video caption: 'A dog runs. A man waits.' \nMusic caption: 'Fast drums.' \n"
    assert sent[0] == both + "What type of scene the music is suitable for?"
    assert sent[1] == (
        both + "Describe the music from both video and music captions. "
        "Return answer only without intro/outro."
    )
    assert sent[2].endswith(
        "\n\nImage captions: 1) A dog runs. 2) A man waits.\nVideo sentiments: Triumphant (100%)"
        "\nLength: 20 seconds"
    )
    fusion = captions.fusion
    assert (fusion.text, fusion.origin) == (ANSWER, "model")
    assert how(fusion).prompt == sent[1]
    assert (how(fusion).writer, how(fusion).place) == ("tiny-model", service.url)
    assert dict(how(fusion).settings) == {
        "temperature": 0.7,
        "top_p": 0.95,
        "top_k": 40,
        "max_tokens": 512,
        "seed": 4,
    }
    again = read_json_of(msgspec.structs.replace(given, captions=captions))
    assert again.captions == captions


def read_json_of(given: SceneBrief) -> SceneBrief:
    return msgspec.json.decode(to_json(given), type=SceneBrief)


def test_what_is_said_goes_into_the_conditions(service: LanguageService) -> None:
    given = brief()
    begins = given.timeline.record.start
    lines = tuple(
        Subtitle(record=FrameRange(begins + at, begins + at + 20), text=text, speaker=who)
        for at, text, who in (
            (-30, "Before.", ""),
            (10, "Give me\nyour hand.", "Rose"),
            (40, "Go on.", ""),
        )
    )
    timeline = msgspec.structs.replace(given.timeline, subtitles=lines)
    made(msgspec.structs.replace(given, timeline=timeline), only=("music_conditions",))
    sent = service.asked[0]["messages"][0]["content"]
    assert sent.partition("\n\n")[2].splitlines() == [
        "Image captions: 1) A dog runs. 2) A man waits.",
        "Audio transcriptions: Rose: Give me your hand. Speaker 00: Go on.",
        "Video sentiments: Triumphant (100%)",
        "Length: 20 seconds",
    ]


def test_a_language_model_that_fails_is_told_of_in_the_text_or_as_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with language_service(ANSWER, fault="garbage") as broken:
        monkeypatch.setenv("MUSISCENE_LLM_URL", broken.url)
        captions = made(brief(temp_track=HEARD), only=("fusion",))
        assert captions.fusion.origin == "signals"
        (note,) = how(captions.fusion).notes
        assert note.startswith(f"The language model at {broken.url} makes no sense")
        assert note.endswith("rules wrote this.")
        with pytest.raises(EngineError, match="makes no sense"):
            made(brief(temp_track=HEARD), only=("fusion",), language="model")
        made(brief(temp_track=HEARD), only=("fusion",), language="rules")
        assert len(broken.asked) == 2, "rules ask nobody"
    monkeypatch.delenv("MUSISCENE_LLM_URL")
    with pytest.raises(EngineError, match=r"No language model is set up. Choose one with"):
        made(brief(), only=("fusion",), language="model")


@pytest.mark.parametrize(
    ("answers", "fault"), [(("Slow strings over",), "garbage"), (("I'm sorry, no.", ANSWER), "")]
)
def test_a_text_that_is_begun_again_grows_from_nothing(
    monkeypatch: pytest.MonkeyPatch, answers: tuple[str, ...], fault: str
) -> None:
    growing = Growing()
    with language_service(*answers, fault=fault) as service:
        monkeypatch.setenv("MUSISCENE_LLM_URL", service.url)
        request = CaptionRequest(brief=brief(temp_track=HEARD), only=("fusion",))
        fusion = recaption(request, Registry([SPEC]), growing.add, silent).captions.fusion
    (shown,) = growing.texts
    assert shown.text == fusion.text
    assert shown.length == len(fusion.text)


def test_a_choice_kept_counts_from_the_next_text_on(
    service: LanguageService, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path))
    given = brief(temp_track=HEARD)
    assert how(made(given, only=("fusion",)).fusion).place == service.url
    with language_service("Loud brass.") as other:
        choose(LanguageSettings(url=other.url, key="secret"))
        assert how(made(given, only=("fusion",)).fusion).place == other.url
        assert chosen_file().stat().st_mode & 0o077 == 0 or os.name == "nt"
    choose(LanguageSettings())
    assert made(given, only=("fusion",)).fusion.origin == "signals"
    assert forget()
    assert how(made(given, only=("fusion",)).fusion).place == service.url
    chosen_file().write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match=r"language\.json"):
        made(given, only=("fusion",))


def test_without_a_temp_track_there_is_nothing_to_fuse(service: LanguageService) -> None:
    given = msgspec.structs.replace(
        brief(),
        captions=Captions(video=Caption("A dog."), music=Caption("There is no temp track.")),
    )
    captions = made(given, only=("fusion",))
    assert captions.fusion.text == "Broad, triumphant music."
    assert how(captions.fusion).notes[0].startswith("There is no caption of the music to go by")
    assert service.asked == []
    with pytest.raises(RequestError, match="no caption of the music"):
        made(given, only=("fusion",), language="model")


def test_a_captioner_hears_mixed_sound_without_what_is_said(tmp_path: Path) -> None:
    heard = sounds.cadences(9, "minor", 24.0)
    played = 0.1 * heard / abs(heard).max()
    time = np.arange(len(played)) / sounds.RATE
    phase = 2 * np.pi * np.cumsum(150 + 30 * np.sin(2 * np.pi * 0.9 * time)) / sounds.RATE
    voice = sum(np.sin(n * phase) / n for n in range(1, 16)) * ((time >= 6) & (time < 8))
    path = sounds.written(tmp_path / "film.wav", (played + 0.3 * voice).astype("float32"))
    clip = msgspec.structs.replace(temp_clip(path), role="mixed")
    # The clip begins at second 1 of its file.
    given = brief(clip, temp_track=HEARD, dialogue=(DialogueRegion(start_s=5.0, end_s=7.0),))

    def peak(scene: SceneBrief) -> float:
        asked = {"only": ("music",), "keep_edited": False, "captioner": "scripted-ear"}
        return float(made(scene, **asked).music.text.split()[-1])

    assert peak(msgspec.structs.replace(given, dialogue=())) > 0.4
    assert peak(given) < 0.25


def test_a_captioner_hears_the_temp_track_once_for_both_captions(tmp_path: Path) -> None:
    given = brief(temp_clip(music(tmp_path)), temp_track=HEARD)
    heard: list[tuple[int, int, str]] = []
    request = CaptionRequest(
        brief=given,
        only=("music", "scene_imagination"),
        keep_edited=False,
        captioner="scripted-ear",
        seed=8,
        adapters=(("house", 0.5),),
    )
    captions = recaption(
        request, Registry([SPEC]), lambda *piece, **_: heard.append(piece), silent
    ).captions
    assert captions.music.text == "Describe it peaks at 0.31"
    assert captions.scene_imagination.text == "What it peaks at 0.31"
    assert how(captions.music).settings == (("seed", 8),)
    assert how(captions.music).adapters == (("house", 0.5),)
    assert {question for _, question, _ in heard} == {
        ORDER.index("music"),
        ORDER.index("scene_imagination"),
    }


def test_several_stretches_of_music_are_told_apart(tmp_path: Path) -> None:
    given = brief(
        temp_clip(music(tmp_path), 0, 240),
        temp_clip(music(tmp_path, "b.wav", 0.1), 240, 240),
        temp_track=HEARD,
    )
    captions = made(given, only=("music",), keep_edited=False, captioner="scripted-ear")
    assert captions.music.text == (
        "From 0:00: Describe it peaks at 0.31 From 0:10: Describe it peaks at 0.10"
    )
    assert how(captions.music).wrote == captions.music.text


def test_a_captioner_that_keeps_no_promise_is_found_out(tmp_path: Path) -> None:
    given = brief(temp_clip(music(tmp_path)), temp_track=HEARD)
    engines = Registry(["tests.support.scripted_captioner:ForgetfulCaptioner"])
    with pytest.raises(EngineError, match="did not answer everything"):
        made(given, engines, only=("scene_imagination",), captioner="forgetful")


def test_without_music_a_captioner_is_asked_nothing(tmp_path: Path) -> None:
    captions = made(
        brief(temp_clip(tmp_path / "gone.wav")), keep_edited=False, captioner="scripted-ear"
    )
    assert captions.music.text == "There is no temp track."
    assert captions.scene_imagination == OLD.scene_imagination


def test_signals_imagine_a_scene_where_there_is_music_to_hear(tmp_path: Path) -> None:
    given = brief(temp_clip(music(tmp_path)), temp_track=HEARD)
    captions = made(given)
    assert captions.scene_imagination.text.startswith("Going by tempo, key, loudness")
    assert captions.scene_imagination.origin == "signals"
    offline = brief(temp_clip(tmp_path / "gone.wav"), temp_track=HEARD)
    assert made(offline).scene_imagination == OLD.scene_imagination
    with pytest.raises(MediaError, match=r"gone\.wav"):
        made(offline, only=("scene_imagination",))
    unmusical = made(brief(temp_clip(music(tmp_path))))
    assert unmusical.scene_imagination == OLD.scene_imagination, "spotting heard no music in it"
    with pytest.raises(RequestError, match="no temp track to listen to"):
        made(brief(), only=("scene_imagination",))


def test_nano_hears_what_there_is_and_what_was_measured_stands_where_it_cannot(
    tmp_path: Path,
) -> None:
    given = brief(temp_clip(music(tmp_path)), temp_track=HEARD)
    captions = made(given, keep_edited=False, captioner=NANO)
    assert how(captions.music).writer == how(captions.scene_imagination).writer == NANO
    offline = brief(temp_clip(tmp_path / "gone.wav"), temp_track=HEARD)
    for asked in ({}, {"only": ("music",)}):
        captions = made(offline, keep_edited=False, captioner=NANO, **asked)
        assert captions.music.text.startswith("The temp track is at 120 BPM")
        assert how(captions.music).writer == "signals"
        if asked:
            assert "What was measured stands." in how(captions.music).notes[-1]
        assert captions.scene_imagination == OLD.scene_imagination
    absent = made(brief(), only=("music",), keep_edited=False, captioner=NANO)
    assert absent.music.text == "There is no temp track."


def test_a_language_model_imagines_scenes_rather_than_nano(
    tmp_path: Path, service: LanguageService
) -> None:
    given = brief(temp_clip(music(tmp_path)), temp_track=HEARD)
    captions = made(given, only=("scene_imagination",), captioner=NANO)
    assert captions.scene_imagination.text == ANSWER


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"captioner": "nobody"}, EngineError, r"no captioner called 'nobody'.*signals"),
        ({"adapters": (("attic", 1.0),)}, RequestError, "no adapter 'attic'. It has none"),
    ],
)
def test_what_a_captioner_cannot_do_is_refused(
    changes: dict[str, object], error: type[MusiSceneError], words: str
) -> None:
    with pytest.raises(error, match=words):
        made(brief(), **changes)


def test_a_brief_of_before_still_reads_and_may_be_captioned(tmp_path: Path) -> None:
    tree = msgspec.to_builtins(brief())
    for caption in tree["captions"].values():
        caption.pop("how", None)
    (tmp_path / "brief.json").write_bytes(msgspec.json.encode(tree))
    old = read_json(tmp_path / "brief.json", SceneBrief)
    assert old == brief()
    assert made(old).fusion.text == "Broad, triumphant music."


def listen(path: Path, **changes: object) -> Caption:
    part = SoundPart(media=MediaReference(path=str(path)))
    request = ListenRequest(sounds=(part,), captioner="scripted-ear", **changes)  # type: ignore[arg-type]
    result = hearing.listen(request, Registry([SPEC]), unheard, silent)
    return result.sections[0].captions[0]


def test_sound_and_words_for_the_picture_make_fusion_and_conditions(
    tmp_path: Path, service: LanguageService
) -> None:
    path = music(tmp_path)
    fused = listen(path, strategy="fusion", seen="A dog runs.")
    assert (fused.text, fused.origin) == (ANSWER, "model")
    assert how(fused).prompt.startswith(
        "Video caption: 'A dog runs.' \nMusic caption: 'Describe it peaks at 0.31' \n"
    )
    conditions = listen(path, strategy="music_conditions", seen="A dog runs. It rains.")
    assert how(conditions).prompt.endswith(
        "Image captions: 1) A dog runs. 2) It rains.\nTemporary music: Describe it peaks at 0.31"
    )
    ruled = listen(path, strategy="fusion", seen="A dog runs.", language="rules")
    assert ruled.text == "Describe it peaks at 0.31 It goes with this picture: A dog runs."
    assert ruled.origin == "signals"


def test_strategies_that_need_a_picture_say_so(tmp_path: Path) -> None:
    path = music(tmp_path)
    with pytest.raises(RequestError, match="A sound shows nothing"):
        listen(path, strategy="video")
    for strategy in ("fusion", "music_conditions"):
        with pytest.raises(RequestError, match="also needs to know what is seen"):
            listen(path, strategy=strategy)


def test_a_language_model_that_hangs_holds_up_no_cancelling(
    own_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with language_service(ANSWER, fault="stalls") as hanging:
        monkeypatch.setenv("MUSISCENE_LLM_URL", hanging.url)
        with own_home.connect() as client:
            client.engines()
            worker = client.status().worker_pid
            request = CaptionRequest(brief=brief(temp_track=HEARD), only=("fusion",))
            job = client.submit_caption(request)
            wait_until(lambda: client.job(job).writing)
            (growing,) = client.job(job).writing
            assert growing.text == "Slow strings over"
            client.cancel(job)
            with pytest.raises(CancelledError):
                client.wait(job)
            assert client.status().worker_pid == worker, "it stopped by itself"
