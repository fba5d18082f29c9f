"""What a window is: sections and bars of the plan, joins on beats, and the melody it follows."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("transformers", reason="the extra 'models' is not installed")

from musiscene_core.brief import Caption  # noqa: E402
from musiscene_core.composing.compose import compose  # noqa: E402
from musiscene_core.cue import Section  # noqa: E402
from musiscene_core.errors import RequestError  # noqa: E402
from musiscene_core.fitting.report import read_render  # noqa: E402
from musiscene_core.media import to_int24, write_wav  # noqa: E402
from musiscene_core.progress import silent  # noqa: E402
from musiscene_core.protocol.admission import check  # noqa: E402
from musiscene_core.ranges import FrameRange, SourceMapping  # noqa: E402
from musiscene_core.request import MusicFile, ScoreRequest  # noqa: E402
from musiscene_core.tempo_map import TempoMap  # noqa: E402
from musiscene_core.timeline import MediaReference, TimelineClip  # noqa: E402
from musiscene_daemon.engines.musicgen.chroma import HOP  # noqa: E402
from musiscene_daemon.engines.musicgen.engine import DTYPE_VARIABLE, MusicGenEngine  # noqa: E402
from musiscene_daemon.engines.musicgen.finding import WEIGHTS_VARIABLE  # noqa: E402
from musiscene_daemon.engines.musicgen.guides import guide_for  # noqa: E402
from musiscene_daemon.engines.musicgen.model import MusicGen, Several  # noqa: E402
from musiscene_daemon.engines.musicgen.prompts import prompt_of  # noqa: E402
from musiscene_daemon.engines.musicgen.shape import ModelShape  # noqa: E402
from musiscene_daemon.engines.musicgen.windows import join_at, windows  # noqa: E402
from tests.support import tiny_musicgen  # noqa: E402
from tests.support.scenes import brief_of  # noqa: E402

pytestmark = pytest.mark.models

MELODY = ModelShape("musicgen_melody", audio_encoder={"sampling_rate": 32_000})
FRAME_S = HOP / 32_000


def sections(*lengths: float) -> tuple[Section, ...]:
    names = ("intro", "theme", "climax", "breakdown", "button")
    starts = np.cumsum([0.0, *lengths])
    return tuple(
        Section(name=name, start=float(start), length=length, density=0.5, tension=0.5)
        for name, start, length in zip(names, starts, lengths, strict=False)
    )


@pytest.fixture(scope="module")
def request_() -> ScoreRequest:
    return ScoreRequest(brief=brief_of(70.0, valence=0.4, arousal=0.3), engine="musicgen")


def test_windows_end_where_sections_do_and_say_what_is_in_them(request_: ScoreRequest) -> None:
    # 120 a minute: 20, 26, 14 and 10 seconds.
    plan = msgspec.structs.replace(
        compose(request_, 0), tempo=TempoMap.constant(120.0), sections=sections(40, 52, 28, 20)
    )
    found = windows(3500, 50.0, plan)
    assert [(one.first, one.last) for one in found][:2] == [(0, 1000), (1000, 2200)]
    assert all(two.first == one.last for one, two in pairwise(found))
    assert found[-1].last == 3500
    assert all(one.last - one.first + one.overlap <= 1500 for one in found)
    assert all(one.last - one.first >= 400 for one in found)
    assert [one.name for one in found[0].sections] == ["intro"]
    # The second section is longer than a window: it is left on a bar, two seconds each.
    assert found[1].last % 100 == 0
    assert "quiet opening" in prompt_of(request_, plan, found[0].sections)
    assert ", then " in prompt_of(request_, plan, plan.sections[:2])


def test_a_prompt_names_the_tempo_that_is_asked_for_and_no_other(request_: ScoreRequest) -> None:
    plan = msgspec.structs.replace(compose(request_, 0), tempo=TempoMap.constant(107.0))
    words = "Dark music at 160 BPM, in D minor. The temp track runs at 160 BPM."
    captions = msgspec.structs.replace(request_.brief.captions, fusion=Caption(words))
    brief = msgspec.structs.replace(request_.brief, captions=captions)
    prompt = prompt_of(msgspec.structs.replace(request_, brief=brief), plan)
    assert prompt.startswith("Dark music at 107 BPM, in D minor. ")
    assert re.findall(r"\d+ bpm", prompt.lower()) == ["107 bpm", "107 bpm"]


def test_ten_minutes_are_covered(request_: ScoreRequest) -> None:
    plan = compose(request_, 0)
    found = windows(30_000, 50.0, plan)
    assert sum(one.last - one.first for one in found) == 30_000
    assert max(one.last - one.first + one.overlap for one in found) <= 1500


def test_a_join_is_on_the_last_bar_line_else_on_the_last_beat() -> None:
    beats = tuple(0.5 * beat for beat in range(48))
    assert join_at(beats, beats[::4], 24.0) == 22.0
    assert join_at(beats, (), 24.0) == 23.5
    assert join_at((), (), 24.0) == 24.0


def tone(path: Path, notes: list[int], each_s: float) -> Path:
    """Notes one after the other."""
    time = np.arange(round(each_s * 48_000)) / 48_000
    parts = [0.3 * np.sin(2 * np.pi * 440 * 2 ** ((note - 69) / 12) * time) for note in notes]
    write_wav(path, to_int24(np.tile(np.concatenate(parts), (2, 1)).astype(np.float32)))
    return path


def test_the_temp_track_s_melody_is_followed(request_: ScoreRequest, tmp_path: Path) -> None:
    path = tone(tmp_path / "temp.wav", [72, 76, 67, 69], 2.5)
    brief = brief_of(10.0)
    rate = brief.timeline.rate
    clip = TimelineClip(
        name="temp",
        media=MediaReference(path=str(path)),
        mapping=SourceMapping(FrameRange(0, 240), rate, 0, rate),
        role="temp_track",
    )
    timeline = msgspec.structs.replace(brief.timeline, clips=(clip,))
    wish = msgspec.structs.replace(
        request_, brief=msgspec.structs.replace(brief, timeline=timeline), melody="temp"
    )
    follow = guide_for(wish, compose(wish, 0), MELODY)
    assert follow is not None
    heard = follow(2.5, 5.0).argmax(axis=1)
    middle = round(1.25 / FRAME_S)
    assert heard[middle] == 76 % 12
    assert heard[middle + round(2.5 / FRAME_S)] == 67 % 12


def test_a_music_file_s_melody_is_followed(request_: ScoreRequest, tmp_path: Path) -> None:
    path = tone(tmp_path / "tune.wav", [62, 65], 2.0)
    music = MusicFile(media=MediaReference(path=str(path)))
    wish = msgspec.structs.replace(request_, music=music)
    follow = guide_for(wish, compose(wish, 0), MELODY)
    assert follow is not None
    heard = follow(0.0, 8.0).argmax(axis=1)
    # Past its end it comes again.
    assert heard[round(1.0 / FRAME_S)] == heard[round(5.0 / FRAME_S)] == 2
    assert heard[round(3.0 / FRAME_S)] == 5

    given: list[tuple[int, ...]] = []

    def tuneful(sound: np.ndarray) -> np.ndarray:
        """All but the second note, as if that were drums and bass."""
        given.append(sound.shape)
        kept = sound.copy()
        kept[:, 96_000:] = sound[:, :96_000]
        return kept

    parted = guide_for(wish, compose(wish, 0), MELODY, tuneful=tuneful)
    assert parted is not None
    assert parted(0.0, 4.0).argmax(axis=1)[round(3.0 / FRAME_S)] == 2
    assert given == [(2, 192_000)]


def test_a_melody_that_is_not_there_is_said_to_be_missing(request_: ScoreRequest) -> None:
    wish = msgspec.structs.replace(request_, melody="temp")
    with pytest.raises(RequestError, match="temp track has no sound"):
        guide_for(wish, compose(wish, 0), MELODY)


def test_a_sketch_guides_a_melody_model_unless_it_is_off(
    request_: ScoreRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tiny_musicgen.save(tmp_path / "musicgen-tiny", "melody")
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(weights))
    monkeypatch.setenv(DTYPE_VARIABLE, "float32")
    given: list[object] = []
    write = MusicGen.write

    def seen(self: MusicGen, told: Several, *arguments: object, **named: object) -> object:
        given.append(told.chromas[0])
        return write(self, told, *arguments, **named)

    monkeypatch.setattr(MusicGen, "write", seen)
    engine = MusicGenEngine()
    assert engine.describe().reference_audio
    reports = {}
    for use in ("guide", "off"):
        wish = ScoreRequest(brief=brief_of(3.0), engine="musicgen", sketch=use)
        check(wish, [engine.describe()], ())
        folder = tmp_path / use
        folder.mkdir()
        engine.score(wish, 0, "take-1", folder, silent)
        reports[use] = read_render(folder)
    guide, off = given
    assert off is None
    assert torch.all(guide.sum(dim=1) == 1)
    assert reports["guide"].sketch.melody
    assert reports["off"].sketch is None
