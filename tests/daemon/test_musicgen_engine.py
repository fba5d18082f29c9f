"""A tiny MusicGen of random weights makes takes in a real daemon, through the command line."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
import wave
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("transformers", reason="the extra 'models' is not installed")

from musiscene_core.brief import SceneBrief  # noqa: E402
from musiscene_core.codec import read_json  # noqa: E402
from musiscene_core.cue import STEM_ROLES  # noqa: E402
from musiscene_core.errors import (  # noqa: E402
    CancelledError,
    EngineError,
    InputError,
    RequestError,
)
from musiscene_core.fitting.report import read_render  # noqa: E402
from musiscene_core.neural.tensors import fingerprint  # noqa: E402
from musiscene_core.progress import Progress, silent  # noqa: E402
from musiscene_core.protocol.admission import check  # noqa: E402
from musiscene_core.request import ScoreRequest  # noqa: E402
from musiscene_core.sampling import Sampling  # noqa: E402
from musiscene_core.take import Take  # noqa: E402
from musiscene_daemon.engines.composer import ComposerEngine  # noqa: E402
from musiscene_daemon.engines.musicgen import engine as engine_module  # noqa: E402
from musiscene_daemon.engines.musicgen import generation  # noqa: E402
from musiscene_daemon.engines.musicgen.engine import (  # noqa: E402
    CANDIDATES_VARIABLE,
    DTYPE_VARIABLE,
    MusicGenEngine,
)
from musiscene_daemon.engines.musicgen.finding import WEIGHTS_VARIABLE  # noqa: E402
from musiscene_daemon.engines.musicgen.model import MusicGen, Several  # noqa: E402
from musiscene_daemon.residency.devices import Device, HostMemory  # noqa: E402
from musiscene_daemon.residency.residents import Residents  # noqa: E402
from tests.plugins.test_cli_end_to_end import Desk  # noqa: E402
from tests.support import tiny_musicgen  # noqa: E402
from tests.support.scenes import brief_of  # noqa: E402

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_musicgen.save(tmp_path_factory.mktemp("models") / "musicgen-tiny")


@pytest.fixture
def engine(weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MusicGenEngine:
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(weights))
    monkeypatch.setenv(DTYPE_VARIABLE, "float32")
    return MusicGenEngine()


@pytest.fixture(scope="module")
def desk(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(tmp_path_factory.mktemp("desk"))
    half = Path(shutil.copytree(weights, made.folder / "musicgen-half"))
    (half / "model.safetensors").unlink()
    # As Hugging Face's tools leave a download that was stopped.
    (half / "model.safetensors").symlink_to(Path("blobs/0a1b"))
    folders = os.pathsep.join((str(weights), str(half)))
    made.environment |= {WEIGHTS_VARIABLE: folders, "PYTHONPATH": str(Path.cwd())}
    yield made
    assert made.run("daemon", "stop").returncode == 0


def samples_of(path: Path) -> np.ndarray:
    with wave.open(str(path)) as file:
        raw = np.frombuffer(file.readframes(file.getnframes()), np.uint8).reshape(-1, 2, 3)
    wide = np.zeros((*raw.shape[:2], 4), np.uint8)
    wide[..., 1:] = raw
    return wide.view("<i4")[..., 0] >> 8


def test_a_film_is_scored_through_the_command_line(desk: Desk, weights: Path) -> None:
    wanted = ("score", "film.mp4", "--in", "00:00:01:00", "--out", "00:00:03:12", "--cue", "1m1")
    how = ("--steer", "video", "--temperature", "0.9", "--top-p", "0.8", "--guidance", "2")
    done = desk.run(*wanted, "--engine", "musicgen", "--seed", "4", "--output", "out", *how)
    assert done.returncode == 0, done
    folder = desk.folder / "out/1m1/take-1"
    take = read_json(folder / "take.json", Take)
    assert take.length_samples == 60 * 2000
    mix = samples_of(folder / take.mix)
    assert len(mix) == take.length_samples
    assert np.abs(mix).max() > 1000
    assert [stem.role for stem in take.stems] == list(STEM_ROLES)
    total = sum(samples_of(folder / stem.path) for stem in take.stems)
    assert np.array_equal(total, mix)
    made = take.provenance
    assert (made.engine, made.model, made.seed) == ("musicgen", "musicgen-tiny", 4)
    assert (made.licence, made.commercial_use) == ("CC-BY-NC-4.0", False)
    assert made.model_hash == fingerprint(weights)
    captions = read_json(folder.parent / "brief.json", SceneBrief).captions
    assert captions.video.text not in ("", captions.fusion.text)
    assert made.prompt.startswith(captions.video.text.rstrip("."))
    assert "bpm" in made.prompt


def test_a_half_downloaded_model_is_said_to_be_one_and_nothing_is_placed(desk: Desk) -> None:
    done = desk.run("score", "film.mp4", "--engine", "musicgen:half", "--output", "never")
    assert done.returncode == 2, done
    assert "model.safetensors is missing: its download did not end." in done.stderr
    assert "Download the model again" in done.stderr
    assert not (desk.folder / "never").exists()


def test_ctrl_c_cancels_while_it_generates(desk: Desk) -> None:
    child = desk.start(
        *("score", "film.mp4", "--engine", "musicgen", "--output", "never", "--takes", "16")
    )
    assert child.stderr is not None
    for line in child.stderr:
        if "Generating" in line:
            break
    child.send_signal(signal.SIGINT)
    try:
        _, said = child.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        child.kill()
        raise
    assert (child.returncode, said.splitlines()[-1]) == (130, "musiscene: Cancelled.")
    assert not (desk.folder / "never").exists()


def wish(length_s: float, **changes: object) -> ScoreRequest:
    brief = brief_of(length_s, valence=-0.4, arousal=0.3, dialogue=[(0.2, 0.25)])
    return msgspec.structs.replace(ScoreRequest(brief=brief, engine="musicgen"), **changes)


def test_a_third_of_a_second_is_exact(engine: MusicGenEngine, tmp_path: Path) -> None:
    request = wish(0.3)
    take = engine.score(request, 1, "take-1", tmp_path, silent)
    assert take.length_samples == request.brief.timeline.length_samples
    assert len(samples_of(tmp_path / take.mix)) == take.length_samples


@pytest.mark.slow
def test_music_past_the_window_is_one_piece_and_ends(
    engine: MusicGenEngine, tmp_path: Path
) -> None:
    request = wish(40.0)
    take = engine.score(request, 1, "take-1", tmp_path, silent)
    mix = samples_of(tmp_path / take.mix)
    assert len(mix) == 40 * 48_000
    report = read_render(tmp_path)
    assert report is not None
    assert len(report.windows) >= 2
    assert all(len(window.scores) == 2 for window in report.windows)
    for before, after in pairwise(report.windows):
        assert after.start_s == pytest.approx(before.end_s, abs=0.001)
        assert after.drift is not None
    assert report.windows[-1].end_s >= 40.0
    assert np.abs(mix[-1]).max() == 0
    assert np.abs(mix[-480:]).max() < 0.05 * np.abs(mix[:-96_000]).max()
    assert abs(take.loudness_lufs - request.target_lufs) < 1.0 or take.true_peak_dbtp > -2.0
    total = sum(samples_of(tmp_path / stem.path) for stem in take.stems)
    assert np.array_equal(total, mix)


def test_takes_written_together_are_what_each_is_alone(
    engine: MusicGenEngine, tmp_path: Path
) -> None:
    request = wish(3.0, takes=2, seed=7)
    places = [(7 + index, f"take-{1 + index}", tmp_path / f"take-{1 + index}") for index in (0, 1)]
    alone = tmp_path / "alone"
    for folder in (alone, *(folder for _, _, folder in places)):
        folder.mkdir()
    first, second = engine.score_together(request, places, silent)
    engine.score(request, 8, "take-2", alone, silent)
    assert (first.provenance.seed, second.provenance.seed) == (7, 8)
    mixes = [samples_of(folder / "mix.wav") for _, _, folder in places]
    assert not np.array_equal(*mixes)
    apart = np.abs(mixes[1].astype(np.int64) - samples_of(alone / "mix.wav")).max()
    # Rows of another batch are rounded otherwise in their last bits.
    assert apart < 1e-3 * np.abs(mixes[1]).max()


@pytest.mark.parametrize("kind", ["melody", pytest.param("mono", marks=pytest.mark.slow)])
def test_stems_are_generated_on_their_own_and_the_mix_is_their_sum(
    engine: MusicGenEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    weights = tiny_musicgen.save(tmp_path / "musicgen-own", kind)
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(weights))
    passes: list[Several] = []
    write = MusicGen.write

    def seen(self: MusicGen, told: Several, *arguments: object, **named: object) -> object:
        passes.append(told)
        return write(self, told, *arguments, **named)

    monkeypatch.setattr(MusicGen, "write", seen)
    request = wish(3.3, stems="generated", tempo_bpm=120.0)
    check(request, [engine.describe()], ())
    folder = tmp_path / "take"
    folder.mkdir()
    take = engine.score(request, 5, "take-1", folder, silent)
    report = read_render(folder)
    roles = [stem.role for stem in report.stems]
    assert len(roles) >= 3
    (told,) = passes
    prompts = told.prompts
    assert told.hears == tuple(range(len(roles)))
    assert len(prompts) == len(set(prompts)) == len(roles)
    assert "Bass line only" in prompts[roles.index("bass")]
    assert all("120 bpm" in prompt for prompt in prompts)
    followed = [guide is not None for guide in told.chromas]
    assert followed == [stem.followed for stem in report.stems]
    assert any(followed) == (kind == "melody")
    mix = samples_of(folder / take.mix)
    stems = {stem.role: samples_of(folder / stem.path) for stem in take.stems}
    assert len(mix) == take.length_samples == request.brief.timeline.length_samples
    assert np.array_equal(sum(stems.values()), mix)
    for role in STEM_ROLES:
        assert (np.abs(stems[role]).max() > 1000) == (role in roles)
    assert "each on its own" in report.separation
    assert sum(stem.seconds for stem in report.stems) > 0


def test_how_tokens_are_drawn_is_wished_for(engine: MusicGenEngine, tmp_path: Path) -> None:
    request = wish(2.0, takes=2, sampling=Sampling(temperature=0.0))
    places = [(seed, f"take-{seed}", tmp_path / f"take-{seed}") for seed in (1, 2)]
    for _, _, folder in places:
        folder.mkdir()
    engine.score_together(request, places, silent)
    # The likeliest tokens leave nothing to chance.
    one, other = (samples_of(folder / "mix.wav") for _, _, folder in places)
    assert np.array_equal(one, other)
    check(request, [engine.describe()], ())
    composed = msgspec.structs.replace(request, engine="composer")
    with pytest.raises(RequestError, match="generates no stems"):
        check(wish(2.0, engine="composer", stems="generated"), [ComposerEngine().describe()], ())
    with pytest.raises(RequestError, match="draws no tokens"):
        check(composed, [ComposerEngine().describe()], ())


def test_a_melody_is_followed_by_a_model_that_is_not_the_first(
    engine: MusicGenEngine, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    melody = tiny_musicgen.save(tmp_path / "musicgen-melody", "melody")
    monkeypatch.setenv(WEIGHTS_VARIABLE, os.pathsep.join(map(str, (weights, melody))))
    check(wish(5.0, melody="temp", model="melody"), [engine.describe()], ())
    with pytest.raises(RequestError, match=r"musicgen:tiny follows no melody .* musicgen:melody"):
        check(wish(5.0, melody="temp", model="tiny"), [engine.describe()], ())
    with pytest.raises(RequestError, match="musicgen:tiny follows no melody"):
        check(wish(5.0, melody="temp"), [engine.describe()], ())
    # The scene has no temp track: what the model hears is asked for before anything is loaded.
    with pytest.raises(RequestError, match="temp track has no sound"):
        engine.score(wish(5.0, melody="temp", model="melody"), 1, "take-1", tmp_path, silent)


def test_a_temp_track_s_melody_needs_a_model_that_hears_one(
    engine: MusicGenEngine, tmp_path: Path
) -> None:
    with pytest.raises(RequestError, match="follows no melody of a temp track"):
        check(wish(5.0, melody="temp"), [engine.describe()], ())
    with pytest.raises(RequestError, match="words alone"):
        engine.score(wish(5.0, melody="temp"), 1, "take-1", tmp_path, silent)


@pytest.mark.parametrize(
    ("named", "gpu", "apart", "candidates"),
    [
        ("", False, False, 2),
        # Stems are rows enough for a processor.
        ("", False, True, 1),
        ("", True, False, 4),
        ("", True, True, 4),
        ("3", False, True, 3),
    ],
)
def test_a_processor_writes_few_candidates_unless_it_is_told_to_write_more(
    monkeypatch: pytest.MonkeyPatch, named: str, gpu: bool, apart: bool, candidates: int
) -> None:
    monkeypatch.setenv(CANDIDATES_VARIABLE, named)
    assert engine_module._candidates(on_gpu=gpu, apart=apart) == candidates


def test_how_many_candidates_is_a_number(
    engine: MusicGenEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CANDIDATES_VARIABLE, "many")
    with pytest.raises(InputError, match="'many'"):
        engine.score(wish(5.0), 1, "take-1", tmp_path, silent)


def test_commercial_use_is_refused(engine: MusicGenEngine) -> None:
    with pytest.raises(RequestError, match="may not be used commercially"):
        check(wish(5.0, licence="commercial"), [engine.describe()], ())


def test_three_hours_are_refused(engine: MusicGenEngine) -> None:
    with pytest.raises(RequestError, match="musicgen scores up to 600 s"):
        check(wish(10_800.0), [engine.describe()], ())


def test_what_progress_raises_ends_the_work_and_leaves_no_take(
    engine: MusicGenEngine, tmp_path: Path
) -> None:
    called = 0.0

    def stop(stage: str, fraction: float) -> None:
        nonlocal called
        if stage == "Generating the music" and fraction > 0.2:
            called = called or time.monotonic()
            raise CancelledError("The job was cancelled.")

    with pytest.raises(CancelledError):
        engine.score(wish(8.0), 1, "take-1", tmp_path, stop)
    assert called
    assert not list(tmp_path.glob("take.json"))


def test_loading_that_says_nothing_is_left_at_once_and_ends_before_the_next(
    engine: MusicGenEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load, began, go_on = engine_module._load, threading.Event(), threading.Event()
    ended: list[str] = []

    def silent_for_long(weights: Path, device: Device, progress: Progress) -> MusicGen:
        began.set()
        assert go_on.wait(60)
        try:
            return load(weights, device, progress)
        except CancelledError:
            ended.append("left")
            raise

    def leave(stage: str, fraction: float) -> None:
        if began.is_set():
            raise CancelledError("The job was cancelled.")

    monkeypatch.setattr(engine_module, "_load", silent_for_long)
    with pytest.raises(CancelledError, match="The job was cancelled"):
        engine.score(wish(0.3), 1, "take-1", tmp_path, leave)
    assert not ended
    assert not list(tmp_path.glob("take.json"))
    go_on.set()
    engine.score(wish(0.3), 1, "take-1", tmp_path, silent)
    assert ended == ["left"]


def test_larger_models_write_fewer_rows_at_once_on_a_processor() -> None:
    sizes = (420_000_000, 1_840_000_000, 3_300_000_000, 50_000)
    assert [engine_module._rows(size) for size in sizes] == [8, 2, 1, 8]


class Gpu:
    """A device of 8 GB for residency; what is loaded onto it lies in the machine's own memory."""

    name, kind, total_bytes = "cuda:9", "gpu", 8 << 30

    def free_bytes(self) -> int:
        return 8 << 30

    def release(self) -> None:
        pass


@pytest.fixture
def on_devices(engine: MusicGenEngine, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds of device that a model was loaded onto, of a machine with a GPU."""
    residents = Residents()
    residents.add_devices(lambda: (Gpu(),))
    engine.use_models(residents)
    kinds: list[str] = []
    load = engine_module._load

    def loaded(weights: Path, device: Device, progress: Progress) -> MusicGen:
        kinds.append(device.kind)
        return load(weights, HostMemory(), progress)

    monkeypatch.setattr(engine_module, "_load", loaded)
    return kinds


@pytest.mark.parametrize(
    ("kind", "fails", "tried", "candidates"),
    [
        (torch.OutOfMemoryError, 1, ["gpu", "gpu"], "1"),
        (MemoryError, 2, ["gpu", "gpu", "cpu"], "1"),
        (MemoryError, 0, ["gpu"], "1"),
        # Candidates that do not fit side by side are written one after the other.
        (torch.OutOfMemoryError, 1, ["gpu"], "2"),
    ],
)
def test_memory_that_runs_out_in_the_middle_is_found_elsewhere(
    engine: MusicGenEngine,
    on_devices: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: type[Exception],
    fails: int,
    tried: list[str],
    candidates: str,
) -> None:
    monkeypatch.setenv(CANDIDATES_VARIABLE, candidates)
    for folder in ("usual", "take"):
        (tmp_path / folder).mkdir()
    usual = engine.score(wish(0.6), 1, "take-1", tmp_path / "usual", silent)
    engine.use_models(Residents())
    on_devices.clear()
    residents = Residents()
    residents.add_devices(lambda: (Gpu(),))
    engine.use_models(residents)
    # At a step in the middle of each of the first so many attempts.
    draw, left, steps = generation.drawn, fails, 0

    def full(*given: Any) -> Any:
        nonlocal left, steps
        steps += 1
        if left and steps % 10 == 0:
            left -= 1
            raise kind("out of memory")
        return draw(*given)

    monkeypatch.setattr(generation, "drawn", full)
    stages: list[str] = []
    take = engine.score(
        wish(0.6), 1, "take-1", tmp_path / "take", lambda stage, _: stages.append(stage)
    )
    assert on_devices == tried
    assert ("Making room" in stages) == (len(tried) > 1)
    assert take.length_samples == usual.length_samples
    mixes = [samples_of(tmp_path / folder / take.mix) for folder in ("usual", "take")]
    apart = np.abs(mixes[0].astype(np.int64) - mixes[1]).max()
    assert apart <= (0 if candidates == "1" else 1e-3 * np.abs(mixes[0]).max())


def test_a_model_that_cannot_be_loaded_onto_the_gpu_works_on_the_processor(
    engine: MusicGenEngine,
    on_devices: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load = engine_module._load

    def full(weights: Path, device: Device, progress: Progress) -> MusicGen:
        if device.kind == "gpu":
            on_devices.append(device.kind)
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return load(weights, device, progress)

    monkeypatch.setattr(engine_module, "_load", full)
    engine.score(wish(0.3), 1, "take-1", tmp_path, silent)
    assert on_devices == ["gpu", "gpu", "cpu"]


def test_memory_that_is_nowhere_is_said_to_be_missing(
    engine: MusicGenEngine,
    on_devices: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(self: MusicGen, *arguments: Any, **named: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(MusicGen, "write", full)
    with pytest.raises(EngineError, match=r"did not fit .* Mark a shorter range"):
        engine.score(wish(0.6), 1, "take-1", tmp_path, silent)
    assert on_devices == ["gpu", "gpu", "cpu", "cpu"]
    assert not list(tmp_path.glob("take.json"))
