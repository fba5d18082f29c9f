"""audiocraft's engines through the daemon, over a stand-in of their environment."""

from __future__ import annotations

import json
import os
import pickle
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from musiscene_core.composing.compose import compose
from musiscene_core.cue import STEM_ROLES, Chord
from musiscene_core.errors import EngineError, JobFailedError, RequestError
from musiscene_core.progress import silent
from musiscene_core.protocol import Client, connect
from musiscene_core.ranges import SourceMapping
from musiscene_core.request import ScoreRequest
from musiscene_core.timeline import MediaReference, TimelineClip
from musiscene_daemon.engines import apart
from musiscene_daemon.engines.audiocraft import conditions, sounds
from musiscene_daemon.engines.audiocraft.engine import JascoEngine, StyleEngine, spans_over
from musiscene_daemon.environments import find
from tests.support import audiocraft_standin
from tests.support.daemons import Home, home, processes_of, wait_until
from tests.support.make_media import make_sound, tone
from tests.support.scenes import brief_of

ENGINES = ("audiocraft-style", "jasco", "magnet")


def wish(prompt: str, engine: str = "magnet", length_s: float = 3.0, seed: int = 5) -> ScoreRequest:
    brief = brief_of(length_s=length_s)
    captions = msgspec.structs.replace(
        brief.captions, fusion=msgspec.structs.replace(brief.captions.fusion, text=prompt)
    )
    brief = msgspec.structs.replace(brief, captions=captions)
    return ScoreRequest(brief=brief, engine=engine, seed=seed)


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, Path]]:
    folder = tmp_path_factory.mktemp("home")
    with home(folder) as place, pytest.MonkeyPatch.context() as patch:
        diary = folder / "diary"
        patch.setenv("MUSISCENE_STANDIN_DIARY", str(diary))
        patch.setenv("HF_HUB_CACHE", str(folder / "hub"))
        audiocraft_standin.install(folder / "data")
        yield place, diary


@pytest.fixture
def client(stand: tuple[Home, Path]) -> Iterator[Client]:
    with connect() as client:
        yield client


def asked(diary: Path) -> list[dict]:
    return [json.loads(line) for line in diary.read_text().splitlines()]


def test_they_are_listed_without_their_environment_with_what_to_do(own_home: Home) -> None:
    with own_home.connect() as client:
        known = {engine.name: engine for engine in client.engines()}
        for name in ENGINES:
            assert "run `musiscene setup audiocraft`" in known[name].lacks
            assert known[name].environment == "main"
        with pytest.raises(EngineError, match="musiscene setup audiocraft"):
            client.check(wish("calm"))


def test_they_live_in_a_worker_of_their_own_and_say_what_they_have(client: Client) -> None:
    # Waits until every environment has said what it offers.
    client.check(wish("calm"))
    known = {engine.name: engine for engine in client.engines()}
    assert [known[name].environment for name in ("composer", *ENGINES)] == [
        "main", *["audiocraft"] * 3,
    ]  # fmt: skip
    jasco = known["jasco"]
    assert (jasco.lacks, jasco.commercial_use) == ("", False)
    assert [model.name for model in jasco.models] == ["jasco-chords-drums-400M"]
    assert known["audiocraft-style"].reference_audio
    assert {worker.name for worker in client.status().workers} == {"main", "audiocraft"}
    assert not client.status().broken_engines


@pytest.mark.parametrize("engine", ENGINES)
def test_a_scene_is_scored_exactly(client: Client, stand: tuple[Home, Path], engine: str) -> None:
    request = wish("a calm sea", engine, length_s=13.0)
    ((take, folder),) = client.score(request)
    assert take.length_samples == request.brief.timeline.length_samples
    assert [stem.role for stem in take.stems] == list(STEM_ROLES)
    assert (take.provenance.engine, take.provenance.licence) == (engine, "CC-BY-NC-4.0")
    assert take.provenance.model.startswith(("musicgen-style", "jasco", "magnet"))
    assert len(take.provenance.model_hash) == 64
    assert not list(folder.glob("*.f32"))
    given = [one for one in asked(stand[1]) if "a calm sea" in one["prompt"]]
    wanted = {"audiocraft-style": 1, "jasco": 2, "magnet": 2}[engine]
    mine = given[-wanted:]
    assert len({one["seed"] for one in mine}) == wanted
    assert [one["seconds"] for one in mine] == ([13.0] if wanted == 1 else [10.0, 10.0])
    if engine == "jasco":
        plan = compose(request, request.seed)
        for one, start_s in zip(mine, (0.0, 9.0), strict=True):
            assert [tuple(c) for c in one["chords"]] == conditions.chords_in(
                plan, start_s, start_s + 10
            )
            assert [tuple(note) for note in one["melody"]] == conditions.melody_in(
                plan, start_s, start_s + 10
            )
            assert all(0 <= begins < ends <= 10 for _, begins, ends in one["melody"])


def test_the_style_is_taken_from_the_temp_track(
    client: Client, stand: tuple[Home, Path], tmp_path: Path
) -> None:
    sound = tone(96_000, 220.0)
    # Silent in its second half, so that it shows which part was heard.
    sound[..., 48_000:] = 0
    path = make_sound(tmp_path / "temp.wav", sound)
    request = wish("in another's style", "audiocraft-style", length_s=2.0)
    timeline = request.brief.timeline
    clip = TimelineClip(
        name="temp",
        media=MediaReference(path=str(path)),
        mapping=SourceMapping(timeline.record, timeline.rate, 0, timeline.rate),
        role="temp_track",
    )
    timeline = msgspec.structs.replace(timeline, clips=(clip,))
    brief = msgspec.structs.replace(request.brief, timeline=timeline)
    ((take, _),) = client.score(msgspec.structs.replace(request, brief=brief))
    assert not any("no temp track" in warning for warning in take.warnings)
    heard = np.array(asked(stand[1])[-1]["reference_heard"])
    assert len(heard) == 20
    assert heard[:9].min() > 100 * heard[11:].max()


def test_jasco_hears_the_composers_drums_at_their_times(
    client: Client, stand: tuple[Home, Path], tmp_path: Path
) -> None:
    brief = brief_of(length_s=13.0, valence=0.5, arousal=0.9)
    request = msgspec.structs.replace(wish("a chase", "jasco"), brief=brief)
    client.score(request)
    given = asked(stand[1])[-2:]
    played = conditions.drums(request, request.seed, tmp_path, silent)
    assert played is not None
    for one, start_s in zip(given, (0.0, 9.0), strict=True):
        part = played[0, round(48_000 * start_s) : round(48_000 * (start_s + 10))]
        tenths = [float(np.abs(part[at : at + 4_800]).max()) for at in range(0, len(part), 4_800)]
        assert one["drums_heard"] == pytest.approx(tenths, abs=1e-3)
        assert max(tenths) > 0.01


def test_cancelling_ends_the_work_within_half_a_second_and_keeps_the_model(
    client: Client, stand: tuple[Home, Path]
) -> None:
    before = {worker.name: worker.pid for worker in client.status().workers}
    job_id = client.submit_score(wish("slow"))
    wait_until(lambda: client.job(job_id).stage == "Generating", within_s=30)
    began = time.monotonic()
    client.cancel(job_id)
    wait_until(lambda: client.job(job_id).state == "cancelled")
    assert time.monotonic() - began < 5
    assert {worker.name: worker.pid for worker in client.status().workers} == before
    client.score(wish("calm"))
    pids = [one["pid"] for one in asked(stand[1]) if "slow" in one["prompt"]]
    assert asked(stand[1])[-1]["pid"] == pids[-1]


def test_a_child_that_crashes_is_tried_three_times_and_then_told(
    client: Client, stand: tuple[Home, Path]
) -> None:
    composer = {worker.name: worker.pid for worker in client.status().workers}["main"]
    with pytest.raises(JobFailedError, match="3 times") as raised:
        client.score(wish("crash"))
    assert "the tape is torn" in raised.value.hint
    assert sum("crash" in one["prompt"] for one in asked(stand[1])) == 3
    client.score(wish("calm"))
    assert {worker.name: worker.pid for worker in client.status().workers}["main"] == composer


def test_what_a_user_can_mend_is_not_tried_again(client: Client, stand: tuple[Home, Path]) -> None:
    with pytest.raises(RequestError, match="too odd"):
        client.score(wish("mend"))
    with pytest.raises(EngineError, match="odd kind"):
        client.score(wish("nothing"))
    assert sum("mend" in one["prompt"] for one in asked(stand[1])) == 1


def test_a_killed_child_is_replaced_and_none_outlives_the_daemon(
    client: Client, stand: tuple[Home, Path]
) -> None:
    client.score(wish("calm"))
    pid = asked(stand[1])[-1]["pid"]
    os.kill(pid, signal.SIGKILL)
    client.score(wish("calm", seed=9))
    assert asked(stand[1])[-1]["pid"] != pid
    place = stand[0]
    place.kill()
    wait_until(lambda: not processes_of(place.folder), within_s=5)


def test_weights_that_are_not_whole_are_named(
    own_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    data = own_home.folder / "data"
    audiocraft_standin.install(data)
    (data / "models/jasco-chords-drums-400M/chord_to_index_mapping.pkl").unlink()
    (data / "models/musicgen-style/compression_state_dict.bin").unlink()
    assert "audiocraft's assets" in JascoEngine().describe().lacks
    assert "lacks compression_state_dict.bin" in StyleEngine().describe().lacks
    (environment,), broken = find(data)
    assert (environment.engines, broken) == (ENGINES, ())


def test_windows_cover_the_range_and_join_without_a_step() -> None:
    assert spans_over(3.0, 10.0, 1.0) == [(0.0, 10.0)]
    assert spans_over(25.0, 10.0, 1.0) == [(0.0, 10.0), (9.0, 19.0), (18.0, 28.0)]
    pieces = [np.full((1, 100), value, np.float32) for value in (1.0, 1.0, -1.0)]
    whole = sounds.joined(pieces, 10)
    assert whole.shape == (1, 280)
    assert np.abs(np.diff(whole)).max() < 0.25


def test_chords_go_by_audiocrafts_names() -> None:
    def name(root: int, *above: int) -> str:
        pitches = tuple((root + step) % 12 for step in (0, *above))
        made = Chord(start=0.0, length=1.0, root=root, pitch_classes=pitches, name="x")
        return conditions.chord_name(made)

    assert name(2, 3, 7, 10, 2) == "Dm7"
    assert name(10, 4, 7, 11) == "Bbmaj7"
    assert name(6, 3, 6, 10) == "F#m7b5"
    assert [name(0, 4, 7), name(9, 3, 7), name(1, 5, 7), name(3, 3, 6)] == [
        "C",
        "Am",
        "C#",
        "Ebdim",
    ]


@pytest.mark.parametrize("tampered", ["../stolen.f32", "absent.f32"])
def test_sound_from_elsewhere_is_not_read(tmp_path: Path, tampered: str) -> None:
    (tmp_path / "stolen.f32").write_bytes(bytes(64))
    place = tmp_path / "job"
    place.mkdir()
    with pytest.raises(EngineError, match="wrote no sound"):
        sounds.take_back(place, {"file": tampered, "channels": 1, "rate": 32_000})
    assert (tmp_path / "stolen.f32").exists()


def test_a_table_of_chords_runs_nothing(tmp_path: Path) -> None:
    import sys

    from musiscene_daemon.engines.audiocraft import engine

    sys.path.insert(0, str(Path(engine.__file__).parents[1] / "apart"))
    from musiscene_daemon.engines.audiocraft import audiocraft_child

    class Canary:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    path = tmp_path / "table.pkl"
    path.write_bytes(pickle.dumps({"N": 0, "C": 1, "Ebm": 2}))
    assert audiocraft_child.read_chords(path) == {"N": 0, "C": 1, "Ebm": 2}
    assert [audiocraft_child.nearest(one, {"N": 0, "Ebm": 2, "C": 1}) for one in
            ("Ebm7", "Cmaj7", "C#", "C")] == ["Ebm", "C", "N", "C"]  # fmt: skip
    for bad in (pickle.dumps(Canary()), b"", b"\x80\x04", pickle.dumps({"N": "x"})):
        path.write_bytes(bad)
        with pytest.raises(Exception, match=r"damaged|no table|wanted"):
            audiocraft_child.read_chords(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.models
def test_mert_is_built_without_the_code_beside_its_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
    transformers = pytest.importorskip("transformers", reason="the extra 'models' is not installed")
    monkeypatch.syspath_prepend(str(Path(apart.__file__).parent))
    from musiscene_daemon.engines.audiocraft import audiocraft_child

    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.HubertConfig(**small, intermediate_size=16, conv_dim=(8,) * 7)
    mert = transformers.HubertModel(config).eval()
    mert.save_pretrained(tmp_path)
    about = json.loads((tmp_path / "config.json").read_text())
    code = {"AutoModel": "modeling_MERT.MERTModel"}
    (tmp_path / "modeling_MERT.py").write_text("raise SystemExit('this was run')")
    auto = transformers.AutoModel
    monkeypatch.setattr(auto, "from_pretrained", auto.from_pretrained)
    audiocraft_child.with_plain_mert()

    def built(**changes: object) -> object:
        said = {**about, "model_type": "mert_model", "auto_map": code, **changes}
        (tmp_path / "config.json").write_text(json.dumps(said))
        return auto.from_pretrained(str(tmp_path), trust_remote_code=True)

    sound = torch.randn(1, 4_000)
    with torch.inference_mode():
        heard = built(attention_relax=-1.0).eval()(sound).last_hidden_state
        assert torch.equal(heard, mert(sound).last_hidden_state)
    for own in ({"deepnorm": True}, {"attention_relax": 32.0}, {"num_hidden_layers": 2}):
        with pytest.raises(RuntimeError, match=r"is no HuBERT|lacks"):
            built(**own)
