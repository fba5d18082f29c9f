"""Runs inside audiocraft's environment: generates with one of its models, or measures with it.

Needs audiocraft (1.4.0a2) and Python 3.9 or newer; no MusiScene. See musiscene_child for the wire.
Nothing is downloaded: a connection to another machine is refused, whoever asks for one.
Weights are read as tensors alone: torch.load is held to weights_only, and JASCO's table of chords
to a dictionary of numbers, so that no file of weights can run code. For the same reason MERT, which
hears MusicGen-Style's reference, is built by transformers' own HuBERT, whose network it is, and not
by the code beside its weights. JASCO would fetch a Demucs to take drums out of a mix, and is given
drums alone: it has none.
"""

from __future__ import annotations

import array
import io
import os
import pickle
import random
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "apart"))

from musiscene_child import Child, ChildError, Message, Tell

CHORDS = "chord_to_index_mapping.pkl"
MELODY_BINS, LOWEST_PITCH = 53, 43
_EXCERPT_S = (1.5, 4.5)
_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE")
_HERE = ("127.0.0.1", "::1", "localhost")
_LONGEST = 300
_ONLY_TENSORS = "hold more than tensors, and were not read."


class Studio:
    """One model in memory, and what it is asked to do."""

    def __init__(self) -> None:
        self._kind = ""
        self._model: Any = None

    def load(self, given: Mapping[str, Any], folder: str, tell: Tell) -> Message:
        """Load the model; says how long a piece it makes at a time."""
        import torch

        tell("Loading audiocraft", 0.0)
        from audiocraft.models import JASCO, MAGNeT, MusicGen

        device = given["device"]
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        read_tensors_only()
        tell("Loading the model", 0.2)
        self._kind, name = given["kind"], given["model"]
        try:
            if self._kind == "jasco":
                without_demucs()
                with tempfile.TemporaryDirectory() as place:
                    table = os.path.join(place, "chords.pkl")
                    with open(table, "wb") as file:
                        pickle.dump(read_chords(Path(name, CHORDS)), file)
                    self._model = JASCO.get_pretrained(name, device, chords_mapping_path=table)
            else:
                with_plain_mert()
                kind = MAGNeT if self._kind == "magnet" else MusicGen
                self._model = kind.get_pretrained(name, device)
        except pickle.UnpicklingError:
            raise ChildError(
                f"The weights {_ONLY_TENSORS}",
                "Take them from where audiocraft's makers publish them.",
            ) from None
        except (OSError, KeyError, RuntimeError) as error:
            if is_out_of_memory(error):
                raise ChildError(
                    "The model does not fit into memory.", "Choose a smaller one."
                ) from None
            raise ChildError(
                f"The model cannot be loaded: {shortened(error)}",
                "All of its files have to be there, and in the cache of Hugging Face's tools its"
                " text encoder (t5-base), and m-a-p/MERT-v1-95M for MusicGen-Style,"
                " facebook/encodec_32khz for JASCO: nothing is downloaded.",
            ) from None
        model = self._model
        return {"window_s": self._window_s(), "rate": int(model.sample_rate)}

    def _window_s(self) -> float:
        """How long a piece comes out; MAGNeT leaves off what is no whole span of its masks."""
        model = self._model
        if self._kind != "magnet":
            return float(model.max_duration)
        rate = float(model.frame_rate)
        frames = int(model.duration * rate)
        return (frames - frames % int(model.lm.span_len)) / rate

    def generate(self, given: Mapping[str, Any], folder: str, tell: Tell) -> Message:
        """Generate a piece and write it into `folder`."""
        import torch

        if self._model is None:
            raise ChildError("No model is loaded.")
        torch.manual_seed(given["seed"])
        # MusicGen-Style chooses by it what it hears of the reference.
        random.seed(given["seed"])
        self._model.set_custom_progress_callback(
            lambda done, total: tell("Generating", done / max(1, total))
        )
        tell("Generating", 0.0)
        try:
            with torch.no_grad():
                audio = getattr(self, "_" + self._kind)(given, Path(folder))
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise ChildError("There is not enough memory.", "Mark a shorter range.") from None
            raise
        sound = audio[0].detach().float().cpu().contiguous()
        values = sound.numpy().astype("<f4", copy=False)
        values.tofile(os.path.join(folder, "sound.f32"))
        return {
            "file": "sound.f32",
            "channels": int(values.shape[0]),
            "rate": int(self._model.sample_rate),
        }

    def _style(self, given: Mapping[str, Any], folder: Path) -> Any:
        model = self._model
        model.set_generation_params(duration=given["seconds"], cfg_coef=3.0, cfg_coef_beta=5.0)
        if "reference" not in given:
            model.set_generation_params(duration=given["seconds"], cfg_coef=3.0)
            return model.generate([given["prompt"]], progress=True)
        wav, rate = read_sound(folder, given["reference"])
        shortest, longest = _EXCERPT_S
        excerpt_s = max(shortest, min(longest, wav.shape[-1] / rate))
        model.set_style_conditioner_params(eval_q=3, excerpt_length=excerpt_s)
        return model.generate_with_chroma([given["prompt"]], wav[None], rate, progress=True)

    def _magnet(self, given: Mapping[str, Any], folder: Path) -> Any:
        return self._model.generate([given["prompt"]], progress=True)

    def _jasco(self, given: Mapping[str, Any], folder: Path) -> Any:
        model = self._model
        known = model.chords_mapping
        chords = [(nearest(name, known), float(at)) for name, at in given.get("chords", ())]
        further: dict[str, Any] = {}
        providers = model.lm.condition_provider.conditioners
        if "drums" in given and "self_wav" in providers:
            wav, rate = read_sound(folder, given["drums"])
            further = {"drums_wav": wav[None], "drums_sample_rate": rate}
        window_s, frame_rate = float(model.duration), float(model.compression_model.frame_rate)
        if given.get("melody") and "melody" in providers:
            salience = melody_matrix(given["melody"], int(window_s * frame_rate), frame_rate)
            further["melody_salience_matrix"] = salience
        return model.generate_music(
            [given["prompt"]],
            chords=chords or None,
            segment_duration=window_s,
            frame_rate=frame_rate,
            melody_bins=MELODY_BINS,
            progress=True,
            **further,
        )


class _NoSeparator:
    """Where JASCO keeps its Demucs."""

    sources = ("drums", "bass", "other", "vocals")

    def to(self, device: Any) -> _NoSeparator:
        """Itself."""
        return self


def without_demucs() -> None:
    """Have JASCO take what it is given for its drums as it is, and fetch nothing to part it."""
    from audiocraft.data.audio_utils import convert_audio
    from audiocraft.modules.jasco_conditioners import DrumsConditioner
    from demucs import pretrained

    def drums(self: Any, wav: Any, sample_rate: int) -> Any:
        return convert_audio(wav, sample_rate, self.sample_rate, 1)

    pretrained.get_model = lambda *_, **__: _NoSeparator()
    DrumsConditioner._get_drums_stem = drums


def with_plain_mert() -> None:
    """Have audiocraft build MERT without the code beside its weights."""
    from transformers import AutoModel, HubertConfig, HubertModel

    def built(name: str, **_: Any) -> Any:
        config = HubertConfig.from_pretrained(name)
        own = [one for one in ("feature_extractor_cqt", "deepnorm") if getattr(config, one, 0)]
        if own or getattr(config, "attention_relax", -1) > 0:
            raise RuntimeError(f"{name} is no HuBERT: {', '.join(own) or 'attention_relax'}.")
        model, told = HubertModel.from_pretrained(name, config=config, output_loading_info=True)
        if told["missing_keys"]:
            raise RuntimeError(f"{name} lacks {', '.join(sorted(told['missing_keys'])[:3])}.")
        return model

    # Of the class: libraries put other modules in the place of their own.
    AutoModel.from_pretrained = staticmethod(built)


def measure(given: Mapping[str, Any], folder: str, tell: Tell) -> Message:
    """One of audiocraft's metrics over pairs of sounds, all mono and of one rate."""
    import torch

    tell("Loading the metric", 0.0)
    name, pairs = given["metric"], given["pairs"]
    read_tensors_only()
    try:
        metric = _metric(name, given, folder)
    except pickle.UnpicklingError:
        raise ChildError(f"The metric's weights {_ONLY_TENSORS}") from None
    except (ImportError, AssertionError, KeyError, OSError, RuntimeError) as error:
        said = f"The metric {name} cannot be used: {shortened(error)}"
        raise ChildError(said, _NEEDS[name]) from None
    for number, pair in enumerate(pairs):
        tell("Measuring", number / len(pairs))
        made, rate = read_sound(Path(folder), pair["made"])
        length = made.shape[-1]
        if name == "clap":
            sizes = torch.tensor([length]), torch.tensor([rate])
            metric.update(made[None], [pair["text"]], *sizes)
            continue
        real, _ = read_sound(Path(folder), pair["real"])
        length = min(length, real.shape[-1])
        sizes = torch.tensor([length]), torch.tensor([rate])
        metric.update(made[None, :, :length], real[None, :, :length], *sizes)
    tell("Measuring", 1.0)
    try:
        value = metric.compute()
    except RuntimeError as error:
        raise ChildError(f"The metric {name} failed: {shortened(error)}", _NEEDS[name]) from None
    return {"value": float(value["kld"] if name == "kl" else value)}


_NEEDS = {
    "clap": "It needs laion_clap in the environment, its checkpoint (--weights), and roberta-base"
    " in the cache of Hugging Face's tools: nothing is downloaded.",
    "kl": "It needs hear21passt and torchaudio, which the environment has a stand-in for; MusiScene"
    " counts the same itself: `musiscene-train evaluate`, --classifier passt:FILE.",
    "fad": "It needs Google's frechet_audio_distance (--tool), VGGish's checkpoint (--weights), a"
    " Python with TensorFlow (the variable TF_PYTHON_EXE) and ffmpeg: nothing is downloaded.",
}


def _metric(name: str, given: Mapping[str, Any], folder: str) -> Any:
    from audiocraft import metrics

    if name == "clap":
        return metrics.CLAPTextConsistencyMetric(given["weights"])
    if name == "kl":
        return metrics.PasstKLDivergenceMetric()
    if shutil.which("ffmpeg") is None:
        raise RuntimeError("ffmpeg is not installed.")
    kind = metrics.FrechetAudioDistanceMetric
    # Its own ends the process.
    kind._log_process_result = _told_how_it_ended
    return kind(given["tool"], given["weights"], log_folder=folder)


def _told_how_it_ended(metric: Any, code: int, log: Any, is_background: bool) -> None:
    if code:
        words = Path(log).read_text(errors="replace").strip().splitlines()
        raise RuntimeError(words[-1][:300] if words else f"it ended with {code}")


def melody_matrix(notes: Any, frames: int, frame_rate: float) -> Any:
    """Notes (pitch, start, end in seconds) as [bins, frames], 1 where one sounds."""
    import torch

    salience = torch.zeros((MELODY_BINS, frames))
    for pitch, start_s, end_s in notes:
        row = int(pitch) - LOWEST_PITCH
        while row < 0:
            row += 12
        while row >= MELODY_BINS:
            row -= 12
        salience[row, int(start_s * frame_rate) : int(end_s * frame_rate)] = 1.0
    return salience


def nearest(name: str, known: Mapping[str, int]) -> str:
    """The chord as the table has it: with its colour, else its triad, else none (N)."""
    root = name[:2] if name[1:2] in ("#", "b") else name[:1]
    triad = root + ("m" if name[len(root) :].startswith("m") and "maj" not in name else "")
    return next((one for one in (name, triad, root) if one in known), "N")


def read_sound(folder: Path, sound: Mapping[str, Any]) -> tuple[Any, int]:
    """The sound [channels, n] that the worker wrote into `folder`, and its rate."""
    import torch

    values = array.array("f")
    values.frombytes((folder / sound["file"]).read_bytes())
    if sys.byteorder == "big":
        values.byteswap()
    wav = torch.tensor(values, dtype=torch.float32).reshape(sound["channels"], -1)
    return wav, int(sound["rate"])


def read_tensors_only() -> None:
    """Hold torch.load to weights_only, whatever its callers ask for."""
    import torch

    read = torch.load
    if getattr(read, "tensors_only", False):
        return

    def load(*given: Any, **further: Any) -> Any:
        return read(*given, **{**further, "weights_only": True})

    load.tensors_only = True  # type: ignore[attr-defined]
    torch.load = load


def stay_offline() -> None:
    """Have libraries look into their caches alone, and refuse whatever connects all the same."""
    os.environ.update(dict.fromkeys(_OFFLINE, "1"))

    def refuse(event: str, given: Any) -> None:
        if event == "socket.connect" and isinstance(given[1], tuple):
            host = given[1][0]
        elif event == "socket.getaddrinfo":
            host = given[0]
        else:
            return
        if host not in _HERE:
            raise OSError(f"{host} was asked for something, and nothing is downloaded here.")

    sys.addaudithook(refuse)


class _NumbersOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name} is wanted")


def read_chords(path: Path) -> dict[str, int]:
    """Audiocraft's table of chords, read without running anything in it."""
    try:
        table = _NumbersOnly(io.BytesIO(path.read_bytes())).load()
    except (EOFError, ValueError, IndexError, KeyError, AttributeError) as error:
        raise ChildError(f"{path} is damaged: {error}") from None
    plain = isinstance(table, dict) and "N" in table
    if not plain or not all(isinstance(k, str) and type(v) is int for k, v in table.items()):
        raise ChildError(
            f"{path} is no table of chords.", "Take it from audiocraft's assets folder."
        )
    return {str(name): int(number) for name, number in table.items()}


def shortened(error: BaseException) -> str:
    """What an error says, in a line: some list every tensor of a model."""
    words = " ".join(str(error).split())
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]} ..."


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory, the GPU's or the machine's, ran out."""
    return isinstance(error, MemoryError) or "out of memory" in str(error).lower()


def versions() -> dict[str, str]:
    """Of what matters here, without importing any of it."""
    from importlib import metadata

    found = {}
    for name in ("audiocraft", "torch", "torchaudio"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


if __name__ == "__main__":
    stay_offline()
    studio = Studio()
    tasks = {"load": studio.load, "generate": studio.generate, "measure": measure}
    Child("audiocraft", tasks, versions()).run()
