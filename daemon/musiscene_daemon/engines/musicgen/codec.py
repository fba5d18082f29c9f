"""EnCodec's decoder in pieces: sound while tokens still come, exactly that of one whole pass.

The first convolution sees three frames ahead, the LSTM's state is carried, and what follows is
computed with as many frames on both sides as its layers reach: one, in the published model.
Knows nothing of the language model.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn.utils import parametrize
from transformers import EncodecConfig, EncodecModel

from musiscene_core.errors import ModelError
from musiscene_core.neural.linear import supported
from musiscene_core.neural.tensors import check, shapes_in

if TYPE_CHECKING:
    from musiscene_daemon.engines.musicgen.codec_host import HostDecoder

_OLD_NAMES = (
    (".weight_g", ".parametrizations.weight.original0"),
    (".weight_v", ".parametrizations.weight.original1"),
)


_TOGETHER = 200
"""Frames of all rows between two looks at whether they are wanted."""
Alive = Callable[[], None]
"""Asked whether the work is still wanted; may raise to stop."""
State = tuple[Tensor, Tensor]
"""What an LSTM remembers, and its cells: each [layers, rows, width]."""


class Codec:
    """The decoder's weights, weight norm folded in."""

    def __init__(self, model: EncodecModel, *, exact: bool = True) -> None:
        """Take what decodes of `model`.

        Unless `exact`, some weights may be kept in float16, which shows at 1e-4 of the peak.
        """
        for module in model.decoder.modules():
            if parametrize.is_parametrized(module, "weight"):
                parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
        config = model.config
        layers = list(model.decoder.layers)
        self.quantizer = model.quantizer
        self.books = config.num_quantizers
        self.hop = 1
        for ratio in config.upsampling_ratios:
            self.hop *= int(ratio)
        kernel = (config.kernel_size - 1) // 2
        self.causal = bool(config.use_causal_conv)
        self.ahead = 0 if self.causal else kernel
        self.behind = config.kernel_size - 1 if self.causal else kernel
        self.margin = _reach(config)
        self._host = _on_host(layers, model, exact=exact)
        self._layers = layers if self._host is None else []

    @torch.inference_mode()
    def whole(self, codes: Tensor) -> Tensor:
        """Codes [rows, codebooks, frames] as samples [rows, frames * hop]."""
        heard, _ = self.remembered(self.entered(codes), None)
        return self.sounded(heard)

    def entered(self, codes: Tensor) -> Tensor:
        """Codes [rows, codebooks, frames] through the first convolution [rows, frames, width]."""
        x = self.quantizer.decode(codes.transpose(0, 1))
        if self._host is not None:
            return self._host.entered(x)
        return self._layers[0](x).transpose(1, 2)

    def remembered(
        self, x: Tensor, state: State | None, alive: Alive = lambda: None
    ) -> tuple[Tensor, State]:
        """X [rows, frames, width] through the LSTM, and what that remembers then."""
        if self._host is not None:
            first, *others = x.split(max(1, _TOGETHER // len(x)), 1)
            found, kept = self._host.recurrent(first, state)
            parts = [found]
            for part in others:
                alive()
                found, kept = self._host.recurrent(part, kept)
                parts.append(found)
            return torch.cat(parts, 1).add_(x), kept
        found, state = self._layers[1].lstm(x.transpose(0, 1), state)
        return found.transpose(0, 1) + x, state

    def sounded(self, x: Tensor, alive: Alive = lambda: None) -> Tensor:
        """What comes of it after the LSTM: samples [rows, frames * hop].

        On a processor `alive` is asked now and then.
        """
        if self._host is not None:
            # A row has enough frames for its products to be fast, and many take their time.
            return torch.cat([self._host.sounded(row, alive) for row in x.split(1)])
        x = x.transpose(1, 2)
        for layer in self._layers[2:]:
            x = layer(x)
        return x[:, 0]


class Stream:
    """Decodes codes as they come; what was heard once is never computed again.

    Its state is replaced and never changed, so that several streams may go on from one.
    """

    def __init__(self, codec: Codec, channels: int = 1) -> None:
        """Begin; with two `channels`, codebooks are left and right in turn."""
        self._codec, self._channels = codec, channels
        self._codes: Tensor | None = None
        self._state: State | None = None
        self._carried: Tensor | None = None
        self._given = self._heard = self._kept_from = self._done = 0

    def forked(self, takes: Sequence[int]) -> Stream:
        """A stream that goes on from here with these takes, some perhaps more than once."""
        other = copy.copy(self)
        if self._codes is not None:
            rows = [
                self._channels * take + side for take in takes for side in range(self._channels)
            ]
            chosen = torch.tensor(rows, device=self._codes.device)
            other._codes = self._codes[chosen]
            if self._carried is not None and self._state is not None:
                other._carried = self._carried[chosen]
                hidden, cell = self._state
                other._state = hidden[:, chosen], cell[:, chosen]
        return other

    @classmethod
    def together(cls, streams: Sequence[Stream]) -> Stream | None:
        """The takes of several as one, however far each is; None where one has hardly begun."""
        first = streams[0]
        other = copy.copy(first)
        if len({one._place for one in streams}) > 1:
            return None
        codes = [one._codes for one in streams if one._codes is not None]
        carried = [one._carried for one in streams if one._carried is not None]
        states = [one._state for one in streams if one._state is not None]
        if any(len(parts) not in (0, len(streams)) for parts in (codes, carried, states)):
            return None
        other._codes = torch.cat(codes) if codes else None
        other._carried = torch.cat(carried) if carried else None
        if states:
            hidden, cell = (torch.cat(parts, 1) for parts in zip(*states, strict=True))
            other._state = hidden, cell
        return other

    @property
    def _place(self) -> tuple[int, ...]:
        """What decides how a stream goes on: all but its beginning looks back equally far."""
        begun = self._done >= self._codec.margin and self._heard >= self._codec.behind
        since = self._given if begun else 0
        places = self._given, self._heard, self._done, self._kept_from
        return (begun, *(place - since for place in places))

    @torch.inference_mode()
    def push(self, codes: Tensor, *, final: bool = False, alive: Alive = lambda: None) -> Tensor:
        """What can be heard now.

        Args:
            codes: [takes, codebooks, frames], the next ones; there may be none.
            final: no more will come.
            alive: asked now and then; where it raises, this stream is of no use any more.

        Returns:
            The next samples [takes, channels, n]; n may be 0.
        """
        codec = self._codec
        new = _sides(codes, self._channels)
        known = new if self._codes is None else torch.cat([self._codes, new], -1)
        self._given += codes.shape[-1]
        until = self._given if final else max(self._heard, self._given - codec.ahead)
        if until > self._heard:
            self._listen(known, until, alive)
        keep = self._given - max(0, self._heard - codec.behind)
        self._codes = known[..., max(0, known.shape[-1] - keep) :]
        ready = until if final else max(self._done, until - codec.margin)
        found = self._sounded(ready, alive)
        takes = codes.shape[0]
        if found is None:
            return torch.zeros(takes, self._channels, 0, device=codes.device)
        return found.view(takes, self._channels, -1)

    def _sounded(self, ready: int, alive: Alive) -> Tensor | None:
        """Samples [rows, n] up to frame `ready`; None where there are no new ones."""
        codec = self._codec
        if ready <= self._done or self._carried is None:
            return None
        first = max(0, self._done - codec.margin)
        last = min(self._heard, ready + codec.margin)
        x = codec.sounded(self._carried[:, first - self._kept_from : last - self._kept_from], alive)
        begin = (self._done - first) * codec.hop
        found = x[:, begin : begin + (ready - self._done) * codec.hop]
        self._done = ready
        keep = max(0, ready - codec.margin)
        self._carried = self._carried[:, keep - self._kept_from :]
        self._kept_from = keep
        return found

    def _listen(self, codes: Tensor, until: int, alive: Alive) -> None:
        """Through the first convolution and the LSTM, up to frame `until`.

        `codes` [rows, codebooks, n] end with the last frame given.
        """
        codec = self._codec
        begin = self._given - codes.shape[-1]
        first = max(0, self._heard - codec.behind)
        x = codec.entered(codes[..., first - begin :])
        x = x[:, self._heard - first : until - first]
        new, self._state = codec.remembered(x, self._state, alive)
        carried = self._carried
        self._carried = new if carried is None else torch.cat([carried, new], 1)
        self._heard = until


def _sides(codes: Tensor, channels: int) -> Tensor:
    """Codes [takes, codebooks, frames] as [takes * channels, codebooks of one side, frames]."""
    takes, books, frames = codes.shape
    split = codes.view(takes, books // channels, channels, frames)
    return split.transpose(1, 2).reshape(takes * channels, books // channels, frames)


def load_codec(
    folder: Path,
    fields: dict[str, Any],
    tensors: dict[str, Tensor],
    device: str,
    *,
    exact: bool = True,
) -> Codec:
    """The decoder of the EnCodec in the model in `folder`; see Codec.

    Raises:
        ModelError: a tensor is missing or of another shape, or the config describes no EnCodec
            that MusicGen uses.
    """
    try:
        config = EncodecConfig(**fields)
        if config.audio_channels != 1 or config.chunk_length_s or config.num_residual_layers < 1:
            raise ValueError("MusicGen's EnCodec has one channel and no chunks")
        model = EncodecModel(config)
    # transformers checks a config with validators whose errors share no narrower type.
    except Exception as error:
        raise ModelError(f"{folder}/config.json describes no EnCodec: {error}.") from error
    renamed = {_new_name(name): tensor.to(torch.float32) for name, tensor in tensors.items()}
    needed = {
        name: shape
        for name, shape in shapes_in(model.state_dict()).items()
        if name.startswith("decoder.") or name.endswith("codebook.embed")
    }
    check(shapes_in(renamed), needed, folder)
    model.load_state_dict({name: renamed[name] for name in needed}, strict=False)
    model.requires_grad_(False)
    return Codec(model.eval().to(device), exact=exact)


def _on_host(layers: list[Any], model: EncodecModel, *, exact: bool) -> HostDecoder | None:
    """The same in compiled loops, where those can be used."""
    if model.device.type != "cpu" or not supported("float32-numba"):
        return None
    # Here, since numba may be missing.
    from musiscene_daemon.engines.musicgen.codec_host import HostDecoder, fits

    return HostDecoder(layers, model.config, exact=exact) if fits(model.config) else None


def _new_name(name: str) -> str:
    for old, new in _OLD_NAMES:
        if name.endswith(old):
            return name.removesuffix(old) + new
    return name


def _reach(config: EncodecConfig) -> int:
    """How many frames on either side a sample depends on, after the LSTM."""
    reach = config.last_kernel_size - 1
    if not config.use_causal_conv:
        reach //= 2
    for ratio in reversed(config.upsampling_ratios):
        for layer in range(config.num_residual_layers):
            dilation = config.dilation_growth_rate**layer
            reach += (config.residual_kernel_size - 1) * dilation
            if not config.use_causal_conv:
                reach -= (config.residual_kernel_size - 1) * dilation // 2
        # A transposed convolution's sample n lies over inputs n // ratio and the one before.
        left = 0 if config.use_causal_conv else ratio - ratio // 2
        back = 1 - (left - reach) // ratio
        ahead = (ratio - 1 + reach + left) // ratio
        reach = max(back, ahead)
    return int(reach)
