"""A tiny LLaMA that has read a few hundred texts, with a vocabulary of its own."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import sentencepiece
import torch
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM

from musiscene_core.captioning.mullama.tokens import SENTENCEPIECE_FILE, SentencePieceTokens
from musiscene_core.neural.tensors import WEIGHTS, write
from musiscene_core.progress import Progress
from musiscene_training.adapter.results import replacing

LENGTH = 512
"""Tokens that it reads at once."""
_WIDTH, _LAYERS, _HEADS, _VOCABULARY = 64, 3, 4, 2000
_BATCH, _STEPS, _RATE = 24, 400, 4e-3
_BOS, _EOS = 1, 2


def make_language(folder: Path, texts: Sequence[str], seed: int, progress: Progress) -> None:
    """Write a language model that has learned to continue `texts`.

    Raises:
        OutputError: no space or no permission.
    """
    pieces = _pieces(texts)

    def fill(work: Path) -> None:
        (work / SENTENCEPIECE_FILE).write_bytes(pieces)
        tokens = SentencePieceTokens(work / SENTENCEPIECE_FILE)
        model = _language(tokens.size, seed)
        _read(model, [[*tokens.encode(text), _EOS] for text in texts], seed, progress)
        model.config.save_pretrained(work)
        write(work / WEIGHTS, model.state_dict())

    replacing(folder, fill)


def _pieces(texts: Sequence[str]) -> bytes:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_writer=model,
        vocab_size=_VOCABULARY,
        model_type="bpe",
        byte_fallback=True,
        character_coverage=1.0,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return model.getvalue()


def _language(words: int, seed: int) -> LlamaForCausalLM:
    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=words,
            hidden_size=_WIDTH,
            intermediate_size=3 * _WIDTH,
            num_hidden_layers=_LAYERS,
            num_attention_heads=_HEADS,
            max_position_embeddings=LENGTH,
            bos_token_id=_BOS,
            eos_token_id=_EOS,
        )
    )


def _read(
    model: LlamaForCausalLM, texts: Sequence[Sequence[int]], seed: int, progress: Progress
) -> None:
    """Learn to continue texts, shuffled, padded to the longest of a batch."""
    chance = np.random.default_rng(seed)
    learning = torch.optim.AdamW(model.parameters(), lr=_RATE)
    falling = torch.optim.lr_scheduler.OneCycleLR(learning, _RATE, total_steps=_STEPS)
    model.train()
    for step in range(_STEPS):
        progress("Reading", step / _STEPS)
        some = [texts[place][:LENGTH] for place in chance.integers(len(texts), size=_BATCH)]
        longest = max(map(len, some))
        ids = torch.tensor([[*one, *[_EOS] * (longest - len(one))] for one in some])
        there = torch.tensor([[1] * len(one) + [0] * (longest - len(one)) for one in some])
        scores = model(input_ids=ids, attention_mask=there).logits[:, :-1]
        losses = functional.cross_entropy(
            scores.flatten(0, 1), ids[:, 1:].flatten(), reduction="none"
        )
        counted = there[:, 1:].flatten()
        loss = (losses * counted).sum() / counted.sum()
        learning.zero_grad()
        loss.backward()
        learning.step()
        falling.step()
    model.eval()
