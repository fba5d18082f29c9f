"""Each stage on real clips: real commands, a real server on the loopback, real measurements."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path

import pytest

from musiscene_core.captioning.language.settings import LanguageSettings
from musiscene_core.errors import EngineError, InputError
from musiscene_training.vacad.clips import Clip, Outcome, Stretch, Work
from musiscene_training.vacad.fetching import Fetching
from musiscene_training.vacad.hearing import Hearing, Measuring, captioner
from musiscene_training.vacad.settings import Settings
from musiscene_training.vacad.stages import FUSION, work_on
from musiscene_training.vacad.watching import Watching, moments, shown
from musiscene_training.vacad.wording import Fusing, Imagining
from tests.support.clips import VIDEO_IDS, downloader, make_clip
from tests.support.language_server import language_service
from tests.support.make_media import make_sound

IDS = VIDEO_IDS[:3]


def to_fetch(*names: str) -> list[Work]:
    return [
        Work(clip=Clip(id=name, source=name, start_s=30.0, end_s=40.0), done={}) for name in names
    ]


def described(name: str, video: str = "A dog runs.", music: str = "Slow strings.") -> Work:
    done = {
        "video": Outcome(id=name, value=video),
        "music": Outcome(id=name, value=music),
    }
    return Work(clip=Clip(id=name, source=name), done=done)


def fetching(folder: Path, command: str, **settings: object) -> Fetching:
    return Fetching(Settings(fetch=tuple(shlex.split(command)), **settings), folder)


def test_a_command_is_told_where_a_clip_is_and_gets_it_once(tmp_path: Path) -> None:
    fetch = fetching(tmp_path / "build", downloader(tmp_path, failing=(IDS[1],)))
    outcomes = fetch(to_fetch(*IDS))
    assert [one.value for one in outcomes] == [f"fetched/{IDS[0]}.mp4", "", f"fetched/{IDS[2]}.mp4"]
    assert outcomes[1].problem == "The command failed: Video unavailable"
    assert f"{IDS[0]} 30 10" in (tmp_path / "tried.log").read_text().splitlines()
    again = fetch(to_fetch(*IDS))
    assert again == outcomes
    assert sorted((tmp_path / "got.log").read_text().split()) == [IDS[0], IDS[2]]
    assert sorted(path.name for path in (tmp_path / "build/fetched").iterdir()) == [
        f"{IDS[0]}.mp4",
        f"{IDS[2]}.mp4",
    ]


@pytest.mark.parametrize(
    ("does", "why"),
    [
        ("pass", "wrote no file"),
        ("open(sys.argv[1], 'wb').write(b'junk')", "cannot be read"),
        ("import time; time.sleep(60)", "ended after 1 s"),
        ("sys.exit(3)", "failed: it said nothing"),
    ],
)
def test_a_command_that_does_not_deliver_is_one_clip_lost(
    tmp_path: Path, does: str, why: str
) -> None:
    command = shlex.join([sys.executable, "-S", "-c", f"import sys; {does}", "{output}"])
    began = time.monotonic()
    (outcome,) = fetching(tmp_path, command, fetch_timeout_s=1.0)(to_fetch(IDS[0]))
    assert why in outcome.problem
    assert outcome.value == ""
    assert time.monotonic() - began < 30


def test_a_command_that_is_not_there_ends_the_build(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be run: no-such-command"):
        fetching(tmp_path, "no-such-command {output}")(to_fetch(IDS[0]))


def test_what_is_here_is_probed_where_it_lies(tmp_path: Path) -> None:
    good = make_clip(tmp_path / "good.mp4")
    (tmp_path / "bad.mp4").write_bytes(good.read_bytes()[:300])
    clips = [
        Clip(id=name, source=name, sound=Stretch(path=str(tmp_path / name)))
        for name in ("good.mp4", "bad.mp4", "gone.mp4")
    ]
    outcomes = Fetching(Settings(), tmp_path)([Work(clip=clip, done={}) for clip in clips])
    assert outcomes[0].value == str(good)
    assert "cannot be read" in outcomes[1].problem
    assert "gone.mp4" in outcomes[2].problem


def test_music_is_measured_and_told_by_the_captioner_that_is_named(tmp_path: Path) -> None:
    make_clip(tmp_path / "a.mp4", seconds=2)
    make_sound(tmp_path / "silent.wav", 0.0 * make_silence())
    works = [
        Work(clip=Clip(id=name, source=name), done={"fetch": Outcome(id=name, value=name)})
        for name in ("a.mp4", "silent.wav")
    ]
    measured = Measuring(Settings(), tmp_path)(works)
    figures = {one.name: one.value for one in measured[0].measures}
    assert figures["length_s"] == pytest.approx(2.0, abs=0.1)
    assert figures["loudness_lufs"] < 0
    assert "silent" in measured[1].problem
    heard = [Work(clip=works[0].clip, done=works[0].done | {"measures": measured[0]})]
    (by_rules,) = Hearing(Settings(captioner="signals"), tmp_path)(heard)
    assert by_rules.value == measured[0].value
    (by_nano,) = Hearing(Settings(captioner="nano"), tmp_path)(heard)
    assert by_nano.value
    assert by_nano.notes
    with pytest.raises(EngineError, match="no captioner called 'nobody'"):
        captioner("nobody")


def make_silence():
    import numpy as np

    return np.zeros((1, 48_000), np.float32)


def test_pictures_under_music_are_looked_at_where_they_show(tmp_path: Path) -> None:
    one, two = make_clip(tmp_path / "1.mp4"), make_clip(tmp_path / "2.mp4", seconds=3)
    clip = Clip(
        id="cue",
        source="film",
        sound=Stretch(path="music.wav"),
        pictures=(
            Stretch(path=str(one), start_s=0.5),
            Stretch(path=str(two), start_s=1.0, end_s=2.5),
        ),
    )
    found = moments(shown(clip, tmp_path / "music.wav"), 2)
    # Half a second of the first and one and a half of the second: the middles of each second.
    assert [(Path(one.path).name, float(one.seconds)) for one in found] == [
        ("2.mp4", 1.0),
        ("2.mp4", 2.0),
    ]
    work = Work(clip=clip, done={"fetch": Outcome(id="cue", value="music.wav")})
    (measured,) = Watching(Settings(), tmp_path)([work])
    assert "2 seconds" in measured.value
    assert measured.writer == "signals"
    (given,) = Watching(Settings(seen=(("cue", "A dog."),)), tmp_path)([work])
    assert (given.value, given.writer) == ("A dog.", "given")


def test_the_papers_prompts_are_sent_and_answers_come_back_clean(tmp_path: Path) -> None:
    with language_service("Sure! The video caption suggests a chase at night.") as service:
        settings = Settings(model=LanguageSettings(url=service.url), jobs=1)
        fused = Fusing(settings, tmp_path)([described("a"), described("b")])
        imagined = Imagining(settings, tmp_path)([described("a")])
    assert [one.value for one in fused] == ["A chase at night."] * 2
    assert fused[0].writer == "tiny-model"
    sent = [body["messages"][0]["content"] for body in service.asked]
    both = "Video caption: 'A dog runs.' \nMusic caption: 'Slow strings.' \n"
    assert sent[0].startswith(f"{both}Describe the music from both video and music captions.")
    assert sent[2] == f"{both}What type of scene the music is suitable for?"
    assert (service.asked[0]["temperature"], service.asked[0]["top_k"]) == (0.7, 40)
    assert service.asked[0]["seed"] != service.asked[1]["seed"]
    assert imagined[0].value == "A chase at night."


def test_a_refusal_is_one_clip_lost_and_a_server_that_is_gone_ends_the_build(
    tmp_path: Path,
) -> None:
    with language_service("I'm sorry, I cannot do that.") as service:
        settings = Settings(model=LanguageSettings(url=service.url), jobs=1)
        outcomes = Fusing(settings, tmp_path)([described(str(n)) for n in range(4)])
        assert all("it refuses" in one.problem for one in outcomes)
    with language_service(fault="404") as service:
        settings = Settings(model=LanguageSettings(url=service.url), jobs=1)
        fuse = Fusing(settings, tmp_path)
        with pytest.raises(EngineError, match="refuses"):
            fuse([described(str(n)) for n in range(4)])


def test_rules_write_where_there_is_no_language_model_and_say_so(tmp_path: Path) -> None:
    settings = Settings(language="rules")
    (fused,) = Fusing(settings, tmp_path)([described("a")])
    (imagined,) = Imagining(settings, tmp_path)([described("a")])
    assert fused.value == "Slow strings. It goes with this picture: A dog runs."
    assert imagined.value == "The music is suitable for a scene like this: A dog runs."
    assert fused.writer == imagined.writer == "rules"
    assert "no language model" in imagined.notes[0]
    with pytest.raises(EngineError, match="No language model is set up"):
        Fusing(Settings(language="model"), tmp_path)
    with pytest.raises(InputError, match="is a folder"):
        Fusing(Settings(model=LanguageSettings(folder="/model")), tmp_path)


def test_captions_that_are_empty_or_in_another_language_are_heeded() -> None:
    texts = ["Ein Hund läuft durch den nassen Park und bellt.", "  ", "A dog runs in the park."]

    def stage(works: object) -> list[Outcome]:
        return [Outcome(id=str(place), value=text) for place, text in enumerate(texts)]

    flagged = work_on(FUSION, stage, [], Settings())
    assert [bool(one.problem) for one in flagged] == [False, True, False]
    assert flagged[0].notes == ("It does not look English.",)
    assert flagged[1].problem == "The caption is empty."
    dropped = work_on(FUSION, stage, [], Settings(other_languages="drop"))
    assert dropped[0].problem.startswith("It does not look English.")
    assert dropped[2] == flagged[2]
