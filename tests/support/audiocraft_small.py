"""Runs in audiocraft's environment: its real architectures, small and with random weights.

    audiocraft_small.py make FOLDER HUB     style, jasco and magnet as published, below FOLDER; and
                                            T5 and MERT as Hugging Face's tools keep them, in HUB
    audiocraft_small.py tokens FOLDER PROMPT FRAMES     what MusicGen's greedy decoding writes
    audiocraft_small.py speed STEPS HUB     seconds of each step of a whole MusicGen-small

Settings are those of audiocraft's own config folder, with fewer and narrower layers.
"""

from __future__ import annotations

import itertools
import json
import os
import pickle
import sys
import time
from pathlib import Path

CODEC = """
sample_rate: 32000
channels: 1
compression_model: encodec
encodec: {autoencoder: seanet, quantizer: rvq, sample_rate: 32000, channels: 1, causal: false,
  renormalize: false}
seanet: {dimension: 16, channels: 1, causal: false, n_filters: 4, n_residual_layers: 1,
  ratios: [8, 5, 4, 4], activation: ELU, activation_params: {alpha: 1.0}, norm: weight_norm,
  norm_params: {}, kernel_size: 7, residual_kernel_size: 3, last_kernel_size: 7, dilation_base: 2,
  pad_mode: constant, true_skip: true, compress: 2, lstm: 2, disable_norm_outer_blocks: 0,
  decoder: {trim_right_ratio: 1.0, final_activation: null, final_activation_params: null},
  encoder: {}}
rvq: {n_q: 4, q_dropout: false, bins: 256, decay: 0.99, kmeans_init: false, kmeans_iters: 50,
  threshold_ema_dead_code: 2, orthogonal_reg_weight: 0.0, orthogonal_reg_active_codes_only: false}
"""
LANGUAGE = """
sample_rate: 32000
channels: 1
autocast: true
autocast_dtype: float16
compression_model_checkpoint: //pretrained/facebook/encodec_32khz
efficient_attention_backend: xformers
transformer_lm: {dim: 32, num_heads: 2, num_layers: 2, hidden_scale: 2, n_q: 4, card: 256,
  dropout: 0.0, emb_lr: null, activation: gelu, norm_first: true, bias_ff: false, bias_attn: false,
  bias_proj: false, past_context: null, causal: true, custom: false, memory_efficient: true,
  attention_as_float32: false, layer_scale: null, positional_embedding: sin, xpos: false,
  checkpointing: none, weight_init: gaussian, depthwise_init: current, zero_bias_init: true,
  norm: layer_norm, cross_attention: false, qk_layer_norm: false, qk_layer_norm_cross: false,
  attention_dropout: null, kv_repeat: 1, two_step_cfg: false}
codebooks_pattern: {modeling: delay, delay: {delays: [0, 1, 2, 3], flatten_first: 0,
  empty_initial: 0}, parallel: {empty_initial: -1}}
classifier_free_guidance: {training_dropout: 0.3, inference_coef: 3.0}
attribute_dropout: {}
interleave_stereo_codebooks: {use: false, per_timestep: false}
fuser: {cross_attention_pos_emb: false, cross_attention_pos_emb_scale: 1, sum: [], prepend: [],
  cross: [description], input_interpolate: []}
conditioners: {description: {model: t5, t5: {name: t5-base, finetune: false, word_dropout: 0.3,
  normalize_text: false}}}
dataset: {segment_duration: 30}
"""
STYLE = """
lm_model: transformer_lm
attribute_dropout: {args: {active_on_eval: false}, text: {description: 0.4}, wav: {self_wav: 0.4}}
fuser: {prepend: [self_wav, description], cross: []}
conditioners: {self_wav: {model: style, style: {model_name: mert, transformer_scale: xsmall,
  sample_rate: 32000, encodec_checkpoint: //pretrained/facebook/encodec_32khz, encodec_n_q: 3,
  length: 3.0, ds_factor: 15, n_q_out: 6, eval_q: 3, q_dropout: true, bins: 32,
  varying_lengths: [1.5, 4.5], batch_norm: true, compute_mask: true, num_codebooks_lm: 4,
  ds_rate_compression: 640, use_middle_of_segment: false, rvq_threshold_ema_dead_code: 0.1}}}
"""
MAGNET = """
lm_model: transformer_lm_magnet
transformer_lm: {causal: false, subcodes_context: 5, compression_model_framerate: 50,
  segment_duration: 0, span_len: -1}
codebooks_pattern: {modeling: parallel}
masking: {span_len: 3}
dataset: {segment_duration: 10}
"""
JASCO = """
lm_model: flow_matching
compression_model_latent_std: 4.0102
compression_model_latent_mean: -0.0074
compression_model_framerate: 50
compression_model_latent_dim: 16
transformer_lm: {causal: false, skip_connections: false, flow_dim: 16, chords_dim: 16,
  drums_dim: 2, melody_dim: 16}
attribute_dropout: {text: {description: 0.0}, symbolic: {chords: 0.5, melody: 0.5},
  wav: {self_wav: 0.5}}
fuser: {ignore: [chords, self_wav, melody]}
conditioners: {self_wav: {model: drum_latents, drum_latents: {sample_rate: 32000, out_dim: 2,
  blurring_factor: 3, cache_path: null, compression_model_latent_dim: 16,
  compression_model_framerate: 50, segment_duration: 10}}, chords: {model: chords_emb,
  chords_emb: {card: 194, out_dim: 16}}, melody: {model: melody, melody: {card: 53, out_dim: 16}}}
dataset: {segment_duration: 10}
"""
MODELS = {
    "musicgen-style": STYLE,
    "magnet-small-10secs": MAGNET,
    "jasco-chords-drums-melody-400M": JASCO,
}
SMALL = """
lm_model: transformer_lm
transformer_lm: {dim: 1024, num_heads: 16, num_layers: 24, hidden_scale: 4, card: 2048}
"""


def make(folder: Path, hub: Path) -> None:
    """The models' folders and the cache, for the engines to find."""
    import torch
    from audiocraft.models import CompressionModel, builders
    from audiocraft_child import with_plain_mert, without_demucs

    torch.manual_seed(0)
    keep(hub, "t5-base", save_t5)
    keep(hub, "m-a-p/MERT-v1-95M", save_mert)
    with_plain_mert()
    without_demucs()
    keep(hub, "facebook/encodec_32khz", save_encodec)
    codec = builders.get_compression_model(settings(CODEC))
    named = CompressionModel.get_pretrained("facebook/encodec_32khz")
    for name, own in MODELS.items():
        cfg = settings(LANGUAGE, own)
        if name.startswith("jasco"):
            model = builders.get_jasco_model(cfg, named)
        else:
            cfg.transformer_lm.update(
                {"segment_duration": 10, "span_len": 3} if name.startswith("magnet") else {}
            )
            model = builders.get_lm_model(cfg)
        with_codebooks(model)
        place = folder / name
        place.mkdir(parents=True)
        save(place / "state_dict.bin", model, settings(LANGUAGE, own))
        if name.startswith("jasco"):
            # Its code reaches into the codec of transformers', so its file can but name that.
            about = {"pretrained": "facebook/encodec_32khz", "exported": True, "version": "1.4.0a2"}
            torch.save(about, place / "compression_state_dict.bin")
        else:
            save(place / "compression_state_dict.bin", codec, settings(CODEC))
        roots = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
        chords = [root + quality for root in roots for quality in ("", "m", "7", "m7", "maj7")]
        table = {chord: number for number, chord in enumerate(["N", *chords])}
        (place / "chord_to_index_mapping.pkl").write_bytes(pickle.dumps(table))


def with_codebooks(model) -> None:
    """Fill codebooks, which are zeros or wait for the first sound until a model was trained."""
    for name, values in model.named_buffers():
        if name.endswith("codebook.embed"):
            values.normal_()
        elif name.endswith("codebook.inited"):
            values.fill_(1)


def settings(*texts: str):
    from omegaconf import OmegaConf

    cfg = OmegaConf.merge(*map(OmegaConf.create, texts))
    if JASCO in texts:
        # It takes neither, though its config folder has them.
        del cfg.transformer_lm.emb_lr, cfg.transformer_lm.two_step_cfg
    OmegaConf.update(cfg, "device", "cpu")
    OmegaConf.update(cfg, "dtype", "float32")
    return cfg


def save(path: Path, model, cfg) -> None:
    """As audiocraft's own export does."""
    import torch
    from omegaconf import OmegaConf

    held = {"xp.cfg": OmegaConf.to_yaml(cfg), "version": "1.4.0a2", "exported": True}
    # By the names that torch 2.1 gave, by which the published ones go.
    names = (("parametrizations.weight.original0", "weight_g"),)
    names += (("parametrizations.weight.original1", "weight_v"),)
    state = model.state_dict()
    for new, old in names:
        state = {name.replace(new, old): tensor for name, tensor in state.items()}
    torch.save({"best_state": state, **held}, path)


def keep(hub: Path, name: str, write) -> None:
    """A model in the cache of Hugging Face's tools."""
    place = hub / f"models--{name.replace('/', '--')}"
    if place.is_dir():
        return
    (place / "refs").mkdir(parents=True)
    (place / "refs/main").write_text("0" * 40)
    write(place / "snapshots" / ("0" * 40))


def letters():
    """A tokenizer of T5's kind to which each letter is a word."""
    from transformers import T5Tokenizer

    signs = [(chr(code), -1.0) for code in range(33, 127)]
    words = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("\u2581", -2.0), *signs]
    return T5Tokenizer(vocab=words, extra_ids=0)


def save_t5(place: Path) -> None:
    """audiocraft takes t5-base to be 768 wide."""
    from transformers import T5Config, T5EncoderModel

    letters().save_pretrained(place)
    small = {"d_ff": 16, "num_layers": 1, "num_heads": 2, "d_kv": 8}
    T5EncoderModel(T5Config(vocab_size=128, d_model=768, **small)).save_pretrained(place)


def save_encodec(place: Path) -> None:
    """The published codec with fewer filters and entries."""
    from transformers import EncodecConfig, EncodecModel

    small = {"num_filters": 4, "hidden_size": 16, "codebook_size": 256}
    rates = {"sampling_rate": 32_000, "target_bandwidths": [4 * 8 * 50 / 1000]}
    whole = {"use_causal_conv": False, "use_conv_shortcut": False, "chunk_length_s": None}
    ratios = [8, 5, 4, 4]
    config = EncodecConfig(upsampling_ratios=ratios, **small, **rates, **whole)
    model = EncodecModel(config)
    with_codebooks(model)
    model.save_pretrained(place)


def save_mert(place: Path) -> None:
    """The network of MERT is HuBERT's; 75 frames a second at 24 kHz, 768 wide."""
    from transformers import HubertConfig, HubertModel

    small = {"num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = HubertConfig(hidden_size=768, conv_dim=(8,) * 7, **small)
    HubertModel(config).save_pretrained(place)
    (place / "modeling_MERT.py").write_text("raise SystemExit('this was run')")
    about = json.loads((place / "config.json").read_text())
    about.update(model_type="mert_model", auto_map={"AutoModel": "modeling_MERT.MERTModel"})
    (place / "config.json").write_text(json.dumps(about))


def tokens(folder: Path, prompt: str, frames: int) -> list[list[int]]:
    """What greedy decoding writes, codebook by codebook, of a model whose settings lack some."""
    import torch
    from audiocraft.models import MusicGen
    from audiocraft_child import read_tensors_only
    from omegaconf import OmegaConf

    read_tensors_only()
    whole = folder.parent / "whole"
    whole.mkdir()
    for name, usual in (("state_dict.bin", LANGUAGE), ("compression_state_dict.bin", CODEC)):
        held = torch.load(folder / name, weights_only=True)
        cfg = settings(usual, held["xp.cfg"])
        # What hears a melody is written down for every kind of model; windows are the usual ones.
        cfg.get("conditioners", {}).pop("self_wav", None)
        OmegaConf.update(cfg, "dataset.segment_duration", 30)
        torch.save({**held, "xp.cfg": OmegaConf.to_yaml(cfg)}, whole / name)
    model = MusicGen.get_pretrained(str(whole), "cpu")
    model.set_generation_params(use_sampling=False, duration=frames / 50, cfg_coef=3.0)
    with torch.inference_mode():
        return model.generate([prompt], return_tokens=True)[1][0].tolist()


def speed(steps: int, hub: Path) -> list[float]:
    """Seconds of each step of MusicGen-small's language model, as its own loop takes them."""
    import torch
    from audiocraft.models import builders
    from audiocraft.modules.conditioners import ConditioningAttributes

    torch.manual_seed(0)
    keep(hub, "t5-base", save_t5)
    model = builders.get_lm_model(settings(LANGUAGE, SMALL)).eval()
    words = [ConditioningAttributes(text={"description": "slow strings in a minor key"})]
    ends: list[float] = []
    with torch.inference_mode():
        model.generate(
            conditions=words,
            max_gen_len=steps,
            use_sampling=False,
            cfg_coef=3.0,
            callback=lambda *_: ends.append(time.perf_counter()),
        )
    return [later - sooner for sooner, later in itertools.pairwise(ends)]


if __name__ == "__main__":
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1")
    # The child's script, which has what has to be done before a model is built.
    sys.path.insert(0, os.environ["MUSISCENE_CHILD_FOLDER"])
    what, *given = sys.argv[1:]
    if what == "make":
        make(Path(given[0]), Path(given[1]))
    elif what == "tokens":
        print(json.dumps(tokens(Path(given[0]), given[1], int(given[2]))))
    else:
        print(json.dumps(speed(int(given[0]), Path(given[1]))))
