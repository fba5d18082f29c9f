"""The ledger: what we believe is where, in bytes. Pure bookkeeping, for one thread at a time.

Knows neither drivers nor models; those who do tell it the driver's figure.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Entry:
    """One model's place.

    Attributes:
        name: of the model.
        device: name of its device.
        bytes: what it takes there.
        users: who works with it now; it may go at 0 only.
        used: the ledger's clock when it was last left.
    """

    name: str
    device: str
    bytes: int
    users: int
    used: int


class Ledger:
    """Models by name, devices by name with their capacities in bytes."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._capacity: dict[str, int] = {}
        self._clock = 0

    def add_device(self, device: str, capacity: int) -> None:
        """Book on `device` from now on."""
        self._capacity[device] = capacity

    def used(self, device: str) -> int:
        """Bytes booked on `device`. Above its capacity only where a model outgrew its estimate."""
        return sum(entry.bytes for entry in self._entries.values() if entry.device == device)

    def free(self, device: str, driver_free: int) -> int:
        """Bytes to be had: the driver's figure or our own, whichever is less; never below 0."""
        return max(0, min(driver_free, self._capacity[device] - self.used(device)))

    def could_be_free(self, device: str, driver_free: int) -> int:
        """Bytes to be had if everything idle went."""
        idle = sum(entry.bytes for entry in self.idle(device))
        own = self._capacity[device] - self.used(device) + idle
        return max(0, min(driver_free + idle, own))

    def idle(self, device: str | None = None) -> list[Entry]:
        """Models that nobody works with, on `device` or anywhere, the longest unused first."""
        found = [
            entry
            for entry in self._entries.values()
            if entry.users == 0 and device in (None, entry.device)
        ]
        return sorted(found, key=lambda entry: entry.used)

    def add(self, name: str, device: str, size: int, driver_free: int) -> None:
        """Book a model, in use by whoever loads it.

        Raises:
            ValueError: it is booked already, or there is no room for it.
        """
        if name in self._entries:
            raise ValueError(f"{name} is booked already")
        if size > self.free(device, driver_free):
            raise ValueError(f"{name} does not fit on {device}")
        self._entries[name] = Entry(name, device, size, 1, self._tick())

    def correct(self, name: str, size: int) -> None:
        """Note that a model turned out to take `size` bytes."""
        self._entries[name].bytes = size

    def enter(self, name: str) -> None:
        """Note one more user."""
        self._entries[name].users += 1

    def leave(self, name: str) -> None:
        """Note one user less.

        Raises:
            ValueError: it had none.
        """
        entry = self._entries[name]
        if entry.users == 0:
            raise ValueError(f"nobody uses {name}")
        entry.users -= 1
        entry.used = self._tick()

    def remove(self, name: str) -> None:
        """Strike a model out.

        Raises:
            ValueError: somebody works with it.
        """
        if self._entries[name].users:
            raise ValueError(f"{name} is in use")
        del self._entries[name]

    def get(self, name: str) -> Entry | None:
        """One model's place; None where it has none."""
        return self._entries.get(name)

    def entries(self) -> list[Entry]:
        """Every model's place, in the order of loading."""
        return list(self._entries.values())

    def _tick(self) -> int:
        self._clock += 1
        return self._clock
