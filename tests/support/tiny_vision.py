"""Vision models of the real architectures in miniature, with random weights, saved to folders.

Imports torch: tests skip before they import this.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

WORDS = [
    "a",
    "an",
    "the",
    "man",
    "woman",
    "house",
    "night",
    "car",
    "drives",
    "dog",
    "sees",
    "in",
    "on",
    "of",
    "and",
    "film",
    "still",
    "that",
    "feels",
    "scene",
    "movie",
    "frame",
    "with",
    "mood",
    "atmosphere",
    "this",
    "picture",
    "is",
    "amusing",
    "funny",
    "tense",
    "sad",
    "lonely",
    "joyful",
    "happy",
    "calm",
    "peaceful",
    "scary",
    "menacing",
    "dreamy",
    "heroic",
    "epic",
    "angry",
    "describe",
    "what",
    "seen",
    "one",
    "short",
    "sentence",
    "user",
    "assistant",
    "image",
    ":",
    ".",
    ",",
]
IMAGE, VIDEO, START, END = "<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>"
CHAT = (
    "{% for m in messages %}{{ m['role'] }} : {% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}" + START + IMAGE + END + "{% else %}{{ c['text'] }}{% endif %}"
    "{% endfor %} {% endfor %}{% if add_generation_prompt %}assistant : {% endif %}"
)


def _tokenizer(folder: Path, *special: str, kind: Any = None, **further: Any) -> Any:
    words = dict.fromkeys(("<pad>", "<s>", "</s>", "<unk>", *WORDS, *special))
    vocabulary = {word: place for place, word in enumerate(words)}
    plain = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))
    plain.pre_tokenizer = Whitespace()
    made = transformers.PreTrainedTokenizerFast(
        tokenizer_object=plain,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        additional_special_tokens=list(special),
        **further,
    )
    made.save_pretrained(folder)
    return made


def tiny_clip(folder: Path, seed: int = 0, width: int = 32, layers: int = 2) -> Path:
    tokenizer = _tokenizer(folder)
    torch.manual_seed(seed)
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "eos_token_id": 2,
        "bos_token_id": 1,
        "pad_token_id": 0,
    }
    seen = {
        "hidden_size": width,
        "intermediate_size": 2 * width,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
        "image_size": 64,
        "patch_size": 16,
    }
    config = transformers.CLIPConfig(text_config=text, vision_config=seen, projection_dim=16)
    transformers.CLIPModel(config).eval().save_pretrained(folder)
    looking = _images("CLIPImageProcessor", size={"shortest_edge": 64}, crop_size=64)
    transformers.CLIPProcessor(image_processor=looking, tokenizer=tokenizer).save_pretrained(folder)
    return folder


def tiny_blip(folder: Path, seed: int = 0) -> Path:
    tokenizer = _tokenizer(folder, "<image>")
    torch.manual_seed(seed)
    config = transformers.Blip2Config(
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "image_size": 64,
            "patch_size": 16,
        },
        qformer_config={
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "encoder_hidden_size": 32,
            "vocab_size": len(tokenizer),
        },
        text_config={
            "model_type": "opt",
            "vocab_size": len(tokenizer),
            "hidden_size": 32,
            "word_embed_proj_dim": 32,
            "ffn_dim": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "max_position_embeddings": 128,
            "pad_token_id": 0,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "init_std": 0.4,
        },
        num_query_tokens=4,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )
    transformers.Blip2ForConditionalGeneration(config).eval().save_pretrained(folder)
    looking = _images("BlipImageProcessor", size={"height": 64, "width": 64})
    transformers.Blip2Processor(
        image_processor=looking, tokenizer=tokenizer, num_query_tokens=4
    ).save_pretrained(folder)
    return folder


def tiny_qwen(folder: Path, seed: int = 0, width: int = 32, layers: int = 2) -> Path:
    tokenizer = _tokenizer(folder, IMAGE, VIDEO, START, END, chat_template=CHAT)
    torch.manual_seed(seed)
    config = transformers.Qwen3VLConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": width,
            "intermediate_size": 2 * width,
            "num_hidden_layers": layers,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 8,
            "rope_scaling": {
                "rope_type": "default",
                "mrope_section": [1, 1, 2],
                "mrope_interleaved": True,
            },
            "pad_token_id": 0,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "initializer_range": 0.4,
        },
        vision_config={
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_heads": 4,
            "patch_size": 16,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
            "out_hidden_size": width,
            "num_position_embeddings": 256,
            "deepstack_visual_indexes": [0, 1],
        },
        image_token_id=tokenizer.convert_tokens_to_ids(IMAGE),
        video_token_id=tokenizer.convert_tokens_to_ids(VIDEO),
        vision_start_token_id=tokenizer.convert_tokens_to_ids(START),
        vision_end_token_id=tokenizer.convert_tokens_to_ids(END),
    )
    transformers.Qwen3VLForConditionalGeneration(config).eval().save_pretrained(folder)
    size = {"shortest_edge": 32 * 32 * 4, "longest_edge": 32 * 32 * 16}
    _images("Qwen2VLImageProcessor", patch_size=16, merge_size=2, size=size).save_pretrained(folder)
    return folder


SMOL_CHAT = (
    "{% for m in messages %}{{ m['role'] }} : {% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}<image>{% else %}{{ c['text'] }}{% endif %}"
    "{% endfor %}<end_of_utterance> {% endfor %}"
    "{% if add_generation_prompt %}assistant : {% endif %}"
)


def tiny_smol(folder: Path, seed: int = 0) -> Path:
    """SmolVLM2 in miniature, its chat format in a file of its own as the published folders have."""
    special = ("<fake_token_around_image>", "<global-img>", "<image>", "<end_of_utterance>")
    tokenizer = _tokenizer(folder, *special)
    torch.manual_seed(seed)
    config = transformers.SmolVLMConfig(
        text_config={
            "model_type": "llama",
            "vocab_size": len(tokenizer),
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "pad_token_id": 0,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "initializer_range": 0.4,
        },
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "image_size": 64,
            "patch_size": 16,
        },
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        scale_factor=2,
        pad_token_id=0,
    )
    transformers.SmolVLMForConditionalGeneration(config).eval().save_pretrained(folder)
    sides = {"size": {"longest_edge": 256}, "max_image_size": {"longest_edge": 64}}
    _images("SmolVLMImageProcessor", **sides).save_pretrained(folder)
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": SMOL_CHAT}))
    return folder


def _images(name: str, **settings: Any) -> Any:
    """An image processor that works without torchvision."""
    return getattr(transformers, f"{name}Pil")(**settings)
