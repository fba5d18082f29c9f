"""A language model in a local folder, run by transformers in this process.

Any model that transformers knows by itself and that is saved as safetensors; nothing in its folder
is run, and nothing is downloaded.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from musiscene_core.captioning.language.model import Answer, OnPiece, Sampling, unwatched
from musiscene_core.captioning.language.settings import FOLDER_VARIABLE
from musiscene_core.errors import EngineError, InputError, RequestError
from musiscene_core.progress import Progress, silent
from musiscene_daemon.engines.cuda_devices import cuda_devices
from musiscene_daemon.residency.devices import Device
from musiscene_daemon.residency.models import ModelSpec
from musiscene_daemon.residency.residents import Residents

_WRITING = "Writing"
_LARGE = 2 << 30
"""Bytes of weights from which the processor, too, works in bfloat16, which takes half."""
_ROOM = 1.2
"""For the work of one answer, beside the weights."""


class _Loaded(NamedTuple):
    """A model and its vocabulary, and where they are."""

    model: Any
    tokenizer: Any
    device: str


class LocalLanguageModel:
    """One folder. Loaded when first asked, and kept as long as idle models are."""

    def __init__(self, folder: str | Path, residents: Residents) -> None:
        """Prepare to ask the model in `folder`; nothing is loaded yet.

        Raises:
            EngineError: there is no model, or nothing to run it with.
        """
        self._folder = Path(folder).expanduser()
        self._residents = residents
        weights = list(self._folder.glob("*.safetensors"))
        if not weights or not (self._folder / "config.json").is_file():
            raise EngineError(
                f"{self._folder} holds no language model.",
                hint=f"{FOLDER_VARIABLE} names a folder with config.json, a tokenizer and "
                "*.safetensors.",
            )
        for needed in ("torch", "transformers"):
            if importlib.util.find_spec(needed) is None:
                raise EngineError(
                    f"A language model in a folder needs {needed}.",
                    hint="Run musiscene setup gpu (or pip install 'musiscene[models]'), then "
                    "restart the daemon.",
                )
        self._bytes = sum(path.stat().st_size for path in weights)
        residents.add_devices(cuda_devices)

    @property
    def name(self) -> str:
        """The folder's name."""
        return self._folder.name

    def ask(
        self,
        prompt: str,
        sampling: Sampling,
        *,
        on_piece: OnPiece = unwatched,
        progress: Progress = silent,
    ) -> Answer:
        """Answer a prompt; see LanguageModel.

        Raises:
            EngineError: the model cannot be loaded, or has no place in memory.
            RequestError: the prompt is too long for it.
        """
        whole = 2 if self._bytes < _LARGE else 1
        spec: ModelSpec[_Loaded] = ModelSpec(
            name=f"language:{self._folder}",
            bytes=int(self._bytes * whole * _ROOM),
            load=self._load,
            unload=lambda loaded: loaded.model.to("meta"),
            place="gpu_or_cpu",
        )
        with self._residents.use(spec, progress) as loaded:
            text = _answer(loaded, prompt, sampling, on_piece, progress)
        return Answer(text=text, model=self.name)

    def _load(self, device: Device, progress: Progress) -> _Loaded:
        import torch
        from transformers import AutoTokenizer

        from musiscene_core.captioning.mullama.backbone import load_backbone

        progress("Loading the language model", 0.0)
        small = device.kind == "cpu" and self._bytes < _LARGE
        try:
            model = load_backbone(self._folder, torch.float32 if small else torch.bfloat16)
            tokenizer = AutoTokenizer.from_pretrained(
                self._folder, local_files_only=True, trust_remote_code=False
            )
        except (OSError, ValueError, KeyError, InputError) as error:
            raise EngineError(
                f"The language model in {self._folder} cannot be loaded: {error}",
                hint="Copy it again, or choose another.",
            ) from error
        progress("Loading the language model", 1.0)
        return _Loaded(model.to(device.name), tokenizer, device.name)


def _answer(
    loaded: _Loaded, prompt: str, sampling: Sampling, on_piece: OnPiece, progress: Progress
) -> str:
    import torch

    model, tokenizer, device = loaded
    if tokenizer.chat_template:
        asked = tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}], add_generation_prompt=True, tokenize=False
        )
        ids = tokenizer(asked, add_special_tokens=False, return_tensors="pt").input_ids
    else:
        ids = tokenizer(prompt, return_tensors="pt").input_ids
    most = model.config.max_position_embeddings - sampling.max_tokens
    if not 0 < ids.shape[1] <= most:
        raise RequestError(
            f"The prompt has {ids.shape[1]} tokens; the language model takes {max(0, most)} "
            f"with {sampling.max_tokens} for the answer.",
            hint="Shorten the captions it is made of.",
        )
    growing = _Growing(lambda tokens: tokenizer.decode(tokens, skip_special_tokens=True))
    drawing: dict[str, Any] = {"do_sample": False}
    if sampling.temperature > 0:
        drawing = {
            "do_sample": True,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k,
        }

    def heed(number: int) -> None:
        progress(_WRITING, number / sampling.max_tokens)

    growing.hear(on_piece, heed)
    devices = [device] if device.startswith("cuda") else []
    with torch.random.fork_rng(devices=devices), torch.inference_mode():
        torch.manual_seed(sampling.seed % (1 << 63))
        model.generate(
            ids.to(device),
            attention_mask=torch.ones_like(ids).to(device),
            max_new_tokens=sampling.max_tokens,
            pad_token_id=tokenizer.pad_token_id or tokenizer.eos_token_id or 0,
            streamer=growing,
            **drawing,
        )
    return growing.text


class _Growing:
    """What transformers tells of an answer, token by token: a streamer, as it calls that."""

    def __init__(self, decode: Callable[[list[int]], str]) -> None:
        self._decode = decode
        self._tokens: list[int] = []
        self._prompt_seen = False
        self.text = ""

    def hear(self, on_piece: OnPiece, heed: Callable[[int], None]) -> None:
        """Tell `on_piece` of the text, and `heed` of the number of tokens."""
        self._on_piece, self._heed = on_piece, heed

    def put(self, value: Any) -> None:
        """Take the next token, or the prompt's, which come first and together."""
        if not self._prompt_seen:
            self._prompt_seen = True
            return
        self._tokens += value.flatten().tolist()
        self._heed(len(self._tokens))
        # A character may take several tokens; half of one decodes to this.
        text = self._decode(self._tokens)
        if not text.endswith("\N{REPLACEMENT CHARACTER}"):
            self._tell(text)

    def end(self) -> None:
        """Take note that there are no more."""
        self._tell(self._decode(self._tokens))

    def _tell(self, text: str) -> None:
        if len(text) > len(self.text):
            self._on_piece(text[len(self.text) :])
        self.text = text
