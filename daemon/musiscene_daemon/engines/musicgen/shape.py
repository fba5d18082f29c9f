"""What a MusicGen is made of: its config.json, checked before a weight is read. Knows no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from musiscene_core.codec import read_json
from musiscene_core.errors import InputError, ModelError

CONFIG = "config.json"

Count = Annotated[int, msgspec.Meta(ge=1, le=1024)]
Width = Annotated[int, msgspec.Meta(ge=1, le=1 << 16)]
Shape = tuple[int, ...]


class DecoderShape(msgspec.Struct, frozen=True):
    """The language model; what a file leaves out is as in musicgen-small.

    Attributes:
        hidden_size: width.
        num_hidden_layers: layers.
        num_attention_heads: heads of both attentions.
        ffn_dim: width inside the feed-forward part.
        vocab_size: tokens in a codebook; the next number is the pad.
        num_codebooks: tokens a frame.
        audio_channels: 1, or 2 where codebooks are left and right in turn.
        max_position_embeddings: unused, since positions are computed.
    """

    hidden_size: Width = 1024
    num_hidden_layers: Count = 24
    num_attention_heads: Count = 16
    ffn_dim: Width = 4096
    vocab_size: Width = 2048
    num_codebooks: Count = 4
    audio_channels: Literal[1, 2] = 1
    activation_function: Literal["gelu"] = "gelu"

    def __post_init__(self) -> None:
        if self.hidden_size % self.num_attention_heads or self.hidden_size % 2:
            heads = self.num_attention_heads
            raise ValueError(f"a width of {self.hidden_size} cannot be shared among {heads} heads")
        if self.num_codebooks % self.audio_channels:
            raise ValueError(f"{self.num_codebooks} codebooks cannot be left and right in turn")

    @property
    def head_size(self) -> int:
        """Width of one head."""
        return self.hidden_size // self.num_attention_heads

    @property
    def delays(self) -> tuple[int, ...]:
        """How many steps after the first codebook each one follows."""
        return tuple(book // self.audio_channels for book in range(self.num_codebooks))


class ModelShape(msgspec.Struct, frozen=True):
    """A whole model.

    Attributes:
        model_type: musicgen, or musicgen_melody, whose text and melody come before the tokens.
        decoder: the language model.
        text_encoder: T5's own config.
        audio_encoder: EnCodec's own config.
        num_chroma: pitch classes of the melody.
        chroma_length: frames of melody that the model sees.
    """

    model_type: Literal["musicgen", "musicgen_melody"]
    decoder: DecoderShape = DecoderShape()
    text_encoder: dict[str, Any] = {}
    audio_encoder: dict[str, Any] = {}
    num_chroma: Count = 12
    chroma_length: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 235

    @property
    def melody(self) -> bool:
        """Whether it takes a melody."""
        return self.model_type == "musicgen_melody"

    @property
    def text_width(self) -> int:
        """Width of what T5 says."""
        return _count(self.text_encoder, "d_model", 512)

    @property
    def sample_rate(self) -> int:
        """In hertz."""
        return _count(self.audio_encoder, "sampling_rate", 24_000)

    @property
    def hop(self) -> int:
        """Samples a frame."""
        ratios = self.audio_encoder.get("upsampling_ratios", (8, 5, 4, 2))
        product = 1
        for ratio in ratios:
            product *= int(ratio)
        return product

    def weights(self) -> dict[str, Shape]:
        """The language model's tensors in transformers' names, and what leads into it."""
        shape = self.decoder
        width, inner = shape.hidden_size, shape.ffn_dim
        found: dict[str, Shape] = {}
        for book in range(shape.num_codebooks):
            found[f"{BODY}embed_tokens.{book}.weight"] = (shape.vocab_size + 1, width)
            found[f"{HEADS}{book}.weight"] = (shape.vocab_size, width)
        attentions = ("self_attn",) if self.melody else ("self_attn", "encoder_attn")
        for layer in range(shape.num_hidden_layers):
            begin = f"{BODY}layers.{layer}."
            for attention in attentions:
                for linear in ("q_proj", "k_proj", "v_proj", "out_proj"):
                    found[f"{begin}{attention}.{linear}.weight"] = (width, width)
            for norm in (*(f"{name}_layer_norm" for name in attentions), "final_layer_norm"):
                found[f"{begin}{norm}.weight"] = found[f"{begin}{norm}.bias"] = (width,)
            found[f"{begin}fc1.weight"] = (inner, width)
            found[f"{begin}fc2.weight"] = (width, inner)
        found[f"{BODY}layer_norm.weight"] = found[f"{BODY}layer_norm.bias"] = (width,)
        if self.text_width != width:
            found[f"{TEXT_IN}.weight"], found[f"{TEXT_IN}.bias"] = (
                (width, self.text_width),
                (width,),
            )
        if self.melody and self.num_chroma != width:
            found[f"{MELODY_IN}.weight"] = (width, self.num_chroma)
            found[f"{MELODY_IN}.bias"] = (width,)
        return found

    @property
    def parameters(self) -> int:
        """How many numbers the language model has."""
        total = 0
        for shape in self.weights().values():
            size = 1
            for axis in shape:
                size *= axis
            total += size
        return total


BODY = "decoder.model.decoder."
HEADS = "decoder.lm_heads."
TEXT_IN = "enc_to_dec_proj"
MELODY_IN = "audio_enc_to_dec_proj"


def read_shape(folder: Path) -> ModelShape:
    """What config.json in `folder` describes.

    Raises:
        ModelError: it is missing, damaged, or describes no MusicGen.
    """
    try:
        return read_json(folder / CONFIG, ModelShape)
    except (InputError, ValueError) as error:
        said = error.message if isinstance(error, InputError) else str(error)
        raise ModelError(
            f"{folder} holds no MusicGen: {said}",
            hint="Name the folder of a MusicGen, as transformers or as audiocraft keeps it.",
        ) from error


def checked_files(folder: Path, shape: ModelShape) -> list[Path]:
    """The files of the model's weights, of which only the names and shapes were read.

    Raises:
        ModelError: one is missing, cut short or of another size; the message names it.
    """
    # Its library is there where the model can be used at all.
    from musiscene_core.neural.tensors import check, shapes, weight_files

    files = weight_files(folder)
    check(shapes(files), shape.weights(), folder)
    return files


def _count(config: dict[str, Any], name: str, usual: int) -> int:
    value = config.get(name, usual)
    if not isinstance(value, int) or not 1 <= value <= 1 << 20:
        raise ModelError(f"The model's config.json says {name} is {str(value)[:40]!r}.")
    return value
