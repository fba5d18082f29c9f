"""A tiny MusicGen of transformers written as audiocraft writes one.

Made from audiocraft's modules (models/lm.py, modules/transformer.py, modules/seanet.py and
utils/export.py), independently of our converter: names go from transformers' to audiocraft's.
"""

from __future__ import annotations

import re
from pathlib import Path

import torch

from tests.support import tiny_musicgen

SETTINGS = """
sample_rate: 32000
channels: 1
compression_model: encodec
lm_model: transformer_lm
encodec: {{autoencoder: seanet, quantizer: rvq, sample_rate: '${{sample_rate}}',
  channels: '${{channels}}', causal: false, renormalize: false}}
seanet: {{dimension: 8, channels: '${{channels}}', causal: '${{encodec.causal}}', n_filters: 4,
  n_residual_layers: 1, ratios: [8, 5, 4, 4], activation: ELU, norm: weight_norm, kernel_size: 7,
  residual_kernel_size: 3, last_kernel_size: 7, dilation_base: 2, pad_mode: reflect,
  true_skip: true, compress: 2, lstm: 2, disable_norm_outer_blocks: 0,
  decoder: {{trim_right_ratio: 1.0, final_activation: null}}, encoder: {{}}}}
rvq: {{n_q: 4, bins: 64, q_dropout: false}}
transformer_lm: {{dim: 32, num_heads: {heads}, num_layers: 3, hidden_scale: 2, n_q: 4, card: 64,
  activation: gelu, norm_first: true, bias_ff: false, positional_embedding: sin}}
codebooks_pattern: {{modeling: delay, delay: {{delays: [0, 1, 2, 3]}}}}
interleave_stereo_codebooks: {{use: {stereo}, per_timestep: false}}
conditioners: {{self_wav: {{model: chroma_stem, chroma_stem: {{n_chroma: 12, radix2_exp: 14}}}},
  description: {{model: t5, t5: {{name: t5-base}}}}}}
dataset: {{segment_duration: {duration}}}
"""
_LANGUAGE = (
    (r"^decoder\.model\.decoder\.embed_tokens\.", "emb."),
    (r"^decoder\.model\.decoder\.layer_norm\.", "out_norm."),
    (r"^decoder\.model\.decoder\.", "transformer."),
    (r"^decoder\.lm_heads\.", "linears."),
    (r"\.encoder_attn_layer_norm\.", ".norm_cross."),
    (r"\.self_attn_layer_norm\.", ".norm1."),
    (r"\.final_layer_norm\.", ".norm2."),
    (r"\.encoder_attn\.", ".cross_attention."),
    (r"\.fc1\.", ".linear1."),
    (r"\.fc2\.", ".linear2."),
    (r"^enc_to_dec_proj\.", "condition_provider.conditioners.description.output_proj."),
    (r"^audio_enc_to_dec_proj\.", "condition_provider.conditioners.self_wav.output_proj."),
)
_CODEC = (
    (r"\.layers\.", ".model."),
    (r"^quantizer\.model\.", "quantizer.vq.layers."),
    (r"\.codebook\.", "._codebook."),
    (r"(decoder\.model\.(?:3|6|9|12))\.conv\.", r"\1.convtr.convtr."),
    (r"(?<!convtr)\.conv\.", ".conv.conv."),
    (r"\.parametrizations\.weight\.original0$", ".weight_g"),
    (r"\.parametrizations\.weight\.original1$", ".weight_v"),
)


def renamed(name: str, rules: tuple[tuple[str, str], ...]) -> str:
    for pattern, theirs in rules:
        name = re.sub(pattern, theirs, name)
    return name


def packages(model, kind: str = "mono") -> tuple[dict, dict]:
    """What audiocraft's two files hold for `model`."""
    states = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    language, codec = {}, {}
    for name, tensor in states.items():
        if name.startswith("audio_encoder."):
            codec[renamed(name.removeprefix("audio_encoder."), _CODEC)] = tensor
        elif name.startswith("text_encoder.") or name.endswith("embed_positions.weights"):
            continue
        elif found := re.match(r"(.+)\.(q|k|v)_proj\.weight$", name):
            begin, part = found.groups()
            if part == "q":
                stacked = [states[f"{begin}.{one}_proj.weight"] for one in "qkv"]
                language[f"{renamed(f'{begin}.', _LANGUAGE)}in_proj_weight"] = torch.cat(stacked)
        else:
            language[renamed(name, _LANGUAGE)] = tensor
    if kind == "melody":
        window = "condition_provider.conditioners.self_wav.chroma.spec.window"
        language[window] = torch.hann_window(16_384)
    # 2 * 32000 // 4096 + 1 frames of melody are 16, 3 seconds' are 24.
    text = SETTINGS.format(heads=2, stereo=str(kind == "stereo").lower(), duration=2)
    further = {"xp.cfg": text, "version": "1.3.0", "exported": True}
    return {"best_state": language, **further}, {"best_state": codec, **further}


def save(folder: Path, kind: str = "mono", **further: int) -> Path:
    """audiocraft's two files, with T5's own folder beside them as its tools keep that."""
    model = tiny_musicgen.make(kind, **further)
    language, codec = packages(model, kind)
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(language, folder / "state_dict.bin")
    torch.save(codec, folder / "compression_state_dict.bin")
    model.text_encoder.save_pretrained(folder.parent / "t5-base")
    tiny_musicgen.tokenizer().save_pretrained(folder.parent / "t5-base")
    return folder
