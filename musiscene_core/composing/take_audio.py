"""Writes a take's audio as it is made: the stems, the mix and the mix's overview.

Knows the folder's layout, and nothing of how the sound comes about.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt

from musiscene_core.codec import write_atomically
from musiscene_core.composing.sound import MIX, Track
from musiscene_core.errors import OutputError
from musiscene_core.library.peaks import Peaks
from musiscene_core.media import WavWriter
from musiscene_core.take import Stem

MIX_FILE = "mix.wav"
PEAKS_FILE = "mix.dat"

_SILENCE_DBFS = -200.0
_FULL_SCALE = float(1 << 23)


class TakeAudio:
    """A sink for the renderer. A context: the files appear, whole, when it is left in peace."""

    def __init__(
        self,
        folder: Path,
        name: str,
        tracks: Sequence[Track],
        samples: int,
        time_reference: int,
        *,
        stems: bool = True,
    ) -> None:
        """Make files of `samples` samples in `folder`, made where it is not there.

        Args:
            folder: the take's.
            name: the take's, for the files' descriptions.
            tracks: the stems.
            samples: length of each file.
            time_reference: record In as samples since midnight.
            stems: whether to write more than the mix.

        Raises:
            OutputError: `folder` cannot be written.
        """
        self._folder = folder
        self._tracks = tuple(tracks) if stems else ()
        self._highest = dict.fromkeys((track.name for track in self._tracks), 0)
        self._peaks = Peaks(2, samples)
        paths = {track.name: f"stems/{track.name}.wav" for track in self._tracks}
        self._paths = {**paths, MIX: MIX_FILE}
        place = folder / "stems" if paths else folder
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError.from_os(error, place) from error
        with ExitStack() as stack:
            self._writers = {
                what: stack.enter_context(
                    WavWriter(
                        folder / path,
                        2,
                        samples,
                        time_reference=time_reference,
                        description=f"MusiScene {name} {what}",
                    )
                )
                for what, path in self._paths.items()
            }
            self._open = stack.pop_all()

    def __call__(self, name: str, first: int, samples: npt.NDArray[np.int32]) -> None:
        """Write a piece; see sound.master.Sink."""
        if name not in self._writers:
            return
        self._writers[name].write(first, samples)
        if name == MIX:
            self._peaks.add(first, samples)
            return
        # Not abs(): the least 24-bit value has no positive twin of its size.
        piece = max(int(samples.max(initial=0)), -int(samples.min(initial=0)))
        self._highest[name] = max(piece, self._highest[name] if first else 0)

    def stems(self) -> tuple[Stem, ...]:
        """The stems as the take lists them."""
        return tuple(
            Stem(
                role=track.role,
                path=self._paths[track.name],
                peak_dbfs=_dbfs(self._highest[track.name]),
                name=track.title,
            )
            for track in self._tracks
        )

    def __enter__(self) -> TakeAudio:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.__exit__(kind, error, trace)
        if kind is None:
            write_atomically(self._folder / PEAKS_FILE, self._peaks.data())


def _dbfs(highest: int) -> float:
    return round(20 * float(np.log10(highest / _FULL_SCALE)), 2) if highest else _SILENCE_DBFS
