"""Whisper by faster-whisper, from a folder that CTranslate2 reads; nothing is downloaded."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from musiscene_core.errors import EngineError
from musiscene_core.spotting.speech.model import Floats, Segment, Span

WEIGHTS = "model.bin"
NEEDED = (WEIGHTS, "config.json", "tokenizer.json")
"""Files of a folder; without the last faster-whisper would go and fetch one."""
_CONVERT = (
    "ct2-transformers-converter --model FOLDER --output_dir NEW "
    "--copy_files tokenizer.json preprocessor_config.json"
)
_HINT = "Copy the folder again, or choose another with `musiscene watching use --speech FOLDER`."


def check_folder(folder: Path) -> int:
    """Bytes of the weights in `folder`.

    Raises:
        EngineError: it holds no speech model, or faster-whisper is not installed.
    """
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    if WEIGHTS in missing and list(folder.glob("*.safetensors")):
        raise EngineError(
            f"{folder} holds a speech model as transformers saves it.",
            hint=f"Convert it once: {_CONVERT}",
        )
    if missing:
        raise EngineError(
            f"{folder} holds no speech model: {', '.join(missing)} missing.",
            hint="Give the folder of a Whisper for faster-whisper, such as "
            "faster-whisper-small downloaded beforehand.",
        )
    if importlib.util.find_spec("faster_whisper") is None:
        raise EngineError(
            "Hearing words needs faster-whisper.",
            hint="Run musiscene setup gpu (or pip install 'musiscene[speech]'), then restart the "
            "daemon.",
        )
    return (folder / WEIGHTS).stat().st_size


def known_by(folder: Path) -> str:
    """What a model is known by: changes with its files.

    Raises:
        EngineError: see check_folder.
    """
    check_folder(folder)
    known = hashlib.sha256()
    for name in NEEDED:
        status = (folder / name).stat()
        known.update(f"{name} {status.st_size} {status.st_mtime_ns} ".encode())
    return known.hexdigest()


class Whisper:
    """One model, loaded. Not for several threads."""

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        """Load the model in `folder`.

        Args:
            folder: see check_folder.
            device: "cpu" works in 8 bits, "cuda" in halves with 8-bit weights.

        Raises:
            EngineError: it cannot be loaded.
        """
        check_folder(folder)
        from faster_whisper import WhisperModel

        self._folder = folder
        on_gpu = device.startswith("cuda")
        try:
            self._model: Any = WhisperModel(
                str(folder),
                device="cuda" if on_gpu else "cpu",
                compute_type="int8_float16" if on_gpu else "int8",
                local_files_only=True,
            )
        # CTranslate2 and tokenizers raise plain RuntimeError and Exception for files of nonsense.
        except Exception as error:
            raise EngineError(
                f"The speech model in {folder} cannot be loaded: {error}", hint=_HINT
            ) from error

    @property
    def name(self) -> str:
        """The folder's name."""
        return self._folder.name

    def transcribe(self, samples: Floats, spans: Sequence[Span]) -> Iterator[Segment]:
        """See Transcriber. Each span is heard for itself, so that no line runs into the next."""
        clips = [edge for span in spans for edge in span]
        try:
            segments, info = self._model.transcribe(
                samples,
                clip_timestamps=clips,
                word_timestamps=True,
                # What was misheard once would be misheard on and on.
                condition_on_previous_text=False,
                vad_filter=False,
            )
            for segment in segments:
                words = segment.words or ()
                yield Segment(
                    start_s=float(words[0].start if words else segment.start),
                    end_s=float(words[-1].end if words else segment.end),
                    text=" ".join(segment.text.split()),
                    words_s=tuple(float(word.start) for word in words),
                    language=info.language,
                )
        except (RuntimeError, ValueError, IndexError) as error:
            raise EngineError(
                f"The speech model {self.name} failed: {error}", hint=_HINT
            ) from error
