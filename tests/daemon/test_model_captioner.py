"""The captioner that is a model, tiny and random but whole, in a real daemon's worker."""

from __future__ import annotations

import os
import signal
from fractions import Fraction
from pathlib import Path

import msgspec
import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("transformers", reason="the extra 'models' is not installed")
pytest.importorskip("peft", reason="the extra 'models' is not installed")

import torch

from musiscene_core.captioning.generation import Generation
from musiscene_core.captioning.heard import Section, SoundCaptions
from musiscene_core.captioning.mullama.config import read_manifest
from musiscene_core.captioning.mullama.conversion import Originals, convert
from musiscene_core.captioning.mullama.house import write_pack
from musiscene_core.captioning.mullama.listening import file_chunks, sample_chunks
from musiscene_core.captioning.mullama.packs import PackManifest, identity
from musiscene_core.captioning.mullama.saved import load
from musiscene_core.captioning.prompts import QUESTIONS
from musiscene_core.captioning.request import ListenRequest, SoundPart
from musiscene_core.codec import read_json
from musiscene_core.errors import (
    CancelledError,
    EngineError,
    MediaError,
    RequestError,
)
from musiscene_core.media import read_audio
from musiscene_core.protocol import Client
from musiscene_core.protocol.state import GrowingText
from musiscene_core.ranges import FrameRange, SourceMapping
from musiscene_core.request import CaptionRequest
from musiscene_core.spotting.sections import find_sections
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import MediaReference, TimelineClip
from musiscene_daemon.engines.mullama import MullamaCaptioner
from musiscene_daemon.residency.devices import HostMemory
from musiscene_daemon.residency.residents import Residents
from musiscene_plugins.cli.main import main
from tests.support import tiny_captioner as tiny_models
from tests.support.daemons import Home, home, wait_until
from tests.support.make_media import make_sound
from tests.support.scenes import brief_of

pytestmark = pytest.mark.models

SPEC = "musiscene_daemon.engines.mullama:MullamaCaptioner"
ASKED = ("Describe the music.", "What is it good for?")


@pytest.fixture(scope="module")
def captioner(tmp_path_factory):
    """A converted captioner with a house pack beside it."""
    folder = tmp_path_factory.mktemp("weights")
    tiny = tiny_models.make(folder, phase="finetune")
    target = folder / "captioner"
    given = Originals(
        llama=tiny.llama, encoder=tiny.encoder, checkpoint=tiny.checkpoint, licence="MIT"
    )
    convert(given, target)
    model = load(target)
    manifest = PackManifest(
        captioner=identity(read_manifest(target)),
        pack_sha256="",
        rank=2,
        alpha=8.0,
        linears=("q_proj", "v_proj", "o_proj"),
        description="Dry and short.",
        licence="ours",
    )
    chance = torch.Generator().manual_seed(1)
    tensors = {
        name: torch.randn(shape, generator=chance)
        for name, shape in model.house.shapes(manifest).items()
    }
    write_pack(target / "packs" / "noir", tensors, manifest)
    return target


@pytest.fixture(scope="module")
def place(captioner, tmp_path_factory):
    with home(tmp_path_factory.mktemp("home")) as found, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MUSISCENE_CAPTIONER", str(captioner))
        patch.setenv("OMP_NUM_THREADS", "1")
        with found.connect("--engines-from", SPEC) as client:
            client.captioners()
        yield found


@pytest.fixture
def client(place: Home):
    with place.connect("--engines-from", SPEC) as client:
        yield client


def music(folder: Path, seconds: float = 4.0, rate: int = 48_000, name: str = "temp.wav"):
    """A file whose every second is another chord over noise."""
    chance = np.random.default_rng(3)
    times = np.arange(round(seconds * rate)) / rate
    notes = 220 * 2 ** (np.floor(times) / 5)
    wave = 0.3 * np.sin(2 * np.pi * notes * times) + 0.05 * chance.normal(size=times.size)
    make_sound(folder / name, wave[None].astype(np.float32), rate=rate)
    return MediaReference(path=str(folder / name), name=name)


def wish(*media, **changes) -> ListenRequest:
    given = {
        "captioner": "mullama",
        "sectioning": "each",
        "section_s": 1.0,
        "questions": ASKED,
        **changes,
    }
    return ListenRequest(sounds=tuple(SoundPart(media=one) for one in media), **given)


def texts(made: SoundCaptions) -> list[list[str]]:
    return [[caption.text for caption in heard.captions] for heard in made.sections]


def test_it_says_what_it_is_and_what_it_was_taught(client: Client, captioner) -> None:
    (info,) = [one for one in client.captioners() if one.name == "mullama"]
    assert (info.licence, info.commercial_use, info.needs) == ("MIT", True, "")
    assert info.model == identity(read_manifest(captioner))
    assert [(one.name, one.description) for one in info.adapters] == [("noir", "Dry and short.")]
    weights = sum(path.stat().st_size for path in captioner.rglob("*.safetensors"))
    assert info.memory_bytes > weights


@pytest.mark.slow
def test_sections_and_questions_are_answered_as_one_by_one_by_hand(
    client: Client, captioner, tmp_path
) -> None:
    sound = music(tmp_path, 2.0)
    made = client.listen(wish(sound, seed=7))
    model = load(captioner)
    settings = Generation(seed=7)
    for place_, row in enumerate(made.sections):
        samples = read_audio(sound.path, Fraction(place_), Fraction(place_ + 1), sample_rate=24_000)
        features = model.encode(sample_chunks(samples, 24_000))
        alone = [model.answer(features[None], [question], settings)[0] for question in ASKED]
        assert [caption.text for caption in row.captions] == alone
    assert len({text for row in texts(made) for text in row}) > 2
    how = made.sections[1].captions[1].how
    assert how is not None
    assert (how.writer, how.model) == ("mullama", identity(read_manifest(captioner)))
    assert "### Instruction:\nWhat is it good for?\n" in how.prompt
    assert dict(how.settings) == {"temperature": 0.1, "top_p": 0.75, "max_tokens": 256, "seed": 7}
    assert how.wrote == made.sections[1].captions[1].text
    assert "float32 cpu" in how.notes[0]


def test_sounds_handed_over_together_get_the_words_they_get_alone(client: Client, tmp_path) -> None:
    both = [music(tmp_path, 1.0, name="one.wav"), music(tmp_path, 2.0, 44_100, name="two.wav")]
    together = texts(client.listen(wish(*both, seed=5, questions=ASKED[1:])))
    alone = [texts(client.listen(wish(one, seed=5, questions=ASKED[1:]))) for one in both]
    assert together == [*alone[0], *alone[1]]
    (info,) = [one for one in client.captioners() if one.name == "mullama"]
    assert (info.device, info.dtype) == ("cpu", "float32"), "told once it has worked"


def test_the_model_stays_is_shown_and_can_be_unloaded(client: Client, tmp_path) -> None:
    client.listen(wish(music(tmp_path)))
    (model,) = [one for one in client.models() if one.name.startswith("mullama")]
    assert (model.device, model.state, model.users) == ("cpu", "ready", 0)
    client.unload(model.name)
    wait_until(lambda: client.models() == ())


def test_texts_grow_while_they_are_written(client: Client, tmp_path) -> None:
    seen: list[GrowingText] = []
    stages: list[str] = []
    made = client.listen(
        wish(music(tmp_path)),
        lambda stage, fraction: stages.append(stage),
        on_writing=seen.extend,
    )
    assert {(one.section, one.question) for one in seen} & {(3, 1), (0, 0)}
    for one in seen:
        whole = made.sections[one.section].captions[one.question].text
        assert one.text.strip() in whole
        assert one.length <= len(whole) + 2
    assert any("Loading" in stage for stage in stages) or len(client.models()) == 1
    assert any(stage.startswith("Describing section") for stage in stages)


@pytest.mark.slow
def test_house_packs_change_the_words_and_are_noted(client: Client, tmp_path) -> None:
    sound = music(tmp_path)
    plain = client.listen(wish(sound))
    styled = client.listen(wish(sound, adapters=(("noir", 0.9),)))
    assert texts(styled) != texts(plain)
    assert styled.sections[0].captions[0].how.adapters == (("noir", 0.9),)
    assert texts(client.listen(wish(sound, adapters=(("noir", 0.0),)))) == texts(plain)
    assert len(client.models()) == 1
    with pytest.raises(RequestError, match="no adapter 'attic'"):
        client.listen(wish(sound, adapters=(("attic", 1.0),)))


def test_what_cannot_be_heard_says_why_and_the_rest_is_described(client: Client, tmp_path) -> None:
    silent = np.zeros((1, 48_000), np.float32)
    make_sound(tmp_path / "silent.wav", silent)
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    media = [
        MediaReference(path=str(tmp_path / "silent.wav")),
        music(tmp_path, 0.01, name="short.wav"),
        music(tmp_path, 1.0, rate=11_025, name="odd.wav"),
        MediaReference(path=str(tmp_path / "broken.wav")),
    ]
    made = client.listen(wish(*media))
    assert [bool(row.problem) for row in made.sections] == [True, True, False, True]
    assert "silent" in made.sections[0].problem
    assert "too short" in made.sections[1].problem
    with pytest.raises(MediaError, match="silent"):
        client.listen(wish(media[0]))


def test_a_question_too_long_for_the_model_is_refused_with_the_numbers(
    client: Client, tmp_path
) -> None:
    with pytest.raises(RequestError, match=r"\d+ tokens too long"):
        client.listen(wish(music(tmp_path), questions=("\N{EIGHTH NOTE}" * 2000,)))


def long_wish(folder: Path) -> ListenRequest:
    many = tuple(f"Describe it, the {number}th time." for number in range(16))
    return wish(music(folder, 12.0), questions=many, profile="evaluation")


def test_it_is_cancelled_within_a_moment_and_works_on(client: Client, tmp_path) -> None:
    before = client.listen(wish(music(tmp_path, name="other.wav")))
    worker = client.status().worker_pid
    job = client.submit_listen(long_wish(tmp_path))
    wait_until(lambda: client.job(job).writing)
    client.cancel(job)
    wait_until(lambda: client.job(job).ended, within_s=5.0)
    with pytest.raises(CancelledError):
        client.wait(job)
    assert client.status().worker_pid == worker
    assert texts(client.listen(wish(music(tmp_path, name="other.wav")))) == texts(before)


def test_a_worker_killed_while_it_writes_is_replaced_and_the_job_ends_once(
    client: Client, tmp_path
) -> None:
    expected = client.listen(wish(music(tmp_path, 5.0), seed=1))
    request = wish(music(tmp_path, 5.0, name="again.wav"), seed=1)
    job = client.submit_listen(request)
    wait_until(lambda: client.job(job).writing)
    os.kill(client.status().worker_pid, signal.SIGKILL)
    client.wait(job, timeout=120)
    assert client.job(job).attempts == 2
    assert client.job(job).state == "done"
    made = read_json(Path(client.job(job).folder, "captions.json"), SoundCaptions)
    assert texts(made) == texts(expected)


def test_the_command_prints_what_it_says_and_shows_and_unloads_the_model(
    client: Client, tmp_path, capsys
) -> None:
    sound = music(tmp_path, 2.0)
    made = client.listen(wish(sound, questions=("Describe it.",)))
    command = ["caption", sound.path, "--captioner", "mullama", "--section", "1"]
    assert main([*command, "--question", "Describe it.", "--json"]) == 0
    printed = msgspec.json.decode(capsys.readouterr().out, type=SoundCaptions)
    assert texts(printed) == texts(made)
    assert main([*command, "--strategy", "msi", "--adapter", "noir:0.5", "--how"]) == 0
    shown = capsys.readouterr().out
    assert "0:00.0 - 0:01.0" in shown
    assert "mullama" in shown
    assert "noir" in shown
    assert main([*command, "--adapter", "attic"]) == 2
    assert "noir" in capsys.readouterr().err
    assert main(["daemon", "models"]) == 0
    (model,) = client.models()
    assert model.name in " ".join(capsys.readouterr().out.split())
    assert main(["daemon", "unload", model.name]) == 0
    wait_until(lambda: client.models() == ())


def test_the_list_of_captioners_says_how_each_works_here_and_that_can_be_measured_again(
    client: Client, tmp_path, capsys
) -> None:
    def told(*arguments: str) -> str:
        assert main(["caption", "--captioners", *arguments]) == 0
        return " ".join(capsys.readouterr().out.split())

    client.listen(wish(music(tmp_path, 1.0), questions=ASKED[:1]))
    shown = told()
    assert "signals (captioner): Writes by rules" in shown
    assert "It works in float32 on cpu. Adapters: noir." in shown
    lines = told("--json").replace("} {", "}\n{").splitlines()
    infos = {one["name"]: one for one in map(msgspec.json.decode, lines)}
    assert infos["mullama"]["dtype"] == "float32"
    assert infos["mullama"]["adapters"][0]["name"] == "noir"
    forgotten = told("--measure-again")
    unknown = "How fast it writes here is measured when it is first asked. Adapters"
    assert unknown in forgotten
    wait_until(lambda: unknown in told())
    client.listen(wish(music(tmp_path, 1.0), questions=ASKED[:1]))
    assert "It works in float32 on cpu." in told()


@pytest.mark.slow
def test_the_captions_of_a_brief_are_filled_from_its_temp_track_by_sections(
    client: Client, captioner, tmp_path
) -> None:
    long = music(tmp_path, 110.0, name="reel.wav")
    made = brief_of(100.0, triumphant=1.0)
    record = made.timeline.record
    mapping = SourceMapping(FrameRange(record.start, record.end), FrameRate(24), 24, FrameRate(24))
    clip = TimelineClip(name="temp", media=long, mapping=mapping, role="temp_track")
    timeline = msgspec.structs.replace(made.timeline, clips=(clip,))
    brief = msgspec.structs.replace(made, timeline=timeline)
    request = CaptionRequest(
        brief=brief, captioner="mullama", only=("music", "scene_imagination"), seed=4
    )
    filled = client.caption(request).captions
    spans = find_sections(long.path, 1.0, 101.0)
    assert len(spans) > 1
    model = load(captioner)
    start_s, end_s = spans[0]
    heard = model.encode(file_chunks(long.path, Fraction(start_s), Fraction(end_s)))
    (alone,) = model.answer(heard[None], [QUESTIONS["music"][0]], Generation(seed=4))
    assert filled.music.text.startswith(f"From 0:00: {alone}")
    assert filled.music.text.count("From ") >= len(spans)
    assert filled.scene_imagination.origin == "model"
    assert filled.scene_imagination.how.writer == "mullama"
    assert filled.scene_imagination.text != filled.music.text
    assert filled.video == brief.captions.video


def test_without_weights_it_says_where_they_belong_and_how_to_get_them(
    tmp_path_factory, monkeypatch
) -> None:
    monkeypatch.delenv("MUSISCENE_CAPTIONER", raising=False)
    folder = tmp_path_factory.mktemp("empty")
    with home(folder) as place, place.connect("--engines-from", SPEC) as client:
        (info,) = [one for one in client.captioners() if one.name == "mullama"]
        assert f"not at {folder}/data/models/captioner" in info.needs
        assert "musiscene-train convert" in info.needs
        with pytest.raises(EngineError, match="cannot work yet") as refused:
            client.listen(wish(music(folder)))
        assert "musiscene-train convert" in refused.value.hint


def test_weights_that_do_not_fit_the_machine_are_refused_before_they_are_loaded(
    captioner, tmp_path, monkeypatch
) -> None:
    class Small(HostMemory):
        total_bytes = 1 << 20

        def free_bytes(self) -> int:
            return 1 << 20

    monkeypatch.setenv("MUSISCENE_CAPTIONER", str(captioner))
    monkeypatch.setenv("MUSISCENE_CAPTIONER_PRECISION", "half")
    residents = Residents()
    residents.add_devices(lambda: (Small(),))
    ear = MullamaCaptioner()
    ear.use_models(residents)
    section = Section(media=music(tmp_path), start_s=0, end_s=1)
    with pytest.raises(EngineError, match=r"half cpu needs \d.*; cpu has 1\.0 MiB in all"):
        ear.answer([section], ASKED, Generation())
    assert residents.models() == ()
