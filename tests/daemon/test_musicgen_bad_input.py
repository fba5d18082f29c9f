"""Bad weights and odd wishes through the command line and a real daemon: said, and nothing lost."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("transformers", reason="the extra 'models' is not installed")

from safetensors.torch import load_file, save_file  # noqa: E402

from musiscene_core.brief import SceneBrief  # noqa: E402
from musiscene_core.codec import read_json, to_json  # noqa: E402
from musiscene_core.fitting.report import read_render  # noqa: E402
from musiscene_core.take import Take  # noqa: E402
from musiscene_daemon.engines.musicgen.finding import WEIGHTS_VARIABLE  # noqa: E402
from tests.daemon.test_musicgen_engine import samples_of  # noqa: E402
from tests.plugins.test_cli_end_to_end import Desk  # noqa: E402
from tests.support import audiocraft_layout, tiny_musicgen  # noqa: E402
from tests.support.timelines import clip, gap, saved, timeline, track  # noqa: E402

pytestmark = [pytest.mark.models, pytest.mark.slow]

WEIGHTS = "model.safetensors"
SCORE = ("score", "film.mp4", "--brief", "brief.json")
HARMED: dict[str, tuple[Callable[[Path], object], str]] = {}
"""By the model's name: what is done to a whole folder, and what the user shall be told."""


def harm(name: str, words: str) -> Callable[[Callable[[Path], object]], None]:
    def keep(function: Callable[[Path], object]) -> None:
        HARMED[name] = function, words

    return keep


@harm("without", f"{WEIGHTS} is missing")
def _(folder: Path) -> None:
    (folder / WEIGHTS).unlink()


@harm("cut", f"{WEIGHTS} cannot be read")
def _(folder: Path) -> None:
    os.truncate(folder / WEIGHTS, (folder / WEIGHTS).stat().st_size // 2)


@harm("empty", f"{WEIGHTS} cannot be read")
def _(folder: Path) -> None:
    os.truncate(folder / WEIGHTS, 0)


@harm("other-size", "is 64x32, not 128x32")
def _(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["decoder"]["ffn_dim"] *= 2
    (folder / "config.json").write_text(json.dumps(config))


@harm("shard", "model-00002-of-00018.safetensors is missing")
def _(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    tiny_musicgen.make().save_pretrained(folder, max_shard_size="60KB")
    (shard,) = folder.glob("model-00002-of-*.safetensors")
    shard.unlink()


@harm("half", f"{WEIGHTS} is missing: its download did not end")
def _(folder: Path) -> None:
    """As a download of Hugging Face's tools that was stopped: a link to a blob that is no whole."""
    blobs = folder / "blobs"
    blobs.mkdir()
    (blobs / "0a1b.incomplete").write_bytes((folder / WEIGHTS).read_bytes()[:5000])
    (folder / WEIGHTS).unlink()
    (folder / WEIGHTS).symlink_to(Path("blobs/0a1b"))


@harm("craft-cut", "state_dict.bin is damaged")
def _(folder: Path) -> None:
    original(folder)
    os.truncate(folder / "state_dict.bin", 20_000)


@harm("craft-foreign", "nothing in it was run")
def _(folder: Path) -> None:
    original(folder)

    class Canary:
        def __reduce__(self) -> object:
            return os.mkdir, (str(folder / "ran"),)

    torch.save({"best_state": Canary(), "xp.cfg": ""}, folder / "state_dict.bin")


@harm("craft-pickle", "nothing in it was run")
def _(folder: Path) -> None:
    original(folder)
    (folder / "compression_state_dict.bin").write_bytes(pickle.dumps([1, 2]))


@harm("nan", "output stopped being numbers at step")
def _(folder: Path) -> None:
    changed(folder, "decoder.model.decoder.layers.1.fc1.weight", float("nan"))


@harm("infinite", "output stopped being numbers at step")
def _(folder: Path) -> None:
    changed(folder, "decoder.lm_heads.2.weight", float("inf"))


@harm("no-sound", "its codec may be damaged")
def _(folder: Path) -> None:
    changed(folder, "audio_encoder.decoder.layers.15.conv.bias", float("nan"))


def changed(folder: Path, name: str, value: float) -> None:
    """One number of a tensor is no number, or without bounds."""
    tensors = load_file(folder / WEIGHTS)
    tensors[name].view(-1)[-1] = value
    save_file(tensors, folder / WEIGHTS, {"format": "pt"})


def original(folder: Path) -> None:
    """A whole model in audiocraft's layout."""
    shutil.rmtree(folder)
    audiocraft_layout.save(folder)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(tmp_path_factory.mktemp("desk"))
    models = made.folder / "models"
    whole = tiny_musicgen.save(models / "musicgen-whole")
    folders = [whole]
    for name, (spoil, _) in HARMED.items():
        folders.append(Path(shutil.copytree(whole, models / f"musicgen-{name}")))
        spoil(folders[-1])
    made.environment |= {
        WEIGHTS_VARIABLE: os.pathsep.join(map(str, folders)),
        "HF_HUB_CACHE": str(made.folder / "hub"),
        "MUSISCENE_MUSICGEN_CANDIDATES": "1",
        "PYTHONPATH": str(Path.cwd()),
        "OMP_NUM_THREADS": "1",
    }
    assert made.run("spot", "film.mp4", "--save", "brief.json").returncode == 0
    yield made
    assert made.run("daemon", "stop").returncode == 0


@pytest.mark.parametrize("name", HARMED)
def test_weights_that_are_not_whole_are_named_and_nothing_is_placed(desk: Desk, name: str) -> None:
    done = desk.run(*SCORE, "--engine", f"musicgen:{name}", "--output", "never")
    assert done.returncode == 2, done
    said = next(line for line in done.stderr.splitlines() if line.startswith("musiscene: "))
    assert HARMED[name][1] in said, done
    assert "Traceback" not in done.stderr
    assert not (desk.folder / "never").exists()
    assert not list(desk.folder.glob("models/*/ran"))


def scored(desk: Desk, *further: str) -> tuple[Take, Path]:
    """What the whole model makes, and its folder."""
    done = desk.run("score", "film.mp4", "--engine", "musicgen:whole", "--json", *further)
    assert done.returncode == 0, done
    folder = Path(json.loads(done.stdout)["folder"])
    return read_json(folder / "take.json", Take), folder


def test_seven_frames_are_exactly_as_long_and_end(desk: Desk) -> None:
    take, folder = scored(desk, "--out", "00:00:00:07", "--output", "short")
    assert take.length_samples == 7 * 2_000
    mix = samples_of(folder / take.mix)
    assert len(mix) == take.length_samples
    assert np.abs(mix).max() > 1000
    assert not mix[-1].any()
    assert np.abs(mix[-240:]).max() < 0.1 * np.abs(mix).max()


def test_three_hours_are_refused_before_anything_is_read(desk: Desk) -> None:
    shots = [
        clip(desk.film.stem, 96, 24, url=desk.film.as_uri()),
        gap(3 * 3600 * 24 - 192, 24),
        clip(desk.film.stem, 96, 24, url=desk.film.as_uri()),
    ]
    saved(timeline(track("V1", "Video", *shots)), desk.folder / "long.otio")
    done = desk.run("score", "long.otio", "--engine", "musicgen:cut", "--output", "never")
    assert done.returncode == 2, done
    assert "The range lasts 10800.0 s; musicgen scores up to 600 s." in done.stderr
    assert "Mark a shorter range." in done.stderr
    assert "Watching" not in done.stderr
    assert not (desk.folder / "never").exists()


def test_five_thousand_words_are_cut_and_said_to_be(desk: Desk) -> None:
    brief = read_json(desk.folder / "brief.json", SceneBrief)
    fusion = msgspec.structs.replace(brief.captions.fusion, text="slow strings " * 2_500)
    captions = msgspec.structs.replace(brief.captions, fusion=fusion)
    long = msgspec.structs.replace(brief, captions=captions)
    (desk.folder / "long.json").write_bytes(to_json(long))
    take, folder = scored(desk, "--brief", "long.json", "--output", "long")
    (said,) = (one for one in take.warnings if "longer than MusicGen hears" in one)
    assert "end was left out" in said
    report = read_render(folder)
    assert report is not None
    assert "bpm" in report.windows[0].prompt
