"""audiocraft itself, in the environment that `musiscene setup audiocraft` makes: its real
architectures, small and with random weights, over the wire and through the daemon."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import msgspec
import numpy as np
import pytest

from musiscene_core.cue import STEM_ROLES
from musiscene_core.environments.places import folder_of, interpreter_of
from musiscene_core.errors import EngineError
from musiscene_core.progress import silent
from musiscene_core.protocol import connect
from musiscene_core.request import ScoreRequest
from musiscene_daemon.engines.apart.process import ChildProcess
from musiscene_daemon.engines.audiocraft import measuring, sounds
from musiscene_daemon.engines.audiocraft.engine import CHILD
from tests.support import audiocraft_small
from tests.support.daemons import home
from tests.support.make_media import make_sound, tone
from tests.support.scenes import brief_of

pytestmark = pytest.mark.audiocraft
SILENCE_S = 120.0
KINDS = {
    "style": "musicgen-style",
    "magnet": "magnet-small-10secs",
    "jasco": "jasco-chords-drums-melody-400M",
}
TOOL = """
import pathlib, sys, wave
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
if "--stats" in given:
    if "broken" in given["--model_ckpt"]:
        sys.exit("no TensorFlow here")
    files = pathlib.Path(given["--input_files"]).read_text().split()
    frames = sum(wave.open(file).getnframes() for file in files)
    pathlib.Path(given["--stats"]).write_text(str(frames))
else:
    files = [given["--test_stats"], given["--background_stats"]]
    made, real = (int(pathlib.Path(file).read_text()) for file in files)
    print("FAD:", abs(made - real) / 16000)
"""
"""In the place of Google's program: the difference of two sets' lengths in seconds."""


def environment_python() -> Path:
    python = interpreter_of(folder_of("audiocraft"))
    if python is None:
        pytest.skip("run `musiscene setup audiocraft` first")
    return python


def in_environment(python: Path, hub: Path, *words: object) -> str:
    command = [str(python), "-s", "-E", "-W", "ignore", audiocraft_small.__file__]
    variables = {"MUSISCENE_CHILD_FOLDER": str(CHILD.parent), "HF_HUB_CACHE": str(hub)}
    done = subprocess.run(
        [*command, *map(str, words)],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with models/ and hub/."""
    python, folder = environment_python(), tmp_path_factory.mktemp("made")
    in_environment(python, folder / "hub", "make", folder / "models", folder / "hub")
    return folder


@pytest.fixture(scope="module")
def child(made: Path) -> Iterator[ChildProcess]:
    variables = {"HF_HUB_CACHE": str(made / "hub")}
    started = ChildProcess(
        [environment_python(), "-s", "-E", "-u", CHILD],
        silent,
        mend="",
        environment=variables,
        silence_s=SILENCE_S,
    )
    yield started
    started.close()


def load(child: ChildProcess, made: Path, kind: str) -> dict:
    given = {"kind": kind, "model": str(made / "models" / KINDS[kind]), "device": "cpu"}
    return child.ask("load", given, made, silent)


def generate(child: ChildProcess, folder: Path, **given: object) -> np.ndarray:
    wish = {"prompt": "a calm sea", "seconds": 2.0, "seed": 3, **given}
    sound, rate = sounds.take_back(folder, child.ask("generate", wish, folder, silent))
    assert rate == 32_000
    assert np.isfinite(sound).all()
    return sound


def test_style_hears_its_reference(child: ChildProcess, made: Path, tmp_path: Path) -> None:
    assert load(child, made, "style") == {"window_s": 30.0, "rate": 32_000}
    random = np.random.default_rng(0)
    noise = 0.1 * random.standard_normal((1, 160_000)).astype(np.float32)
    heard = sounds.hand_over(tmp_path, "reference.f32", noise, 32_000)
    alone = generate(child, tmp_path)
    styled = generate(child, tmp_path, reference=heard)
    assert alone.shape == styled.shape == (1, 64_000)
    assert np.array_equal(alone, generate(child, tmp_path))
    assert np.array_equal(styled, generate(child, tmp_path, reference=heard))
    assert not np.array_equal(alone, styled)


def test_magnet_says_how_long_its_pieces_are(
    child: ChildProcess, made: Path, tmp_path: Path
) -> None:
    about = load(child, made, "magnet")
    # 498 of 500 frames: whole spans of three.
    assert about == {"window_s": 9.96, "rate": 32_000}
    assert generate(child, tmp_path).shape == (1, 318_720)


def test_jasco_follows_chords_melody_and_drums(
    child: ChildProcess, made: Path, tmp_path: Path
) -> None:
    assert load(child, made, "jasco") == {"window_s": 10.0, "rate": 32_000}
    random = np.random.default_rng(0)
    beats = 0.1 * random.standard_normal((1, 480_000)).astype(np.float32)
    conditions = {
        "chords": [("C", 0.0), ("Am7", 2.5)],
        "melody": [(60, 0.0, 1.0), (64, 1.0, 2.0)],
        "drums": sounds.hand_over(tmp_path, "drums.f32", beats, 48_000),
    }
    played = {"none": generate(child, tmp_path)}
    played |= {name: generate(child, tmp_path, **{name: one}) for name, one in conditions.items()}
    assert {sound.shape for sound in played.values()} == {(1, 320_000)}
    for name in conditions:
        assert not np.array_equal(played[name], played["none"]), name


def test_weights_with_code_in_them_are_not_read(
    child: ChildProcess, made: Path, tmp_path: Path
) -> None:
    import pickle

    ran = tmp_path / "ran"

    class Canary:
        def __reduce__(self):
            return os.mkdir, (str(ran),)

    for file in ("state_dict.bin", "compression_state_dict.bin"):
        (tmp_path / file).write_bytes(pickle.dumps(Canary()))
    given = {"kind": "magnet", "model": str(tmp_path), "device": "cpu"}
    with pytest.raises(EngineError, match=r"more than tensors|cannot be loaded"):
        child.ask("load", given, tmp_path, silent)
    assert not ran.exists()


@pytest.fixture
def hub_on_this_machine() -> Iterator[tuple[str, list[str]]]:
    """In the place of Hugging Face: notes what it is asked for."""
    asked: list[str] = []

    class Noting(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_GET  # noqa: N815 - http.server's name

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Noting) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


def test_nothing_is_downloaded(
    made: Path,
    tmp_path: Path,
    hub_on_this_machine: tuple[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address, asked = hub_on_this_machine
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    variables = {"HF_ENDPOINT": address, "HF_HUB_CACHE": str(tmp_path / "empty")}
    python = environment_python()
    child = ChildProcess(
        [python, "-s", "-E", "-u", CHILD],
        silent,
        mend="",
        environment=variables,
        silence_s=SILENCE_S,
    )
    try:
        for kind in KINDS:
            with pytest.raises(EngineError, match="cannot be loaded") as raised:
                load(child, made, kind)
            assert "nothing is downloaded" in raised.value.hint
        given = {"metric": "clap", "pairs": [], "weights": "none.pt", "tool": ""}
        with pytest.raises(EngineError, match="cannot be used") as raised:
            child.ask("measure", given, tmp_path, silent)
        assert "roberta-base" in raised.value.hint
    finally:
        child.close()
    assert not asked
    code = (
        f"import sys; sys.path.insert(0, {str(CHILD.parent)!r}); import audiocraft_child\n"
        "audiocraft_child.stay_offline()\n"
        "import urllib.request; urllib.request.urlopen('http://192.0.2.1/passt.pt', timeout=5)\n"
    )
    done = subprocess.run([str(python), "-s", "-E", "-c", code], capture_output=True, text=True)
    assert "192.0.2.1 was asked for something, and nothing is downloaded here" in done.stderr


def test_its_distance_is_counted_or_says_why_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    python = environment_python()
    folders = [tmp_path / name for name in ("made", "real")]
    for folder, length in zip(folders, (96_000, 48_000), strict=True):
        folder.mkdir()
        # The shorter one of a pair is what both are cut to.
        make_sound(folder / "sea.wav", tone(length, 220.0))
    tool = tmp_path / "tool/frechet_audio_distance"
    tool.mkdir(parents=True)
    for name in ("__init__", "create_embeddings_main", "compute_fad"):
        (tool / f"{name}.py").write_text("" if name == "__init__" else TOOL)
    monkeypatch.setenv("TF_PYTHON_EXE", str(python))
    words = ["fad", str(folders[0]), "--real", str(folders[1]), "--tool", str(tool.parent)]
    for weights in ("vggish", "broken"):
        (tmp_path / weights).write_bytes(b"")
    assert measuring.main([*words, "--weights", str(tmp_path / "vggish")]) == 0
    assert capsys.readouterr().out == "0\n"
    assert measuring.main([*words, "--weights", str(tmp_path / "broken")]) == 2
    assert "no TensorFlow here" in capsys.readouterr().err
    assert measuring.main([*words, "--weights", str(tmp_path / "none")]) == 2
    assert "Could not find provided model checkpoint" in capsys.readouterr().err
    assert measuring.main(["kl", str(folders[0]), "--real", str(folders[1])]) == 2
    assert "--classifier passt:FILE" in capsys.readouterr().err


@pytest.mark.parametrize("engine", ["audiocraft-style", "jasco", "magnet"])
def test_the_daemon_scores_a_scene_exactly(
    made: Path, tmp_path: Path, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = environment_python().parents[1]
    monkeypatch.setenv("HF_HUB_CACHE", str(made / "hub"))
    with home(tmp_path):
        data = tmp_path / "data"
        (data / "environments").mkdir(parents=True)
        (data / "environments/audiocraft").symlink_to(place)
        (data / "models").symlink_to(made / "models")
        request = ScoreRequest(brief=brief_of(length_s=11.3), engine=engine, seed=5)
        with connect() as client:
            ((take, _),) = client.score(request)
    assert take.length_samples == request.brief.timeline.length_samples
    assert [stem.role for stem in take.stems] == list(STEM_ROLES)
    assert (take.provenance.engine, take.provenance.licence) == (engine, "CC-BY-NC-4.0")
    assert msgspec.structs.asdict(take.provenance)["model"] in KINDS.values()


@pytest.mark.models
def test_its_greedy_tokens_are_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same weights in audiocraft's own loop and, converted, in ours."""
    pytest.importorskip("torch", reason="the extra 'models' is not installed")
    pytest.importorskip("transformers", reason="the extra 'models' is not installed")
    from musiscene_core.sampling import Sampling
    from musiscene_daemon.engines.musicgen.engine import _ready
    from musiscene_daemon.engines.musicgen.model import load as load_ours
    from tests.support import audiocraft_layout

    python = environment_python()
    folder = audiocraft_layout.save(tmp_path / "musicgen-small", text_width=768)
    audiocraft_small.letters().save_pretrained(tmp_path / "t5-base")
    cache = tmp_path / "hub/models--t5-base"
    (cache / "refs").mkdir(parents=True)
    (cache / "refs/main").write_text("0" * 40)
    (cache / "snapshots").mkdir()
    (cache / "snapshots" / ("0" * 40)).symlink_to(tmp_path / "t5-base")
    prompt, frames = "slow strings, minor", 40
    said = in_environment(python, tmp_path / "hub", "tokens", folder, prompt, frames)
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path / "home"))
    ours = load_ours(_ready(folder, silent)).write(prompt, frames, [0], Sampling(temperature=0.0))
    assert json.loads(said.splitlines()[-1]) == ours.codes[0].tolist()
