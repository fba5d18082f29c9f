"""Whatever is asked for in whatever order: no device over capacity, nothing in use evicted."""

from __future__ import annotations

from contextlib import AbstractContextManager

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from musiscene_core.errors import EngineError
from musiscene_daemon.residency.ledger import Ledger
from musiscene_daemon.residency.residents import Residents
from musiscene_daemon.residency.settings import ResidencySettings
from tests.support.simulated_models import SimulatedDevice, SimulatedModel, simulated

SIZES = {"a": 1_000, "b": 2_500, "c": 4_000, "d": 5_500, "e": 7_500, "f": 12_000}
LEAKS = {"b": 300}
TAKES = {"c": 4_500}


class Residency(RuleBasedStateMachine):
    """Two devices, other programs that come and go, and models that leak or understate."""

    def __init__(self) -> None:
        super().__init__()
        self.devices = [SimulatedDevice("sim:0", 8_000), SimulatedDevice("sim:1", 10_000)]
        self.residents = Residents(ResidencySettings(keep_alive_s=-1.0))
        self.residents.add_devices(lambda: self.devices)
        self.using: list[tuple[AbstractContextManager[SimulatedModel], SimulatedModel]] = []

    @rule(name=st.sampled_from(sorted(SIZES)))
    def enter(self, name: str) -> None:
        before = [sum(device.blocks.values()) for device in self.devices]
        spec = simulated(name, SIZES[name], actual=TAKES.get(name), leak=LEAKS.get(name, 0))
        use = self.residents.use(spec)
        try:
            model = use.__enter__()
        except EngineError:
            assert all(
                sum(device.blocks.values()) <= was
                for device, was in zip(self.devices, before, strict=True)
            )
            return
        assert SIZES[name] <= sum(model.device.blocks[block] for block in model.blocks)
        self.using.append((use, model))

    @precondition(lambda self: self.using)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(self.using) - 1))
        use, _ = self.using.pop(index)
        use.__exit__(None, None, None)

    @rule()
    def evict_idle(self) -> None:
        self.residents.evict_idle()
        assert all(model.users for model in self.residents.models())

    @rule(index=st.integers(0, 1), taken=st.integers(0, 6_000))
    def others_take(self, index: int, taken: int) -> None:
        device = self.devices[index]
        device.taken = min(taken, device.taken + device.free_bytes())

    @invariant()
    def no_device_is_over_capacity(self) -> None:
        for device in self.devices:
            assert device.free_bytes() >= 0
            assert device.peak <= device.total_bytes
            booked = sum(
                model.bytes for model in self.residents.models() if model.device == device.name
            )
            assert booked <= device.total_bytes

    @invariant()
    def what_is_in_use_is_still_there(self) -> None:
        users = {model.name: model.users for model in self.residents.models()}
        counted: dict[str, int] = {}
        for _, model in self.using:
            assert len(model.blocks) == 10
            assert all(block in model.device.blocks for block in model.blocks)
            counted[model.name] = counted.get(model.name, 0) + 1
        assert {name: count for name, count in users.items() if count} == counted

    @invariant()
    def nothing_half_done_is_left(self) -> None:
        assert all(model.state == "ready" for model in self.residents.models())

    def teardown(self) -> None:
        for use, _ in self.using:
            use.__exit__(None, None, None)
        self.residents.evict_idle()
        assert self.residents.models() == ()
        for device in self.devices:
            assert set(device.blocks.values()) <= set(LEAKS.values())


Residency.TestCase.settings = settings(max_examples=20, stateful_step_count=30, deadline=None)
TestResidency = Residency.TestCase


def test_the_ledger_refuses_what_must_not_happen() -> None:
    ledger = Ledger()
    ledger.add_device("gpu", 100)
    ledger.add("a", "gpu", 60, driver_free=80)
    with pytest.raises(ValueError, match="booked already"):
        ledger.add("a", "gpu", 1, driver_free=80)
    with pytest.raises(ValueError, match="does not fit"):
        ledger.add("b", "gpu", 41, driver_free=80)
    with pytest.raises(ValueError, match="does not fit"):
        ledger.add("b", "gpu", 21, driver_free=20)
    with pytest.raises(ValueError, match="in use"):
        ledger.remove("a")
    ledger.leave("a")
    with pytest.raises(ValueError, match="nobody"):
        ledger.leave("a")
    assert (ledger.free("gpu", 20), ledger.could_be_free("gpu", 20)) == (20, 80)
    ledger.remove("a")
    assert (ledger.used("gpu"), ledger.free("gpu", 500)) == (0, 100)
