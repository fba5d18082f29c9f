"""Writes small SoundFonts, whole or broken, for tests that play one."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

KEYS, VELOCITIES, INSTRUMENT, SAMPLE = 43, 44, 41, 53


@dataclass(frozen=True)
class Wave:
    """A sample: 16-bit values, its loop, what it was recorded at."""

    values: np.ndarray
    loop: tuple[int, int] = (0, 0)
    rate: int = 48_000
    pitch: int = 69
    correction: int = 0


@dataclass(frozen=True)
class Program:
    """A preset whose zones, `repeated` alike, name one instrument.

    That one's zones are (sample, {generator: amount}).
    """

    bank: int
    program: int
    zones: Sequence[tuple[int, dict[int, int]]]
    above: dict[int, int] = field(default_factory=dict)
    repeated: int = 1


def soundfont(waves: Sequence[Wave], programs: Sequence[Program]) -> bytes:
    """The bytes of an SF2 file."""
    data, headers = b"", b""
    for number, wave in enumerate(waves):
        start = len(data) // 2
        end = start + len(wave.values)
        data += wave.values.astype("<i2").tobytes() + bytes(92)
        headers += struct.pack(
            "<20sIIIIIBbHH",
            f"wave {number}".encode(),
            start,
            end,
            start + wave.loop[0],
            start + wave.loop[1],
            wave.rate,
            wave.pitch,
            wave.correction,
            0,
            1,
        )
    headers += struct.pack("<20sIIIIIBbHH", b"EOS", 0, 0, 0, 0, 0, 0, 0, 0, 0)
    presets, above, own, instruments = b"", [], [], b""
    preset_bags, instrument_bags = b"", b""
    for number, one in enumerate(programs):
        name = f"preset {number}".encode()
        presets += struct.pack(
            "<20sHHHIII", name, one.program, one.bank, len(preset_bags) // 4, 0, 0, 0
        )
        for _ in range(one.repeated):
            preset_bags += struct.pack("<HH", len(above), 0)
            above += [*sorted(one.above.items()), (INSTRUMENT, number)]
        instruments += struct.pack("<20sH", name, len(instrument_bags) // 4)
        for sample, values in one.zones:
            instrument_bags += struct.pack("<HH", len(own), 0)
            own += [*sorted(values.items()), (SAMPLE, sample)]
    presets += struct.pack("<20sHHHIII", b"EOP", 0, 0, len(preset_bags) // 4, 0, 0, 0)
    instruments += struct.pack("<20sH", b"EOI", len(instrument_bags) // 4)
    preset_bags += struct.pack("<HH", len(above), 0)
    instrument_bags += struct.pack("<HH", len(own), 0)
    tables = {
        b"phdr": presets,
        b"pbag": preset_bags,
        b"pmod": bytes(10),
        b"pgen": _generators(above),
        b"inst": instruments,
        b"ibag": instrument_bags,
        b"imod": bytes(10),
        b"igen": _generators(own),
        b"shdr": headers,
    }
    lists = _chunk(b"LIST", b"INFO" + _chunk(b"ifil", struct.pack("<HH", 2, 1)))
    lists += _chunk(b"LIST", b"sdta" + _chunk(b"smpl", data))
    lists += _chunk(b"LIST", b"pdta" + b"".join(_chunk(*table) for table in tables.items()))
    return _chunk(b"RIFF", b"sfbk" + lists)


def sine(hertz: float, seconds: float, rate: int = 48_000, level: float = 0.5) -> np.ndarray:
    """A sine as 16-bit values."""
    time_s = np.arange(round(seconds * rate)) / rate
    return np.rint(level * 32_767 * np.sin(2 * np.pi * hertz * time_s)).astype(np.int16)


def between(low: int, high: int) -> int:
    """A range of keys or velocities as a generator's amount."""
    return low | high << 8


def _generators(rows: Sequence[tuple[int, int]]) -> bytes:
    return b"".join(struct.pack("<HH", kind, amount & 0xFFFF) for kind, amount in rows) + bytes(4)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)
