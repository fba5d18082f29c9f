"""What a SoundFont's generators mean: which sample sounds on which key, and how.

Instrument generators set values, preset generators add to them, and a first zone without a
sample (or instrument) holds for the zones after it. Source: SoundFont 2.04, sections 8 and 9.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from musiscene_core.composing.sound.sampler.font import Row, SoundFont
from musiscene_core.errors import MediaError

START, END, LOOP_START, LOOP_END, START_COARSE = 0, 1, 2, 3, 4
MOD_LFO_TO_PITCH, VIB_LFO_TO_PITCH, MOD_ENV_TO_PITCH = 5, 6, 7
FILTER_CENTS, FILTER_Q, MOD_LFO_TO_FILTER, MOD_ENV_TO_FILTER = 8, 9, 10, 11
END_COARSE, MOD_LFO_TO_VOLUME, PAN = 12, 13, 17
MOD_LFO_DELAY, MOD_LFO_HZ, VIB_LFO_DELAY, VIB_LFO_HZ = 21, 22, 23, 24
MOD_ENVELOPE, VOLUME_ENVELOPE = 25, 33
INSTRUMENT, KEYS, VELOCITIES, LOOP_START_COARSE = 41, 43, 44, 45
FIXED_KEY, FIXED_VELOCITY, ATTENUATION, LOOP_END_COARSE = 46, 47, 48, 50
COARSE_TUNE, FINE_TUNE, SAMPLE, LOOP_MODE = 51, 52, 53, 54
SCALE, EXCLUSIVE, ROOT = 56, 57, 58

_DEFAULTS = {
    FILTER_CENTS: 13_500,
    **dict.fromkeys((MOD_LFO_DELAY, VIB_LFO_DELAY), -12_000),
    **dict.fromkeys(range(25, 29), -12_000),
    30: -12_000,
    **dict.fromkeys(range(33, 37), -12_000),
    38: -12_000,
    SCALE: 100,
    FIXED_KEY: -1,
    FIXED_VELOCITY: -1,
    ROOT: -1,
}
_INSTRUMENT_ONLY = {
    *(START, END, LOOP_START, LOOP_END, START_COARSE, END_COARSE, LOOP_START_COARSE),
    *(FIXED_KEY, FIXED_VELOCITY, LOOP_END_COARSE, SAMPLE, LOOP_MODE, EXCLUSIVE, ROOT),
}
_RANGES = (KEYS, VELOCITIES)
_EVERYTHING = (0, 127)
_MOST_ZONES = 8192


@dataclass(frozen=True)
class Zone:
    """A sample on a field of keys and velocities.

    Attributes:
        keys: lowest and highest.
        velocities: lowest and highest.
        sample: its number in the font.
        values: generator to its summed amount; absent ones have their default.
    """

    keys: tuple[int, int]
    velocities: tuple[int, int]
    sample: int
    values: dict[int, int] = field(default_factory=dict)

    def value(self, generator: int) -> int:
        """A generator's amount."""
        return self.values.get(generator, _DEFAULTS.get(generator, 0))

    def covers(self, key: int, velocity: int) -> bool:
        """Whether it sounds for a note."""
        (low, high), (soft, hard) = self.keys, self.velocities
        return low <= key <= high and soft <= velocity <= hard


def zones_of(font: SoundFont, bank: int, program: int) -> tuple[Zone, ...]:
    """Every zone of a preset; none where the font lacks it.

    Raises:
        MediaError: the font is damaged.
    """
    preset = font.presets.get((bank, program))
    if preset is None:
        return ()
    zones: list[Zone] = []
    for above in _with_global(font.preset_zones(preset), INSTRUMENT):
        inner = font.instrument_zones(above[INSTRUMENT])
        for own in _with_global(inner, SAMPLE):
            zone = _joined(own, above)
            if zone is not None and 0 <= zone.sample < len(font.samples):
                zones.append(zone)
        if len(zones) > _MOST_ZONES:
            raise MediaError(
                f"{font.path} is damaged: a preset has more than {_MOST_ZONES} zones.",
                hint="Name another SoundFont.",
            )
    return tuple(zones)


def _with_global(zones: Iterable[list[Row]], ends_with: int) -> list[dict[int, int]]:
    """The zones that name what `ends_with` says, each over the global zone's values."""
    common: dict[int, int] = {}
    found = []
    for number, rows in enumerate(zones):
        values = {row[0]: row[1] for row in rows}
        if ends_with in values:
            found.append({**common, **values})
        elif number == 0:
            common = values
    return found


def _joined(own: dict[int, int], above: dict[int, int]) -> Zone | None:
    """An instrument's zone under a preset's; None where their fields do not meet."""
    fields = []
    for kind in _RANGES:
        low, high = _range(own.get(kind))
        above_low, above_high = _range(above.get(kind))
        low, high = max(low, above_low), min(high, above_high)
        if low > high:
            return None
        fields.append((low, high))
    values = {
        operator: _signed(amount) for operator, amount in own.items() if operator not in _RANGES
    }
    values[SAMPLE] = own[SAMPLE]
    for operator, amount in above.items():
        if operator in _RANGES or operator == INSTRUMENT or operator in _INSTRUMENT_ONLY:
            continue
        values[operator] = values.get(operator, _DEFAULTS.get(operator, 0)) + _signed(amount)
    return Zone(keys=fields[0], velocities=fields[1], sample=own[SAMPLE], values=values)


def _range(amount: int | None) -> tuple[int, int]:
    return _EVERYTHING if amount is None else (amount & 0xFF, min(127, amount >> 8))


def _signed(amount: int) -> int:
    return amount - 0x10000 if amount >= 0x8000 else amount
