"""audiocraft's own files: read as data, made once into a folder, the same music as before."""

from __future__ import annotations

import os
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
transformers = pytest.importorskip("transformers", reason="the extra 'models' is not installed")

from musiscene_core.errors import CancelledError, ModelError, OutputError  # noqa: E402
from musiscene_core.progress import silent  # noqa: E402
from musiscene_core.sampling import Sampling  # noqa: E402
from musiscene_daemon.engines.musicgen import convert as converting  # noqa: E402
from musiscene_daemon.engines.musicgen.convert_sources import (  # noqa: E402
    converted_folder,
    sources_in,
)
from musiscene_daemon.engines.musicgen.engine import MusicGenEngine, _ready  # noqa: E402
from musiscene_daemon.engines.musicgen.finding import WEIGHTS_VARIABLE  # noqa: E402
from musiscene_daemon.engines.musicgen.model import load  # noqa: E402
from tests.support import audiocraft_layout, tiny_musicgen  # noqa: E402

pytestmark = pytest.mark.models

GREEDY = Sampling(temperature=0.0)
PROMPT = "slow strings, minor"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.delenv("MUSISCENE_T5", raising=False)
    return tmp_path / "home"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return audiocraft_layout.save(tmp_path_factory.mktemp("made") / "musicgen-small")


@pytest.fixture
def originals(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole.parent / "t5-base", tmp_path / "t5-base")
    return Path(shutil.copytree(whole, tmp_path / "musicgen-small"))


@pytest.mark.parametrize("kind", ["mono", "stereo", "melody"])
def test_the_converted_model_makes_the_same_music(tmp_path: Path, kind: str) -> None:
    model = tiny_musicgen.make(kind)
    if kind == "melody":
        model.config.chroma_length = 16
    model.save_pretrained(tmp_path / "theirs")
    tiny_musicgen.tokenizer().save_pretrained(tmp_path / "theirs")
    folder = _ready(audiocraft_layout.save(tmp_path / "original", kind), silent)
    written = [load(one).write(PROMPT, 30, [0], GREEDY) for one in (tmp_path / "theirs", folder)]
    assert torch.equal(written[0].codes, written[1].codes)
    assert torch.equal(written[0].audio, written[1].audio)
    # The folder is one of transformers', and the same model there.
    kinds = transformers.AutoModelForTextToWaveform
    again = kinds.from_pretrained(folder, local_files_only=True)
    for name, tensor in again.state_dict().items():
        assert torch.equal(tensor, model.state_dict()[name]), name


def test_it_is_converted_once_and_again_for_other_files(originals: Path) -> None:
    first = _ready(originals, silent)
    assert first.name.startswith("musicgen-small-")
    before = (first / "config.json").stat().st_mtime_ns
    assert _ready(originals, silent) == first
    assert (first / "config.json").stat().st_mtime_ns == before
    os.utime(originals / "state_dict.bin", (1, 1))
    assert _ready(originals, silent) != first


def test_what_was_stopped_goes_on_where_it_was(
    originals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(converting, "_PART_BYTES", 20_000)
    sources = sources_in(originals)
    target = converted_folder(sources)
    asked = 0

    def stop(stage: str, fraction: float) -> None:
        nonlocal asked
        asked += 1
        if fraction > 0.5:
            raise CancelledError("The job was cancelled.")

    with pytest.raises(CancelledError):
        converting.convert(sources, target, stop)
    assert not target.exists()
    (work,) = target.parent.glob(".*.partial")
    written = {path.name: path.stat().st_mtime_ns for path in work.glob("model-*.safetensors")}
    assert len(written) >= 3
    # One of them was cut short, as by a full disk or a fall of power.
    cut = sorted(written)[1]
    (work / cut).write_bytes((work / cut).read_bytes()[:1000])
    converting.convert(sources, target)
    kept = {path.name: path.stat().st_mtime_ns for path in target.glob("model-*.safetensors")}
    assert {name for name in written if kept[name] != written[name]} == {cut}
    assert not work.exists()
    assert load(target).write(PROMPT, 5, [0], GREEDY).codes.shape == (1, 4, 5)


def test_a_codec_that_is_only_named_is_found_as_a_model_of_its_own(
    originals: Path, home: Path
) -> None:
    whole = load(_ready(originals, silent)).write(PROMPT, 8, [0], GREEDY)
    codec = originals / "compression_state_dict.bin"
    held = codec.read_bytes()
    torch.save({"pretrained": "facebook/encodec_32khz", "exported": True}, codec)
    with pytest.raises(ModelError, match="names the codec facebook/encodec_32khz"):
        _ready(originals, silent)
    place = home / "data/models/encodec_32khz"
    place.mkdir(parents=True)
    (place / "compression_state_dict.bin").write_bytes(held)
    one = load(_ready(originals, silent)).write(PROMPT, 8, [0], GREEDY)
    assert torch.equal(one.audio, whole.audio)
    tiny_musicgen.make().audio_encoder.save_pretrained(place)
    os.utime(codec, (1, 1))
    other = load(_ready(originals, silent)).write(PROMPT, 8, [0], GREEDY)
    assert torch.equal(other.audio, whole.audio)


def rewritten(folder: Path, change: Callable[[dict], object], name: str = "state_dict.bin") -> None:
    saved = torch.load(folder / name, weights_only=True)
    change(saved)
    torch.save(saved, folder / name)


@pytest.mark.parametrize(
    ("tensor", "value", "words"),
    [
        ("transformer.layers.1.linear2.weight", None, "lacks the tensor transformer.layers.1.li"),
        ("transformer.layers.2.norm_cross.bias", (5,), "norm_cross.bias of .* is 5, not 32"),
        (
            "transformer.layers.0.self_attn.in_proj_weight",
            (64, 32),
            "in_proj_weight .*64x32, not 96",
        ),
        ("emb.3.weight", None, r"lacks the tensor (emb|linears)\.3"),
        ("transformer.layers.0.linear1.bias", (64,), "a tensor transformer.layers.0.linear1.bias"),
        ("condition_provider.conditioners.self_wav.embed.weight", (3, 3), "self_wav.embed.weight"),
        ("condition_provider.conditioners.description.output_proj.bias", None, "output_proj.bias"),
    ],
)
def test_a_tensor_that_does_not_fit_is_named(
    originals: Path, tensor: str, value: tuple[int, ...] | None, words: str
) -> None:
    def change(saved: dict) -> None:
        if value is None:
            del saved["best_state"][tensor]
        else:
            saved["best_state"][tensor] = torch.zeros(value)

    rewritten(originals, change)
    with pytest.raises(ModelError, match=words):
        _ready(originals, silent)


def test_a_codec_of_another_size_is_told_by_its_tensor(originals: Path) -> None:
    def change(saved: dict) -> None:
        saved["best_state"]["decoder.model.3.convtr.convtr.bias"] = torch.zeros(7)

    rewritten(originals, change, "compression_state_dict.bin")
    with pytest.raises(ModelError, match=r"decoder\.layers\.3\.conv\.bias .* is 7"):
        _ready(originals, silent)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace("num_heads: 2", "num_heads: lots"), "num_heads is 'lots'"),
        (lambda text: text.replace("num_heads: 2", "num_heads: 5"), "32 cannot be shared among 5"),
        (lambda text: text.replace("modeling: delay", "modeling: parallel"), "with 'delay' alone"),
        (
            lambda text: text.replace("sample_rate: 32000", "sample_rate: ${sample_rate}"),
            "in a ring",
        ),
        (lambda text: "[" * 4_000, "settings in .* cannot be read"),
        (lambda text: "!!python/object/apply:os.system ['true']", "settings in .* cannot be read"),
        (lambda text: None, "lacks the settings"),
        (lambda text: "a: 1\n" + "#" * (1 << 19), "settings in .* cannot be read"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    originals: Path, change: Callable[[str], str | None], words: str
) -> None:
    for name in ("state_dict.bin", "compression_state_dict.bin"):
        rewritten(originals, lambda saved: saved.update({"xp.cfg": change(saved["xp.cfg"])}), name)
    with pytest.raises(ModelError, match=words):
        _ready(originals, silent)


class Hostile:
    """Touches a file where a pickle of it is loaded in the usual way."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[object, ...]:
        return (os.mkdir, (self.path,))


@pytest.mark.parametrize("name", ["state_dict.bin", "compression_state_dict.bin"])
def test_a_hostile_file_is_refused_and_not_run(originals: Path, tmp_path: Path, name: str) -> None:
    touched = tmp_path / "touched"
    hostile = Hostile(touched)
    rewritten(originals, lambda saved: saved.update({"xp.cfg": hostile}), name)
    with pytest.raises(ModelError, match=f"{name} is damaged, or holds more than weights"):
        _ready(originals, silent)
    (originals / name).write_bytes(pickle.dumps({"best_state": hostile}))
    with pytest.raises(ModelError, match=f"{name} is damaged, or holds more than weights"):
        _ready(originals, silent)
    assert not touched.exists()


@pytest.mark.parametrize("name", ["state_dict.bin", "compression_state_dict.bin"])
def test_a_file_cut_short_is_named(originals: Path, name: str) -> None:
    path = originals / name
    data = path.read_bytes()
    assert zipfile.is_zipfile(path)
    for part in (data[: len(data) // 2], data[:10], b""):
        path.write_bytes(part)
        with pytest.raises(ModelError, match=f"{name} is damaged"):
            _ready(originals, silent)
    path.rename(path.with_name(f"{name}.incomplete"))
    with pytest.raises(ModelError, match=f"{name} is missing"):
        sources_in(originals)


def test_what_is_missing_is_said_before_anything_is_asked(
    originals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(originals))
    assert MusicGenEngine().describe().lacks == ""
    (tmp_path / "t5-base/config.json").unlink()
    assert "leave out the text encoder T5" in MusicGenEngine().describe().lacks
    monkeypatch.setenv("MUSISCENE_T5", str(tmp_path / "nowhere"))
    assert "MUSISCENE_T5 names" in MusicGenEngine().describe().lacks
    (originals / "compression_state_dict.bin").unlink()
    assert "compression_state_dict.bin is missing" in MusicGenEngine().describe().lacks


def test_a_full_disk_is_told_before_anything_is_written(
    originals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(converting, "_SPARE_BYTES", 1 << 60)
    with pytest.raises(OutputError, match=r"needs .* GB in .*, and .* GB are free"):
        _ready(originals, silent)
    assert not list(converted_folder(sources_in(originals)).parent.glob(".*/*.safetensors"))
