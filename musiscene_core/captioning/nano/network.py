"""The nano captioner's network in numpy: encoder, adapters and language model, one answer a time.

As musiscene_training.nano.model defines it, with the encoder's norms folded into its convolutions.
Weights are float32 once loaded. Knows nothing of files or words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from musiscene_core.captioning.nano.features import Views

Floats = npt.NDArray[np.float32]
Weights = Mapping[str, Floats]

_EPS = np.float32(1e-5)


def embedding(weights: Weights, strides: Sequence[int], views: Views) -> Floats:
    """What the encoder makes of one window, [width].

    Args:
        weights: the encoder's, "convolution.0.weight" [out, in, kernel] and so on.
        strides: of its convolutions.
        views: of the window.
    """
    x = views.colour
    for number, stride in enumerate(strides):
        kernel = weights[f"convolution.{number}.weight"]
        x = _relu(_convolved(x, kernel, stride) + weights[f"convolution.{number}.bias"])
    deviation = np.sqrt(x.var(axis=0) + _EPS)
    beats = np.concatenate([views.pulse.ravel(), views.onsets.ravel()])
    pulse = _relu(_linear(weights, "pulse_out", _relu(_linear(weights, "pulse_in", beats))))
    turned = _turned(weights, views.pitch)
    likely = _softmax(_linear(weights, "key", turned).ravel()).reshape(12, 2)
    around_tonic = (turned * likely.sum(axis=1, keepdims=True)).sum(axis=0)
    pleasant = (likely[:, 0] - likely[:, 1]).sum(keepdims=True)
    joined = np.concatenate(
        [x.mean(axis=0), deviation, pulse, turned.max(axis=0), around_tonic, pleasant]
    )
    return _relu(_linear(weights, "join", joined))


def _turned(weights: Weights, pitch: Floats) -> Floats:
    """What the pitches [T, rows, 12] are like from each of the twelve, [12, pitch width]."""
    halves = pitch.reshape(-1, 2, *pitch.shape[1:]).mean(axis=1) * np.float32(12)
    turns = np.stack(
        [np.roll(halves, -turn, axis=2).reshape(len(halves), -1) for turn in range(12)]
    )
    whole = turns.mean(axis=1)
    here, after = turns[:, :-1], turns[:, 1:]
    seen = np.concatenate([here, after, np.broadcast_to(whole[:, None], here.shape)], axis=2)
    moments = _relu(_linear(weights, "pitch_in", seen)).mean(axis=1)
    return _relu(_linear(weights, "pitch_out", np.concatenate([moments, whole], axis=1)))


def told(weights: Weights, head: str, embedded: Floats) -> Floats:
    """What one of the encoder's heads makes of an embedding: [count]."""
    return _linear(weights, f"head.{head}", embedded)


def chances(weights: Weights, head: str, embedded: Floats) -> Floats:
    """How likely each class of one of the encoder's heads is, [count]; for one that tells one."""
    found: Floats = _softmax(told(weights, head, embedded))
    return found


def strangeness(weights: Weights, embedded: Floats) -> float:
    """How far an embedding is from the nearest of those the encoder learned from: 1 - cosine."""
    length = max(float(np.linalg.norm(embedded)), 1e-12)
    return 1.0 - float((weights["known"] @ embedded).max()) / length


def audio_tokens(adapter: Weights, embedded: Floats) -> Floats:
    """The tokens each heard layer attends to, [heard layers, tokens, width]."""
    length = max(float(np.linalg.norm(embedded)), 1e-12)
    x = _linear(adapter, "project", embedded * np.float32(len(embedded) ** 0.5 / length))
    x = x.reshape(adapter["query"].shape[1:])
    number = 0
    while f"bridge.{number}.norm" in adapter:
        x = _bridge(adapter, f"bridge.{number}", x)
        number += 1
    return np.asarray(x + adapter["query"], dtype=np.float32)


class Speaker:
    """The language model while it answers one question about one piece of music."""

    def __init__(self, language: Weights, adapter: Weights, embedded: Floats, heads: int) -> None:
        """Hear `embedded` through `adapter`.

        Args:
            language: its weights.
            adapter: of the kind of question.
            embedded: the encoder's, [audio width].
            heads: of attention.
        """
        self._language = language
        self._heads = heads
        self._layers = sum(name.endswith("attention_norm") for name in language)
        tokens, gates = audio_tokens(adapter, embedded), np.tanh(adapter["gates"])
        width = tokens.shape[2]
        self._heard: dict[int, tuple[Floats, Floats]] = {}
        for place, heard in enumerate(tokens):
            number = self._layers - len(tokens) + place
            _, to_keys, to_values = np.split(language[f"layer.{number}.attention_in"], 3)
            music_keys, music_values = (
                (heard @ part.T).reshape(len(heard), heads, -1).transpose(1, 0, 2)
                for part in (to_keys, to_values)
            )
            self._heard[number] = music_keys, music_values * gates[place][:, None, None]
        self._keys: list[Floats] = [np.zeros((heads, 0, width // heads), np.float32)] * self._layers
        self._values = list(self._keys)
        self.room = len(language["places"])

    def logits(self, token: int) -> Floats:
        """Read the next token; how likely each word is to follow, [words].

        Raises:
            IndexError: the text is as long as the model can hold.
        """
        language = self._language
        place = self._keys[0].shape[1]
        x = language["words"][token] + language["places"][place]
        for number in range(self._layers):
            name = f"layer.{number}"
            normed = _normed(x, language[f"{name}.attention_norm"])
            mixed = language[f"{name}.attention_in"] @ normed
            queries, keys, values = mixed.reshape(3, self._heads, -1)
            self._keys[number] = np.concatenate([self._keys[number], keys[:, None]], axis=1)
            self._values[number] = np.concatenate([self._values[number], values[:, None]], axis=1)
            found = _attended(queries, self._keys[number], self._values[number])
            if number in self._heard:
                found = found + _attended(queries, *self._heard[number])
            x = x + language[f"{name}.attention_out"] @ found
            x = _bridge(language, f"{name}.feed", x)
        result: Floats = language["words"] @ _normed(x, language["norm"])
        return result


def spoken(
    speaker: Speaker,
    asked: Sequence[int],
    end: int,
    most: int,
    choose: Callable[[Floats], int],
) -> Iterator[int]:
    """The tokens of an answer, one by one, without the one that ends it.

    Args:
        speaker: has heard the music and read nothing yet.
        asked: the question's tokens.
        end: the token that ends an answer.
        most: tokens of an answer.
        choose: picks a token by its logits.
    """
    logits = np.zeros(0, np.float32)
    for token in asked:
        logits = speaker.logits(token)
    for _ in range(min(most, speaker.room - len(asked))):
        token = choose(logits)
        if token == end:
            return
        yield token
        logits = speaker.logits(token)


def chooser(temperature: float, top_p: float, seed: Sequence[int]) -> Callable[[Floats], int]:
    """Draws tokens; temperature 0 takes the likeliest."""
    random = np.random.default_rng(seed)

    def choose(logits: Floats) -> int:
        if temperature == 0:
            return int(np.argmax(logits))
        chances = _softmax(logits.astype(np.float64) / temperature)
        order = np.argsort(-chances, kind="stable")
        kept = order[: int(np.searchsorted(np.cumsum(chances[order]), top_p)) + 1]
        share = chances[kept] / chances[kept].sum()
        return int(
            kept[min(int(np.searchsorted(np.cumsum(share), random.random())), len(kept) - 1)]
        )

    return choose


def _linear(weights: Weights, name: str, x: Floats) -> Floats:
    result: Floats = x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
    return result


def _convolved(x: Floats, kernel: Floats, stride: int) -> Floats:
    """X [T, in] with kernel [out, in, k], padded by k // 2: [T', out]."""
    reach = kernel.shape[2]
    padded = np.pad(x, ((reach // 2, reach // 2), (0, 0)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, reach, axis=0)[::stride]
    flat = frames.reshape(len(frames), -1)
    result: Floats = flat @ kernel.reshape(len(kernel), -1).T
    return result


def _attended(queries: Floats, keys: Floats, values: Floats) -> Floats:
    """What queries [heads, d] find among keys and values [heads, T, d]: [heads * d]."""
    agreement = np.einsum("hd,htd->ht", queries, keys)
    shares = _softmax(agreement / np.float32(queries.shape[1] ** 0.5))
    found: Floats = np.einsum("ht,htd->hd", shares, values).ravel()
    return found


def _bridge(weights: Weights, name: str, x: Floats) -> Floats:
    normed = _normed(x, weights[f"{name}.norm"])
    gate = normed @ weights[f"{name}.gate"].T
    up = normed @ weights[f"{name}.up"].T
    opened = gate / (1 + np.exp(-gate))
    result: Floats = x + (opened * up) @ weights[f"{name}.out"].T
    return result


def _normed(x: Floats, weight: Floats) -> Floats:
    result: Floats = x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + _EPS) * weight
    return result


def _relu(x: Floats) -> Floats:
    return np.maximum(x, np.float32(0))


def _softmax(x: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    raised = np.exp(x - x.max(axis=-1, keepdims=True))
    result: npt.NDArray[np.floating] = raised / raised.sum(axis=-1, keepdims=True)
    return result
