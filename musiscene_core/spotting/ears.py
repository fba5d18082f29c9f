"""What is measured of a part of the sound: of that part and of a little around it, nothing else.

So a part measured once is measured for good. Rows lie on the grid of the part (sound_grid.py). An
ear may look at the record samples [part.first - before, part.last + after) only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from musiscene_core.loudness import LoudnessMeter
from musiscene_core.spotting import chroma, onsets, silero
from musiscene_core.spotting.sound_grid import BLOCK, Part
from musiscene_core.spotting.sound_kept import Arrays
from musiscene_core.spotting.voices import SAMPLE_RATE
from musiscene_core.timeline import Role

Floats = npt.NDArray[np.float32]
Read = Callable[[int, int], Floats]
"""The record samples [first, last)."""

CHUNK = silero.CHUNK
ONSET_HOP = SAMPLE_RATE // onsets.RATE
CHROMA_HOP = round(chroma.HOP_S * SAMPLE_RATE)
LEVELS_A_SECOND = 100
LEVEL_HOP = SAMPLE_RATE // LEVELS_A_SECOND
_REMEMBERED = BLOCK // CHUNK
"""Chunks heard before a part: under music the detector's memory lasts for seconds."""
_ACROSS = 32
"""Chunks of them at least, where another clip led just before: a second."""
_CHROMA_REACH = 2
"""Rows of chroma over which half its frame reaches."""
_ONSET_REACH = 4
"""Rows of onsets: half a frame, and two rows that it is compared with."""
_SETTLED = 20
"""Rows of level."""


class Row(NamedTuple):
    """What an array holds: a row every `hop` samples, of a shape."""

    hop: int
    shape: tuple[int, ...] = ()


class Ear(Protocol):
    """Measures parts.

    Attributes:
        name: what it measures, with a number that changes when the measuring does.
        roles: of the clips it listens to.
        gives: the arrays that it makes of a part, by name.
    """

    name: str
    roles: tuple[Role, ...]
    gives: dict[str, Row]

    def around(self, part: Part) -> tuple[int, int]:
        """The record samples [first, last) on which it depends."""

    def measure(self, part: Part, read: Read) -> Arrays:
        """The rows that lie in a part, by the names of `gives`."""


class SpeechEar:
    """Hears how likely each chunk is speech."""

    def __init__(self) -> None:
        self.name = "speech 1"
        self.roles: tuple[Role, ...] = ("dialogue", "mixed")
        self.gives = {"speech": Row(CHUNK)}
        self._model: silero.SpeechModel | None = None
        self._encoded = np.zeros(0, np.float32)
        self._encoded_from = 0

    def around(self, part: Part) -> tuple[int, int]:
        """From where the detector begins to hear, so that it remembers something."""
        first, last = part.rows(CHUNK)
        origin = part.stretch.origin
        led = -((origin - part.stretch.first) // CHUNK)
        heard = max(first - _REMEMBERED, min(led, first - _ACROSS))
        return origin + heard * CHUNK, origin + last * CHUNK

    def measure(self, part: Part, read: Read) -> Arrays:
        """Probabilities [n].

        Raises:
            EngineError: the speech detector is not installed whole.
        """
        begin, end = self.around(part)
        first, last = part.rows(CHUNK)
        chunks = np.clip(read(begin, end), -1.0, 1.0).reshape(-1, CHUNK)
        # Digital silence cannot be speech; a long gap in the track costs nothing.
        if not chunks[len(chunks) - (last - first) :].any():
            return {"speech": np.zeros(last - first, np.float32)}
        if self._model is None:
            self._model = silero.load_model()
        self._model.forget()
        encoded = self._encode(self._model, begin, chunks)
        return {"speech": self._model.recall(encoded)[len(chunks) - (last - first) :]}

    def _encode(self, model: silero.SpeechModel, begin: int, chunks: Floats) -> Floats:
        """What `model` makes of each chunk alone; those of the part before are known."""
        skipped, between = divmod(begin - self._encoded_from, CHUNK)
        if between == 0 and 0 <= skipped < len(self._encoded):
            known = self._encoded[skipped:]
            encoded = np.concatenate([known, model.encode(chunks[len(known) :])])
        else:
            encoded = model.encode(chunks)
        self._encoded, self._encoded_from = encoded, begin
        return encoded


class NotesEar:
    """Hears what begins, and which notes sound."""

    def __init__(self) -> None:
        self.name = "notes 1"
        self.roles: tuple[Role, ...] = ("temp_track", "mixed")
        self.gives = {
            "onsets": Row(ONSET_HOP, (2,)),
            "chroma": Row(CHROMA_HOP, (chroma.STEPS,)),
            "tonal": Row(CHROMA_HOP),
        }

    def around(self, part: Part) -> tuple[int, int]:
        """Half a frame of chroma on either side, which is more than onsets need."""
        reach = _CHROMA_REACH * CHROMA_HOP
        return part.first - reach, part.last + reach

    def measure(self, part: Part, read: Read) -> Arrays:
        """Onset strength [n, 2], chroma [m, STEPS] and tonal share [m]."""
        begin, end = self.around(part)
        samples = read(begin, end)

        def near(hop: int, before: int) -> tuple[Floats, slice]:
            """The samples about the part's rows, `before` more of them in front, and the rows."""
            first, last = part.rows(hop)
            start = part.stretch.origin + (first - before) * hop - begin
            return samples[start:], slice(before, before + last - first)

        begins, notes = onsets.OnsetListener(SAMPLE_RATE), chroma.ChromaListener(SAMPLE_RATE)
        about, rows = near(ONSET_HOP, _ONSET_REACH)
        begins.push(about)
        strength = begins.finish()[rows]
        about, rows = near(CHROMA_HOP, _CHROMA_REACH)
        notes.push(about)
        pitches, tonal = notes.finish()
        return {"onsets": strength, "chroma": pitches[rows], "tonal": tonal[rows]}


class LevelEar:
    """Hears how loud the music is."""

    def __init__(self) -> None:
        self.name = "level 1"
        self.roles: tuple[Role, ...] = ("temp_track", "mixed")
        self.gives = {"power": Row(LEVEL_HOP)}

    def around(self, part: Part) -> tuple[int, int]:
        """A fifth of a second before: by then the filter has forgotten what was before that."""
        first, last = part.rows(LEVEL_HOP)
        origin = part.stretch.origin
        return origin + (first - _SETTLED) * LEVEL_HOP, origin + last * LEVEL_HOP

    def measure(self, part: Part, read: Read) -> Arrays:
        """K-weighted power [n] (loudness.py)."""
        meter = LoudnessMeter(SAMPLE_RATE, channels=1, slots_per_s=LEVELS_A_SECOND)
        meter.hear(read(*self.around(part))[None])
        return {"power": meter.finish()[_SETTLED:].astype(np.float32)}
