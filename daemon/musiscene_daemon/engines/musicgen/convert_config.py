"""What audiocraft's files say of themselves, as transformers' config.json says it.

audiocraft keeps its training's settings beside the weights, as YAML text with references in it
(`${sample_rate}`). Sizes are taken from the tensors, and only what no tensor shows from there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from musiscene_core.errors import ModelError
from musiscene_core.neural.tensors import Shape

_LONGEST_TEXT = 1 << 18
_REFERENCE = re.compile(r"\$\{([\w.]+)\}")
_REFERENCES_DEEP = 8
_WINDOW_EXPONENT = 14
"""Of the melody's spectrum, 2 ^ 14 samples: what chroma.py computes."""
_LAYER = re.compile(r"transformer\.layers\.(\d+)\.")
_BOOK = re.compile(r"(?:emb|linears)\.(\d+)\.weight")
TEXT_OUT = "condition_provider.conditioners.description.output_proj"
MELODY_OUT = "condition_provider.conditioners.self_wav.output_proj"
Fields = dict[str, Any]


class Settings:
    """Settings of a training, looked up by their dotted names."""

    def __init__(self, given: object, path: Path) -> None:
        """Read what stands under "xp.cfg".

        Args:
            given: YAML text, or the same as plain containers.
            path: the file, for messages.

        Raises:
            ModelError: it is neither.
        """
        self._path = path
        self._tree = _parsed(given, path)

    def get(self, name: str, usual: Any = None) -> Any:
        """The value of `name`, references followed; `usual` where there is none."""
        for _ in range(_REFERENCES_DEEP):
            value: Any = self._tree
            for part in name.split("."):
                value = value.get(part) if isinstance(value, Mapping) else None
            reference = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
            if reference is None:
                return usual if value is None else value
            name = reference.group(1)
        raise ModelError(f"The settings in {self._path} refer to each other in a ring.")

    def whole(self, name: str, usual: int | None = None) -> int:
        """A whole number from 1 up.

        Raises:
            ModelError: it is missing or something else.
        """
        value = self.get(name, usual)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1 << 20:
            raise ModelError(
                f"{self._path} says {name} is {str(value)[:40]!r}, which is no number that a"
                " MusicGen has.",
                hint="Get the file again from its makers.",
            )
        return value

    def must_be(self, name: str, wanted: object, usual: object = None) -> None:
        """Refuse a model that was made another way.

        Raises:
            ModelError: `name` is neither `wanted` nor missing with `usual` being `wanted`.
        """
        value = self.get(name, usual)
        if value != wanted:
            raise ModelError(
                f"The model in {self._path} was made with {name} {str(value)[:40]!r}; this engine"
                f" plays those with {wanted!r} alone.",
                hint="Use one of the published MusicGen models: small, medium, large, melody, or"
                " stereo ones.",
            )


def _parsed(given: object, path: Path) -> Mapping[str, Any]:
    if isinstance(given, str):
        import yaml

        try:
            if len(given) > _LONGEST_TEXT:
                raise ValueError("too long")
            given = yaml.safe_load(given)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise ModelError(
                f"The settings in {path} cannot be read.",
                hint="Get the file again from its makers.",
            ) from error
    if not isinstance(given, Mapping):
        raise ModelError(
            f"{path} lacks the settings that audiocraft keeps under xp.cfg.",
            hint="Get the file that audiocraft exports (export_lm), not one of a training's own.",
        )
    return given


def decoder_fields(settings: Settings, given: Mapping[str, Shape], path: Path) -> Fields:
    """The language model's part of config.json.

    Args:
        settings: of the language model.
        given: its tensors' shapes, in audiocraft's names.
        path: the file, for messages.

    Raises:
        ModelError: these tensors are no MusicGen's, or it is made another way than they are.
    """
    settings.must_be("transformer_lm.activation", "gelu", "gelu")
    settings.must_be("transformer_lm.norm_first", True, True)
    settings.must_be("transformer_lm.positional_embedding", "sin", "sin")
    settings.must_be("codebooks_pattern.modeling", "delay", "delay")
    layers = [int(found.group(1)) for name in given if (found := _LAYER.match(name))]
    books = [int(found.group(1)) for name in given if (found := _BOOK.fullmatch(name))]
    first, wide = "emb.0.weight", "transformer.layers.0.linear1.weight"
    for name in (first, wide):
        if len(given.get(name, ())) != 2:
            raise ModelError(
                f"{path} lacks the tensor {name}, so it holds no MusicGen.",
                hint="Name the folder with MusicGen's own state_dict.bin.",
            )
    entries, width = given[first]
    stereo = bool(settings.get("interleave_stereo_codebooks.use", False))
    return {
        "model_type": "musicgen_melody_decoder"
        if MELODY_OUT + ".weight" in given
        else "musicgen_decoder",
        "vocab_size": entries - 1,
        "hidden_size": width,
        "num_hidden_layers": max(layers) + 1,
        "num_attention_heads": settings.whole("transformer_lm.num_heads"),
        "ffn_dim": given[wide][0],
        "num_codebooks": max(books) + 1,
        "audio_channels": 2 if stereo else 1,
        "activation_function": "gelu",
        "bos_token_id": entries - 1,
        "pad_token_id": entries - 1,
    }


def melody_fields(settings: Settings, given: Mapping[str, Shape], sample_rate: int) -> Fields:
    """What config.json says of the melody; empty for a model without.

    Raises:
        ModelError: melodies are heard another way than by chroma.
    """
    shape = given.get(MELODY_OUT + ".weight", ())
    if len(shape) != 2:
        return {}
    settings.must_be("conditioners.self_wav.model", "chroma_stem", "chroma_stem")
    begin = "conditioners.self_wav.chroma_stem."
    settings.must_be(begin + "radix2_exp", _WINDOW_EXPONENT, _WINDOW_EXPONENT)
    hop = (1 << _WINDOW_EXPONENT) // 4
    length_s = settings.whole("dataset.segment_duration", 30)
    return {"num_chroma": shape[1], "chroma_length": length_s * sample_rate // hop + 1}


def codec_fields(settings: Settings) -> Fields:
    """EnCodec's part of config.json.

    Raises:
        ModelError: it is no EnCodec of the kind that MusicGen uses.
    """
    settings.must_be("compression_model", "encodec", "encodec")
    settings.must_be("encodec.renormalize", False, False)
    settings.must_be("seanet.norm", "weight_norm", "weight_norm")
    settings.must_be("seanet.activation", "ELU", "ELU")
    settings.must_be("seanet.disable_norm_outer_blocks", 0, 0)
    settings.must_be("encodec.channels", 1, 1)
    ratios = settings.get("seanet.ratios")
    if not isinstance(ratios, list) or not all(isinstance(one, int) and one > 0 for one in ratios):
        raise ModelError("The codec's settings lack seanet.ratios.", hint="Get its file again.")
    rate, books = settings.whole("sample_rate"), settings.whole("rvq.n_q")
    entries = settings.whole("rvq.bins")
    frames = math.ceil(rate / math.prod(ratios))
    bits = math.ceil(math.log2(entries))
    width = settings.whole("seanet.dimension", 128)
    return {
        "model_type": "encodec",
        "sampling_rate": rate,
        "audio_channels": 1,
        "normalize": False,
        "chunk_length_s": None,
        "overlap": None,
        "hidden_size": width,
        "codebook_dim": width,
        "codebook_size": entries,
        "num_filters": settings.whole("seanet.n_filters", 32),
        "num_residual_layers": settings.whole("seanet.n_residual_layers", 1),
        "upsampling_ratios": ratios,
        "target_bandwidths": [books * bits * frames / 1000],
        "norm_type": "weight_norm",
        "kernel_size": settings.whole("seanet.kernel_size", 7),
        "last_kernel_size": settings.whole("seanet.last_kernel_size", 7),
        "residual_kernel_size": settings.whole("seanet.residual_kernel_size", 3),
        "dilation_growth_rate": settings.whole("seanet.dilation_base", 2),
        "use_causal_conv": bool(settings.get("seanet.causal", False)),
        "use_conv_shortcut": not settings.get("seanet.true_skip", True),
        "pad_mode": settings.get("seanet.pad_mode", "constant"),
        "compress": settings.whole("seanet.compress", 2),
        "num_lstm_layers": settings.whole("seanet.lstm", 2),
        "trim_right_ratio": float(settings.get("seanet.decoder.trim_right_ratio", 1.0)),
    }
