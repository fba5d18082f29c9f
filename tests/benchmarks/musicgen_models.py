"""MusicGens of the published sizes with random weights, theirs and ours, for the benchmarks."""

from __future__ import annotations

import copy
from typing import Any

import torch
from transformers import (
    EncodecConfig,
    EncodecModel,
    MusicgenConfig,
    MusicgenDecoderConfig,
    MusicgenForConditionalGeneration,
    StoppingCriteriaList,
    T5Config,
)

from musiscene_daemon.engines.musicgen.codec import Codec
from musiscene_daemon.engines.musicgen.decoder import Decoder, Pass
from musiscene_daemon.engines.musicgen.generation import Conditions
from musiscene_daemon.engines.musicgen.model import MusicGen
from musiscene_daemon.engines.musicgen.shape import TEXT_IN, DecoderShape, ModelShape
from musiscene_daemon.engines.musicgen.text import Text
from tests.support import tiny_musicgen

SIZES = ("small", "medium", "large")
_WIDTHS = {"small": (1024, 24, 16), "medium": (1536, 48, 24), "large": (2048, 48, 32)}
_T5_PARAMETERS, _CODEC_PARAMETERS = 109_628_544, 56_879_394
_WINDOW = 1503


def decoder_shape(size: str, *, stereo: bool = False) -> DecoderShape:
    """The language model of a published size."""
    width, layers, heads = _WIDTHS[size]
    return DecoderShape(
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        ffn_dim=4 * width,
        num_codebooks=8 if stereo else 4,
        audio_channels=2 if stereo else 1,
    )


def memory_table() -> str:
    """Gigabytes of each size and precision with T5, codec and the cache of a whole window."""
    kinds = [(size, False, False) for size in SIZES]
    kinds += [("medium", False, True), ("medium", True, False), ("large", True, False)]
    rows = ["\n| GB | float32 | half | int8 | of it the cache, float32 |", "|---|---|---|---|---|"]
    for size, stereo, melody in kinds:
        own = decoder_shape(size, stereo=stereo)
        shape = ModelShape(
            "musicgen_melody" if melody else "musicgen", own, text_encoder={"d_model": 768}
        )
        ahead = shape.chroma_length + 20 if melody else 0
        cache = 2 * 2 * own.num_hidden_layers * own.hidden_size * (_WINDOW + ahead) * 4
        beside = 4 * (_T5_PARAMETERS + _CODEC_PARAMETERS) + cache
        cells = [f"{(shape.parameters * each + beside) / 1e9:.1f}" for each in (4, 2, 1)]
        name = f"{'stereo-' if stereo else ''}{size}{', melody' if melody else ''}"
        rows.append(f"| {name} | {' | '.join(cells)} | {cache / 1e9:.2f} |")
    return "\n".join(rows) + "\n"


def theirs(size: str) -> MusicgenForConditionalGeneration:
    """transformers' own, with T5-base and the published codec's shapes."""
    own = decoder_shape(size)
    model = MusicgenForConditionalGeneration(
        MusicgenConfig(
            text_encoder=T5Config(
                vocab_size=32_128, d_model=768, d_kv=64, d_ff=3072, num_layers=12, num_heads=12
            ),
            audio_encoder=EncodecConfig(
                sampling_rate=32_000,
                num_filters=64,
                upsampling_ratios=[8, 5, 4, 4],
                codebook_size=2048,
                target_bandwidths=[2.2],
                use_causal_conv=False,
                use_conv_shortcut=False,
                chunk_length_s=None,
            ),
            decoder=MusicgenDecoderConfig(
                hidden_size=own.hidden_size,
                num_hidden_layers=own.num_hidden_layers,
                num_attention_heads=own.num_attention_heads,
                ffn_dim=own.ffn_dim,
            ),
        )
    )
    for name, tensor in model.decoder.named_parameters():
        # transformers' own are so small that every token would be as likely as any other.
        if tensor.ndim == 2:
            scale = 1.0 if "embed_tokens" in name else 1.5 * tensor.shape[-1] ** -0.5
            tensor.data.normal_(0.0, scale)
    for name, buffer in model.named_buffers():
        if name.endswith("codebook.embed"):
            buffer.normal_()
    generation = model.generation_config
    generation.decoder_start_token_id = generation.pad_token_id = 2048
    generation.bos_token_id = 2048
    return model.eval()


def generated(model: Any, inputs: Any, steps: int, clock: StoppingCriteriaList) -> torch.Tensor:
    """Tokens [1, codebooks, steps] of transformers' greedy generate for a prompt's `inputs`."""
    codes = []
    codec = model.audio_encoder
    decode = codec.decode

    def kept(given: torch.Tensor, *arguments: object, **named: object) -> object:
        codes.append(given[0])
        return decode(given, *arguments, **named)

    codec.decode = kept
    with torch.inference_mode():
        model.generate(
            **inputs,
            do_sample=False,
            guidance_scale=3.0,
            max_new_tokens=steps + 3,
            stopping_criteria=clock,
        )
    codec.decode = decode
    return codes[0]


class Loaded:
    """What our decoders share over transformers' model."""

    prompt = "slow strings, minor"

    def __init__(self, model: MusicgenForConditionalGeneration) -> None:
        """Prepare the prompt and the codec."""
        config = model.config
        own = config.decoder
        self.shape = ModelShape(
            "musicgen",
            DecoderShape(
                hidden_size=own.hidden_size,
                num_hidden_layers=own.num_hidden_layers,
                num_attention_heads=own.num_attention_heads,
                ffn_dim=own.ffn_dim,
            ),
            text_encoder=config.text_encoder.to_dict(),
            audio_encoder=config.audio_encoder.to_dict(),
        )
        self._states = model.state_dict()
        # Copies: what is packed or folded would be so for the original too.
        self._text = Text(tiny_musicgen.tokenizer(), copy.deepcopy(model.text_encoder))
        self._audio = model.audio_encoder
        self.codec = self.new_codec(exact=False)
        self.step_bytes: dict[Decoder, int] = {}
        self._inputs = tiny_musicgen.tokenizer()(self.prompt, return_tensors="pt")
        with torch.inference_mode():
            heard, _ = self._text.heard(self.prompt)
            self.words = Conditions((model.enc_to_dec_proj(heard),))

    def new_codec(self, *, exact: bool = True) -> Codec:
        """The codec's decoder with weights of its own."""
        codec = EncodecModel(self._audio.config)
        codec.load_state_dict(self._audio.state_dict())
        return Codec(codec.requires_grad_(False).eval(), exact=exact)

    def read(self, name: str) -> torch.Tensor:
        """A tensor by transformers' name."""
        return self._states[name]

    def musicgen(self, decoder: Decoder) -> MusicGen:
        """Our model with `decoder`."""
        into = {name: self._states[name] for name in (f"{TEXT_IN}.weight", f"{TEXT_IN}.bias")}
        return MusicGen(self.shape, decoder, self._text, self.codec, into)

    def generated(self, model: Any, steps: int, clock: StoppingCriteriaList) -> torch.Tensor:
        """Tokens [1, codebooks, steps] of transformers' greedy generate."""
        return generated(model, self._inputs, steps, clock)

    @torch.inference_mode()
    def scores(self, decoder: Decoder, codes: torch.Tensor) -> torch.Tensor:
        """What `decoder` gives each token [steps, codebooks, vocabulary] after reading `codes`."""
        steps = codes.shape[-1]
        run = Pass(decoder, decoder.words(self.words.words), 2, [0], steps)
        found = []
        for at in range(steps):
            x = decoder.embedded(codes[..., at : at + 1])
            logits = run.run(torch.cat([x, x]), at)
            found.append(logits[1] + 3.0 * (logits[0] - logits[1]))
        return torch.stack(found)

    def mel_distance(self, one: torch.Tensor, other: torch.Tensor) -> float:
        """Mean distance of log-mel spectra in dB, 80 bands, frames of 32 ms."""
        from transformers.audio_utils import mel_filter_bank

        bank = torch.from_numpy(mel_filter_bank(513, 80, 30.0, 16_000.0, 32_000)).float()
        window = torch.hann_window(1024)

        def mels(sound: torch.Tensor) -> torch.Tensor:
            spectrum = torch.stft(sound[0], 1024, 320, window=window, return_complex=True)
            return 10 * torch.log10(bank.T @ spectrum.abs().square() + 1e-6)

        return float((mels(one) - mels(other)).abs().mean())
