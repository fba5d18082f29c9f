"""How the music enters the language model: a prefix heard by the top layers' attention.

In each of the top layers the audio token plus a learned query makes prefix tokens; their values,
through the base model's own value projection without any LoRA, are added to what the attention
found, behind a gate a head that begins at zero (LLaMA-Adapter, Zhang et al. 2023; MU-LLaMA, Liu et
al. 2023). Added in a hook before the output projection, so any Llama-shaped model serves as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from musiscene_core.captioning.mullama.config import CaptionerConfig


@dataclass(frozen=True)
class Music:
    """What one layer's attention adds while audio is heard.

    Attributes:
        constant: [B, 1, H * d], where there is one prefix token a layer; else None.
        keys: [B, H, Q, d] of several prefix tokens, attended to by themselves; else None.
        values: [B, H, Q, d] of them, gated.
    """

    constant: Tensor | None = None
    keys: Tensor | None = None
    values: Tensor | None = None

    def of(self, rows: slice) -> Music:
        """What some of the rows hear."""
        return self._each(lambda part: part[rows])

    def to(self, dtype: torch.dtype) -> Music:
        """The same in another precision."""
        return self._each(lambda part: part.detach().to(dtype))

    def _each(self, change: Callable[[Tensor], Tensor]) -> Music:
        parts = (self.constant, self.keys, self.values)
        return Music(*(None if part is None else change(part) for part in parts))


@dataclass
class _Heard:
    """What one layer's attention adds while audio is heard.

    Attributes:
        constant: [B, 1, H * d], where there is one prefix token a layer; else None.
        rows: [T], which row of what is heard each place of the one text hears; None where row b
            of the texts hears row b.
        keys: [B, H, Q, d] and
        values: [B, H, Q, d] of several prefix tokens; gated when they are attended to.
        rotary: cosines and sines [B, T, d] of the forward pass at work.
        queries: [B, T, H * d] of the forward pass at work, before rotation.
    """

    constant: Tensor | None = None
    rows: Tensor | None = None
    keys: Tensor | None = None
    values: Tensor | None = None
    rotary: tuple[Tensor, Tensor] | None = None
    queries: Tensor | None = None


class Prefix(nn.Module):
    """The learned queries and gates, and the hooks that let a language model hear audio.

    One conversation at a time: what is heard is state of this object, inside `hearing` alone.
    """

    def __init__(self, config: CaptionerConfig, heads: int) -> None:
        """Queries of small random values; gates at zero, so that nothing is heard yet.

        Args:
            config: the captioner's shape.
            heads: attention heads of the language model.
        """
        super().__init__()
        shape = (config.prefix_layers, config.query_len, config.width)
        self.query = nn.Parameter(torch.randn(shape) * config.width**-0.5)
        self.gates = nn.Parameter(torch.zeros(config.prefix_layers, heads))
        self._attentions: list[Any] = []
        self._hooks: list[RemovableHandle] = []
        self._heard: list[_Heard] | None = None

    def attach(self, layers: nn.ModuleList) -> None:
        """Listen in the top layers of a language model, and in no other.

        To be called again when LoRA has been put around its projections since: the hook must see
        the whole projection's input, LoRA's share included.

        Args:
            layers: the decoder layers, in order.
        """
        for hook in self._hooks:
            hook.remove()
        count = self.query.shape[0]
        self._attentions = [layer.self_attn for layer in layers[-count:]]
        self._hooks = []
        for index, attention in enumerate(self._attentions):
            self._hooks.append(attention.o_proj.register_forward_pre_hook(self._adding(index)))
            if self.query.shape[1] > 1:
                self._hooks += self._watching(index, attention)

    @property
    def attentions(self) -> tuple[Any, ...]:
        """The attentions that listen, whose value projections are the music's way in."""
        return tuple(self._attentions)

    @contextmanager
    def hearing(self, audio: Tensor, rows: Tensor | None = None) -> Iterator[None]:
        """Within it, row b of whatever the language model reads hears row b of `audio`.

        What each layer adds is worked out on entering, once for all tokens; a training step enters
        anew, or its gradients would not reach the queries.

        Args:
            audio: audio tokens [B, 1, D].
            rows: [T], where several texts are packed into one row [1, T]: the row of `audio` that
                each place hears.
        """
        if self._heard is not None:
            raise RuntimeError("this captioner is already listening; wait until it is done")
        self._heard = [
            replace(self._what_is_heard(index, audio), rows=rows)
            for index in range(len(self._attentions))
        ]
        try:
            yield
        finally:
            self._heard = None

    def music(self) -> list[Music]:
        """What each of the top layers adds to what its attention found, while heard."""
        if self._heard is None:
            raise RuntimeError("nothing is heard")
        return [
            Music(heard.constant)
            if heard.values is None
            else Music(keys=heard.keys, values=self._gate(index) * heard.values)
            for index, heard in enumerate(self._heard)
        ]

    def _gate(self, index: int) -> Tensor:
        return torch.tanh(self.gates[index])[:, None, None]

    def _what_is_heard(self, index: int, audio: Tensor) -> _Heard:
        attention = self._attentions[index]
        tokens = audio + self.query[index]
        values = self._heads(attention, tokens, "v_proj")
        if self.query.shape[1] == 1:
            return _Heard(constant=_together(self._gate(index) * values))
        keys = self._heads(attention, tokens, "k_proj")
        return _Heard(keys=getattr(attention, "k_norm", nn.Identity())(keys), values=values)

    def _heads(self, attention: Any, tokens: Tensor, name: str) -> Tensor:
        """Prefix tokens [B, Q, D] through a base projection, [B, H, Q, d], one share a query head.

        In the gates' precision, whatever the language model's.
        """
        linear = _base(getattr(attention, name))
        # Past its hooks: house packs, which are put around it by one, are LoRA too. Row by row: the
        # last bit of one may depend on how many there are; in training that is no matter.
        given = tokens.to(_precision(linear))
        parts = (given,) if torch.is_grad_enabled() else given.split(1)
        rows = [linear.forward(part) for part in parts]
        through = torch.cat(rows).to(self.gates.dtype)
        split = through.unflatten(-1, (-1, attention.head_dim)).transpose(1, 2)
        return split.repeat_interleave(self.gates.shape[1] // split.shape[1], dim=1)

    def _adding(self, index: int) -> Any:
        def add(_: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
            if self._heard is None:
                return None
            heard = self._heard[index]
            if heard.constant is None:
                more = self._attended(index, heard).to(inputs[0].dtype)
            else:
                more = heard.constant.to(inputs[0].dtype)
                if heard.rows is not None:
                    more = more[:, 0].index_select(0, heard.rows)
            return (inputs[0] + more, *inputs[1:])

        return add

    def _watching(self, index: int, attention: Any) -> list[RemovableHandle]:
        """Hooks that note the queries and rotations of a forward pass, for `_attended`."""

        def rotations(_: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
            if self._heard is not None:
                given = named.get("position_embeddings")
                self._heard[index].rotary = given if given is not None else inputs[1]

        def queries(_: nn.Module, __: tuple[Any, ...], output: Tensor) -> None:
            if self._heard is not None:
                self._heard[index].queries = output

        return [
            attention.register_forward_pre_hook(rotations, with_kwargs=True),
            attention.q_proj.register_forward_hook(queries),
        ]

    def _attended(self, index: int, heard: _Heard) -> Tensor:
        """Gated attention [B, T, H * d] of the layer's own queries to its prefix tokens.

        The queries turn with their position as in the layer itself, the prefix has none.
        """
        attention = self._attentions[index]
        if (
            heard.queries is None
            or heard.rotary is None
            or heard.keys is None
            or heard.values is None
        ):
            raise RuntimeError("the attention was not entered through its own forward")
        split = heard.queries.unflatten(-1, (-1, attention.head_dim))
        turned = _rotated(getattr(attention, "q_norm", nn.Identity())(split), *heard.rotary)
        asked = turned.transpose(1, 2).to(heard.keys.dtype)
        keys, values = heard.keys, heard.values
        if heard.rows is not None:
            # Every place of the one row as a row of one place, with the prefix that it hears.
            asked = asked[0].transpose(0, 1).unsqueeze(2)
            keys, values = keys[heard.rows], values[heard.rows]
        scores = asked @ keys.transpose(-1, -2) / math.sqrt(attention.head_dim)
        found = _together(self._gate(index) * scores.softmax(dim=-1) @ values)
        return found if heard.rows is None else found.transpose(0, 1)


def _together(heads: Tensor) -> Tensor:
    """[B, H, T, d] to [B, T, H * d]."""
    return heads.transpose(1, 2).flatten(-2)


def _rotated(queries: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """[B, T, H, d] turned by position, the halves of a head being the pairs (transformers)."""
    first, second = queries.chunk(2, dim=-1)
    crossed = torch.cat((-second, first), dim=-1)
    return queries * cosines.unsqueeze(2) + crossed * sines.unsqueeze(2)


def _base(linear: Any) -> Any:
    """The linear under any LoRA."""
    if getattr(linear, "merged", False):
        raise RuntimeError("LoRA was merged into the projection that the music enters through")
    return getattr(linear, "base_layer", linear)


def _precision(linear: Any) -> torch.dtype:
    """What a linear computes in; quantised weights take any input of the model's own kind."""
    kind: torch.dtype = linear.weight.dtype
    return kind if kind.is_floating_point else torch.get_default_dtype()
