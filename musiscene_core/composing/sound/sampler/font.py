"""Reading SoundFont 2 files: presets, instruments and samples' places, lazily, out of a map.

Every offset and count is checked against what holds it before it is used; sample data stays on
the disk until it is played. Knows nothing of what generators mean (zones) or how samples are
coded (samples). Source: SoundFont Technical Specification 2.04.
"""

from __future__ import annotations

import hashlib
import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from musiscene_core.errors import MediaError

_RECORDS = {
    "phdr": struct.Struct("<20sHHHIII"),
    "pbag": struct.Struct("<HH"),
    "pgen": struct.Struct("<HH"),
    "inst": struct.Struct("<20sH"),
    "ibag": struct.Struct("<HH"),
    "igen": struct.Struct("<HH"),
    "shdr": struct.Struct("<20sIIIIIBbHH"),
}
_MOST_RECORDS = 1 << 20
_MOST_CHUNKS = 4096
_SMALLEST = 12

Row = tuple[int, ...]


@dataclass(frozen=True)
class SampleHeader:
    """Where a sample lies and what it was recorded at.

    Attributes:
        start: first sample, or first byte of a compressed one.
        end: one past the last.
        loop_start: in the units of `start`; for a compressed one from its own first sample.
        loop_end: likewise, one past the last.
        rate: in hertz.
        pitch: MIDI note it sounds at; above 127 means unknown.
        correction_cents: to be added to that pitch.
        link: the other side of a stereo pair.
        kind: SFSampleLink bits; 0x10 is Ogg Vorbis, 0x8000 lies in a ROM.
    """

    start: int
    end: int
    loop_start: int
    loop_end: int
    rate: int
    pitch: int
    correction_cents: int
    link: int
    kind: int


class SoundFont:
    """An open SoundFont file.

    Attributes:
        path: of the file.
        presets: (bank, program) to the preset's number.
        samples: headers, without the closing one.
    """

    def __init__(self, path: Path) -> None:
        """Open `path` and read its tables.

        Raises:
            MediaError: it is missing, no SoundFont, or damaged.
        """
        self.path = path
        try:
            with open(path, "rb") as file:
                self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is empty"
            raise MediaError(
                f"{path} cannot be read: {reason}.", hint="Name an SF2 or SF3 file with --sounds."
            ) from error
        try:
            self._chunks = self._find_chunks()
            self._tables = {name: self._table(name) for name in _RECORDS}
            self.samples = tuple(SampleHeader(*row) for row in self._tables["shdr"][:-1])
            self.presets = {
                (row[1], row[0]): number
                for number, row in reversed(list(enumerate(self._tables["phdr"][:-1])))
            }
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._data.close()

    def digest(self) -> str:
        """SHA-256 of the whole file."""
        found = hashlib.sha256()
        for first in range(0, len(self._data), 1 << 22):
            found.update(self._data[first : first + (1 << 22)])
        return found.hexdigest()

    def preset_zones(self, preset: int) -> list[list[Row]]:
        """The generators [(operator, amount)] of each of a preset's zones, in the file's order."""
        rows = self._tables["phdr"]
        return self._zones("pbag", "pgen", rows[preset][2], rows[preset + 1][2])

    def instrument_zones(self, instrument: int) -> list[list[Row]]:
        """The same of an instrument.

        Raises:
            MediaError: there is no such instrument.
        """
        rows = self._tables["inst"]
        if not 0 <= instrument < len(rows) - 1:
            self._damaged("a preset names an instrument that is not there")
        return self._zones("ibag", "igen", rows[instrument][0], rows[instrument + 1][0])

    def sample_bytes(self, header: SampleHeader) -> bytes:
        """A sample as the file holds it: 16-bit integers, or an Ogg Vorbis stream.

        Raises:
            MediaError: it lies outside the file's sample data.
        """
        begin, size = self._chunks["smpl"]
        width = 1 if header.kind & 0x10 else 2
        first, last = header.start * width, header.end * width
        if not 0 <= first <= last <= size:
            self._damaged("a sample lies outside the sample data")
        return self._data[begin + first : begin + last]

    def _find_chunks(self) -> dict[str, tuple[int, int]]:
        """Name to (offset, size) of every chunk inside the file's lists."""
        data, end = self._data, len(self._data)
        if end < _SMALLEST or data[:4] != b"RIFF" or data[8:12] != b"sfbk":
            raise MediaError(
                f"{self.path} is no SoundFont.", hint="Name an SF2 or SF3 file with --sounds."
            )
        found: dict[str, tuple[int, int]] = {}
        places = [(12, end)]
        while places:
            at, stop = places.pop()
            while at + 8 <= stop:
                kind = data[at : at + 4]
                size = int(struct.unpack_from("<I", data, at + 4)[0])
                if at + 8 + size > stop:
                    self._damaged("it is cut short")
                if kind == b"LIST":
                    places.append((at + 12, at + 8 + size))
                else:
                    found.setdefault(kind.decode("latin-1"), (at + 8, size))
                if len(found) + len(places) > _MOST_CHUNKS:
                    self._damaged("it has too many chunks")
                at += 8 + size
                # Chunks begin on even places, but some writers of SF3 leave the padding out.
                if size % 2 and not data[at : at + 4].isalnum():
                    at += 1
        missing = [name for name in (*_RECORDS, "smpl") if name not in found]
        if missing:
            self._damaged(f"it lacks {', '.join(missing)}")
        return found

    def _table(self, name: str) -> list[Row]:
        """A chunk's records, without their names."""
        begin, size = self._chunks[name]
        record = _RECORDS[name]
        count = size // record.size
        if not 1 <= count <= _MOST_RECORDS or size % record.size:
            self._damaged(f"its {name} table makes no sense")
        view = memoryview(self._data)[begin : begin + size]
        try:
            named = record.format.startswith("<20s")
            return [row[1:] if named else row for row in record.iter_unpack(view)]
        finally:
            view.release()

    def _zones(self, bags: str, generators: str, first: int, last: int) -> list[list[Row]]:
        bag, rows = self._tables[bags], self._tables[generators]
        if not 0 <= first <= last < len(bag):
            self._damaged(f"its {bags} table makes no sense")
        zones = []
        for number in range(first, last):
            begin, end = bag[number][0], bag[number + 1][0]
            if not 0 <= begin <= end <= len(rows):
                self._damaged(f"its {generators} table makes no sense")
            zones.append(rows[begin:end])
        return zones

    def _damaged(self, why: str) -> NoReturn:
        raise MediaError(
            f"{self.path} is damaged: {why}.", hint="Get the SoundFont once more, or name another."
        )
