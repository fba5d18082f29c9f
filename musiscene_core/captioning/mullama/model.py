"""The captioner: encode music once, then ask it anything.

Faithful to MU-LLaMA (Liu et al. 2023): encoder, adapter, and a prefix in the top layers of a
language model. Knows nothing of files of weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from musiscene_core.captioning.generation import Generation
from musiscene_core.captioning.mullama.adapter import Adapter
from musiscene_core.captioning.mullama.backbone import decoder_layers
from musiscene_core.captioning.mullama.config import CaptionerConfig
from musiscene_core.captioning.mullama.decoder import Decoder
from musiscene_core.captioning.mullama.decoding import PlainSteps, Steps, draw, positions_in
from musiscene_core.captioning.mullama.encoder import Encoder, OnStep, unwatched
from musiscene_core.captioning.mullama.house import House
from musiscene_core.captioning.mullama.packed import PackedModel, identity, packable
from musiscene_core.captioning.mullama.prefix import Prefix
from musiscene_core.captioning.mullama.releasing import release_head, release_linears, unmap
from musiscene_core.captioning.mullama.tokens import Tokens
from musiscene_core.captioning.prompts import PromptProfile, prompt
from musiscene_core.errors import ModelError, RequestError
from musiscene_core.neural.linear import Precision
from musiscene_core.progress import Progress, silent

OnText = Callable[[int, str], None]
"""Hears an answer as it is written: which question, the next piece of text, which may be empty."""


def _unheard(question: int, piece: str) -> None:
    """Let an answer be written unwatched."""


class MuLlama(nn.Module):
    """Music in, words out. One thread at a time."""

    def __init__(
        self,
        config: CaptionerConfig,
        encoder: Encoder,
        backbone: Any,
        tokens: Tokens,
        profile: PromptProfile = "mullama",
        precision: Precision | None = None,
    ) -> None:
        """Put the parts together, around an adapter and a prefix that are still random.

        Args:
            config: the shape of adapter and prefix.
            encoder: the audio encoder.
            backbone: the language model, LoRA already around it.
            tokens: its vocabulary.
            profile: the words it was trained to be asked in.
            precision: what a weight of the language model may take while answers are drawn; as in
                `backbone` if None.

        Raises:
            ModelError: the parts do not fit each other.
        """
        super().__init__()
        _check_fit(config, encoder, backbone, tokens)
        self.config = config
        self.encoder = encoder
        self.backbone = backbone
        self.adapter = Adapter(config)
        self.prefix = Prefix(config, backbone.config.num_attention_heads)
        self.prefix.attach(decoder_layers(backbone))
        self.house = House(backbone)
        self.tokens = tokens
        self.profile = profile
        self.precision = precision
        self._packed: tuple[tuple[object, ...], PackedModel] | None = None
        self._settled = False

    def settle(self, progress: Progress = silent) -> bool:
        """Keep the language model's weights in packed form alone, which halves what it takes.

        From then on it answers and does nothing else.

        Args:
            progress: told of each layer; what it raises passes through, and the model is no more
                to be used.

        Returns:
            Whether it did: not so where our decoder cannot serve.
        """
        longest = self.backbone.config.max_position_embeddings
        if not packable(self.backbone, longest):
            unmap(self.backbone)
            return False
        precision = self.precision or _precision_of(self.backbone)
        listening = set(self.prefix.attentions)
        entrances = ("v_proj",) if self.config.query_len == 1 else ("v_proj", "k_proj")
        layers = decoder_layers(self.backbone)
        done = 0

        def release(layer: Any) -> None:
            nonlocal done
            release_linears(layer, keep=entrances if layer.self_attn in listening else ())
            done += 1
            progress("Packing the language model", done / len(layers))

        packed = PackedModel(self.backbone, precision, after_layer=release)
        release_head(packed.whole)
        unmap(self.backbone)
        self._packed = ((precision, *identity(self.backbone)), packed)
        self._settled = True
        return True

    def leave(self) -> None:
        """Free the memory of its device, whoever still refers to it; it is no more to be used."""
        self._packed = None
        self.to("meta")

    def encode(
        self, chunks: Iterable[npt.NDArray[np.float32]], on_step: OnStep = unwatched
    ) -> Tensor:
        """Features [S, W] of a piece of music, to be kept while it is asked about.

        Args:
            chunks: as musiscene_core.captioning.mullama.listening gives them.
            on_step: hears, several times a chunk, how far the chunk is.
        """
        return self.encoder.encode(chunks, on_step)

    def audio_tokens(self, features: Tensor) -> Tensor:
        """Features [B, S, W] to what the language model hears, [B, 1, D]."""
        heard: Tensor = self.adapter(features.to(self.prefix.query.device))
        return heard

    def forward(self, input_ids: Tensor, attention_mask: Tensor, features: Tensor) -> Tensor:
        """Scores of the next token at each place.

        Args:
            input_ids: [B, T].
            attention_mask: [B, T], 0 where a row is padded.
            features: [B, S, W].

        Returns:
            [B, T, V].
        """
        if self._settled:
            raise RuntimeError("this captioner was settled: it can only answer")
        with self.prefix.hearing(self.audio_tokens(features)):
            scores: Tensor = self.backbone(
                input_ids=input_ids,
                attention_mask=attention_mask,
                position_ids=positions_in(attention_mask),
                use_cache=False,
            ).logits
        return scores

    def answer(
        self,
        features: Tensor,
        questions: Sequence[str],
        settings: Generation,
        on_text: OnText = _unheard,
    ) -> list[str]:
        """Answer questions, each about its own piece of music.

        Args:
            features: [B, S, W], row b for question b; one row [1, S, W] serves all questions.
            questions: plain words.
            settings: how to draw the answers.
            on_text: hears them as they grow; what it raises ends the work.

        Raises:
            RequestError: a question is empty, or too long for the language model.
            EngineError: the weights give no sensible scores.
        """
        prompts = self.check(questions, settings)
        if not prompts:
            return []
        with torch.inference_mode():
            # One by one: the last bit of a product may depend on how many rows it has.
            audio = torch.cat([self.audio_tokens(row[None]) for row in features])
            audio = audio.expand(len(prompts), -1, -1)
            writing = _Writing(self.tokens, len(prompts), on_text)
            drawn: list[list[int]] = []
            for rows in self._in_one(prompts, settings):
                some = [prompts[row] for row in rows]

                def add(row: int, token: int, first: int = rows.start) -> None:
                    writing.add(first + row, token)

                with self.prefix.hearing(audio[rows.start : rows.stop]):
                    steps = self._steps(some, settings)
                    drawn += draw(steps, some, settings, self._ends(), add)
        writing.finish()
        return [self.tokens.decode(answer).strip() for answer in drawn]

    def check(self, questions: Sequence[str], settings: Generation) -> list[list[int]]:
        """The prompts of questions, in tokens; so that a bad one is refused before music is heard.

        Raises:
            RequestError: a question is empty, or too long for the language model.
        """
        return [self._prompt_tokens(question, settings) for question in questions]

    def _in_one(self, prompts: Sequence[Sequence[int]], settings: Generation) -> Sequence[range]:
        """Which rows are drawn together.

        In transformers' own forward none: there, in halves, the words of one came to depend on how
        the others were padded.
        """
        if self._decodes(prompts, settings):
            return [range(len(prompts))]
        return [range(row, row + 1) for row in range(len(prompts))]

    def _decodes(self, prompts: Sequence[Sequence[int]], settings: Generation) -> bool:
        """Whether our decoder can do these."""
        longest = max(map(len, prompts)) + settings.max_tokens
        return packable(self.backbone, longest)

    def _steps(self, prompts: Sequence[Sequence[int]], settings: Generation) -> Steps:
        """Our decoder; what it cannot do, transformers does."""
        if not self._decodes(prompts, settings):
            return PlainSteps(self.backbone, pad=min(self._ends(), default=0))
        packed, music = self._pack(), self.prefix.music()
        return Decoder(packed, self.backbone, music, self.house.shares, len(prompts))

    def _pack(self) -> PackedModel:
        """The language model's weights packed, again where they have changed since."""
        precision = self.precision or _precision_of(self.backbone)
        known = (precision, *identity(self.backbone))
        if self._packed is None or self._packed[0] != known:
            self._packed = None
            self._packed = (known, PackedModel(self.backbone, precision))
        return self._packed[1]

    def _prompt_tokens(self, question: str, settings: Generation) -> list[int]:
        tokens = self.tokens.encode(prompt(question, self.profile))
        most = self.backbone.config.max_position_embeddings - settings.max_tokens
        if len(tokens) > most:
            raise RequestError(
                f"The question is {len(tokens) - most} tokens too long: with "
                f"{settings.max_tokens} for the answer, the prompt may have {max(0, most)}.",
                hint="Ask in fewer words, or for a shorter answer.",
            )
        return tokens

    def _ends(self) -> set[int]:
        named = self.backbone.config.eos_token_id
        return set(named) if isinstance(named, list) else {named} if named is not None else set()


class _Writing:
    """Answers as text while their tokens come in."""

    def __init__(self, tokens: Tokens, count: int, on_text: OnText) -> None:
        self._tokens = tokens
        self._on_text = on_text
        self._drawn: list[list[int]] = [[] for _ in range(count)]
        self._told = [""] * count

    def add(self, row: int, token: int) -> None:
        self._drawn[row].append(token)
        text = self._tokens.decode(self._drawn[row])
        # A character may take several tokens; half of one decodes to this. Whoever listens hears of
        # that too, since it is here that they can stop the work.
        whole = not text.endswith("\N{REPLACEMENT CHARACTER}")
        self._tell(row, text if whole else self._told[row])

    def finish(self) -> None:
        for row, drawn in enumerate(self._drawn):
            self._tell(row, self._tokens.decode(drawn))

    def _tell(self, row: int, text: str) -> None:
        self._on_text(row, text[len(self._told[row]) :])
        self._told[row] = max(self._told[row], text, key=len)


def _precision_of(backbone: Any) -> Precision:
    wide = backbone.get_output_embeddings().weight.dtype == torch.float32
    return "float32" if wide else "half"


def _check_fit(config: CaptionerConfig, encoder: Encoder, backbone: Any, tokens: Tokens) -> None:
    hubert, language = encoder.hubert.config, backbone.config
    pairs = (
        ("The encoder's width", hubert.hidden_size, config.encoder_width),
        ("The encoder's number of states", hubert.num_hidden_layers + 1, config.encoder_states),
        ("The language model's width", language.hidden_size, config.width),
    )
    for what, given, wanted in pairs:
        if given != wanted:
            raise ModelError(
                f"{what} is {given}, not {wanted} as the adapter needs.",
                hint="Name the model that the adapter was trained with.",
            )
    if config.prefix_layers > language.num_hidden_layers:
        raise ModelError(
            f"The adapter speaks to {config.prefix_layers} layers; the language model has "
            f"{language.num_hidden_layers}.",
            hint="Name the model that the adapter was trained with.",
        )
    if tokens.size > language.vocab_size:
        raise ModelError(
            f"The tokenizer has {tokens.size} tokens, the language model {language.vocab_size}.",
            hint="Put the tokenizer beside it that belongs to it.",
        )
