"""MusicGens in miniature: the real architectures and file layouts, random weights.

Imports torch and transformers: tests skip before they import this.
"""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    EncodecConfig,
    MusicgenConfig,
    MusicgenDecoderConfig,
    MusicgenForConditionalGeneration,
    MusicgenMelodyConfig,
    MusicgenMelodyDecoderConfig,
    MusicgenMelodyForConditionalGeneration,
    PreTrainedTokenizerFast,
    T5Config,
)

WIDTH, HEADS, LAYERS, INNER, TEXT_WIDTH, VOCABULARY = 32, 2, 3, 64, 24, 64


def make(
    kind: str = "mono", *, text_width: int = TEXT_WIDTH, seed: int = 0
) -> MusicgenForConditionalGeneration | MusicgenMelodyForConditionalGeneration:
    """transformers' own model: "mono", "stereo" or "melody"."""
    torch.manual_seed(seed)
    channels = 2 if kind == "stereo" else 1
    text = T5Config(
        vocab_size=300,
        d_model=text_width,
        d_kv=8,
        d_ff=32,
        num_layers=2,
        num_heads=2,
        feed_forward_proj="relu",
    )
    # The published codec's rates with fewer filters and entries.
    codec = EncodecConfig(
        sampling_rate=32_000,
        num_filters=4,
        hidden_size=8,
        upsampling_ratios=[8, 5, 4, 4],
        codebook_size=VOCABULARY,
        target_bandwidths=[4 * 6 * 50 / 1000],
        use_causal_conv=False,
        use_conv_shortcut=False,
        chunk_length_s=None,
    )
    decoder = {
        "vocab_size": VOCABULARY,
        "hidden_size": WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "ffn_dim": INNER,
        "num_codebooks": 4 * channels,
        "audio_channels": channels,
        "pad_token_id": VOCABULARY,
        "bos_token_id": VOCABULARY,
    }
    if kind == "melody":
        whole = MusicgenMelodyConfig(
            text_encoder=text,
            audio_encoder=codec,
            decoder=MusicgenMelodyDecoderConfig(**decoder),
            chroma_length=19,
        )
        model = MusicgenMelodyForConditionalGeneration(whole)
    else:
        whole = MusicgenConfig(
            text_encoder=text, audio_encoder=codec, decoder=MusicgenDecoderConfig(**decoder)
        )
        model = MusicgenForConditionalGeneration(whole)
    for name, tensor in model.named_parameters():
        # transformers' own are so small that every token would be as likely as any other.
        if tensor.ndim == 2 and not name.startswith("audio_encoder"):
            scale = 1.0 if "embed_tokens" in name else 2.0 * tensor.shape[-1] ** -0.5
            tensor.data.normal_(0.0, scale)
    for name, buffer in model.named_buffers():
        if name.endswith("codebook.embed"):
            buffer.normal_()
    generation = model.generation_config
    generation.decoder_start_token_id = generation.pad_token_id = VOCABULARY
    generation.bos_token_id = VOCABULARY
    return model.eval()


def tokenizer() -> PreTrainedTokenizerFast:
    """Splits into single characters."""
    vocabulary = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    vocabulary += [(chr(code), -1.0) for code in range(32, 127)]
    own = Tokenizer(models.Unigram(vocabulary, unk_id=2))
    own.pre_tokenizer = pre_tokenizers.Sequence([])
    own.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=own, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )


def save(folder: Path, kind: str = "mono", **further: int) -> Path:
    """A folder as a download leaves it."""
    make(kind, **further).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder
