"""Sound handed to a child in another environment and back: raw float32 in the job's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from musiscene_core.errors import EngineError

Floats = npt.NDArray[np.float32]
HANDED = ".f32"
"""How the names of such files end."""
_WHOLE_KEYS = ("channels", "rate")
_HINT = "Run `musiscene setup audiocraft --verify`, and report it if it stays so."


def hand_over(folder: Path, name: str, audio: Floats, rate: int) -> dict[str, Any]:
    """Write `audio` [channels, n] and say how to read it."""
    np.ascontiguousarray(audio, "<f4").tofile(folder / name)
    return {"file": name, "channels": int(audio.shape[0]), "rate": rate}


def take_back(folder: Path, result: dict[str, Any]) -> tuple[Floats, int]:
    """The sound [channels, n] that a child wrote into `folder`, and its rate; the file goes.

    Raises:
        EngineError: there is none, or it is not as the child says.
    """
    channels, rate = (result.get(key) for key in _WHOLE_KEYS)
    path = folder / str(result.get("file"))
    inside = path.resolve().is_relative_to(folder.resolve())
    if not (isinstance(channels, int) and isinstance(rate, int) and inside and path.is_file()):
        raise EngineError("The environment wrote no sound.", hint=_HINT)
    sound = np.fromfile(path, "<f4").astype(np.float32, copy=False)
    path.unlink()
    if channels not in (1, 2) or not 8_000 <= rate <= 192_000 or not sound.size:
        raise EngineError("The environment wrote sound of an odd kind.", hint=_HINT)
    if sound.size % channels:
        raise EngineError("The environment wrote sound that is cut short.", hint=_HINT)
    return sound.reshape(channels, -1), rate


def joined(pieces: list[Floats], overlap: int) -> Floats:
    """Pieces [channels, n] one after the other, each faded into the next over `overlap` samples."""
    result = pieces[0]
    for piece in pieces[1:]:
        share = min(overlap, result.shape[1], piece.shape[1])
        angle = np.linspace(0.0, np.pi / 2, share, dtype=np.float32)
        faded = result[:, result.shape[1] - share :] * np.cos(angle)
        faded += piece[:, :share] * np.sin(angle)
        kept = result[:, : result.shape[1] - share]
        result = np.concatenate((kept, faded, piece[:, share:]), axis=1)
    return result
