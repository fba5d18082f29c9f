"""The policy of residency, on devices that are really full when they are full."""

from __future__ import annotations

import logging
import sys
import threading
import time
from types import ModuleType, SimpleNamespace

import pytest

from musiscene_core.errors import CancelledError, EngineError, InputError
from musiscene_core.protocol import ModelInfo
from musiscene_daemon.engines.cuda_devices import cuda_devices
from musiscene_daemon.engines.registry import Registry
from musiscene_daemon.residency.devices import HostMemory
from musiscene_daemon.residency.oom import OutOfMemory, is_out_of_memory
from musiscene_daemon.residency.residents import Residents
from musiscene_daemon.residency.settings import ResidencySettings
from tests.support.daemons import wait_until
from tests.support.simulated_models import SimulatedDevice, simulated

FOR_EVER = ResidencySettings(keep_alive_s=-1.0)


def residents_on(*devices: SimulatedDevice, **settings: object) -> Residents:
    residents = Residents(ResidencySettings(keep_alive_s=-1.0, **settings))
    residents.add_devices(lambda: devices)
    return residents


def touch(residents: Residents, name: str, size: int = 0, **options: object) -> None:
    with residents.use(simulated(name, size, **options)):
        pass


def places(residents: Residents) -> dict[str, str]:
    return {model.name: model.device for model in residents.models()}


def test_the_longest_unused_goes_first_and_no_more_than_must() -> None:
    residents = residents_on(SimulatedDevice())
    for name in ("a", "b", "c"):
        touch(residents, name, 3_000)
    touch(residents, "a", 3_000)
    touch(residents, "d", 3_000)
    assert list(places(residents)) == ["a", "c", "d"]


def test_a_model_in_use_is_never_evicted() -> None:
    device = SimulatedDevice()
    residents = residents_on(device)
    with residents.use(simulated("cello")) as model:
        with pytest.raises(EngineError, match=r"needs 6\.8 KiB; sim:0 has 3\.9 KiB free"):
            touch(residents, "choir")
        assert residents.evict_idle() == 0
        assert sum(device.blocks.values()) == 6_000
        assert model.work(1, 4_000) == 1
    touch(residents, "choir")
    assert places(residents) == {"choir": "sim:0"}


def test_a_model_that_is_wanted_again_at_the_last_moment_stays() -> None:
    residents = residents_on(device := SimulatedDevice())
    touch(residents, "a", 3_000)
    touch(residents, "b", 3_000)
    used = []

    def want_again(stage: str, fraction: float) -> None:
        if stage == "Making room" and not used:
            used.append(residents.use(simulated("a", 3_000)))
            assert len(used[0].__enter__().blocks) == 10

    with residents.use(simulated("flute", 5_000), want_again):
        assert list(places(residents)) == ["a", "flute"]
        assert sum(device.blocks.values()) == 8_000
    used[0].__exit__(None, None, None)


def test_what_cannot_help_is_not_evicted() -> None:
    residents = residents_on(SimulatedDevice())
    touch(residents, "flute")
    with residents.use(simulated("cello")), pytest.raises(EngineError):
        touch(residents, "other", 4_100)
    assert list(places(residents)) == ["flute", "cello"]


def test_free_memory_is_the_drivers_figure_where_other_programs_take_some() -> None:
    residents = residents_on(device := SimulatedDevice(taken=5_000))
    with pytest.raises(EngineError, match=r"sim:0 has 4\.9 KiB free"):
        touch(residents, "cello")
    device.taken = 3_000
    touch(residents, "cello")
    assert device.peak == 9_000


def test_the_device_with_most_room_is_taken_before_anything_is_evicted() -> None:
    residents = residents_on(SimulatedDevice("sim:0", 8_000), SimulatedDevice("sim:1", 9_000))
    for name in ("a", "b", "c"):
        touch(residents, name, 4_000)
    assert places(residents) == {"a": "sim:1", "b": "sim:0", "c": "sim:1"}
    touch(residents, "d", 4_000)
    assert places(residents)["d"] == "sim:0"
    touch(residents, "e", 8_500)
    assert places(residents) == {"b": "sim:0", "d": "sim:0", "e": "sim:1"}


def test_the_processor_stands_in_only_where_that_is_asked_for() -> None:
    gpu, cpu = SimulatedDevice("sim:0", 5_000), SimulatedDevice("sim:cpu", 50_000, kind="cpu")
    with pytest.raises(EngineError, match="needs 5"):
        touch(residents_on(gpu, cpu), "cello")
    for residents, place in (
        (residents_on(gpu, cpu), "gpu_or_cpu"),
        (residents_on(gpu, cpu, cpu_fallback=True), "gpu"),
        (residents_on(gpu, cpu), "cpu"),
    ):
        touch(residents, "cello", place=place)
        touch(residents, "flute", place=place)
        at_home = "sim:cpu" if place == "cpu" else "sim:0"
        assert places(residents) == {"cello": "sim:cpu", "flute": at_home}
        residents.evict_idle()


def test_a_machine_without_gpu_says_so() -> None:
    with pytest.raises(EngineError, match=r"needs a GPU with 5\.9 KiB, and none was found"):
        touch(residents_on(), "cello")


def test_memory_that_a_model_does_not_give_back_is_logged_and_no_longer_counted_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    residents = residents_on(SimulatedDevice())
    touch(residents, "leaky", 6_000, leak=3_000)
    assert residents.evict_idle() == 1
    assert "gave back 2.9 KiB of 5.9 KiB" in caplog.text
    with pytest.raises(EngineError, match=r"has 6\.8 KiB free"):
        touch(residents, "big", 7_001)
    touch(residents, "choir")


def test_a_model_that_takes_more_than_it_said_is_booked_with_what_it_took() -> None:
    residents = residents_on(SimulatedDevice())
    touch(residents, "modest", 1_000, actual=4_000)
    assert [model.bytes for model in residents.models()] == [4_000]


def test_a_load_that_runs_out_of_memory_makes_room_and_tries_once_more() -> None:
    device = SimulatedDevice()
    residents = residents_on(device)
    touch(residents, "flute")
    stages: list[str] = []
    spec = simulated("modest", 1_000, actual=9_000)
    with residents.use(spec, lambda stage, fraction: stages.append(stage)):
        assert places(residents) == {"modest": "sim:0"}
    assert "Making room" in stages
    with pytest.raises(EngineError, match="The model huge did not fit"):
        touch(residents, "huge", 1_000, actual=11_000)
    assert (residents.models(), device.blocks) == ((), {})
    touch(residents, "cello")


@pytest.mark.parametrize("error", [CancelledError("no"), ValueError("broken"), KeyboardInterrupt()])
def test_a_load_that_fails_leaves_no_trace(error: BaseException) -> None:
    device = SimulatedDevice()
    residents = residents_on(device)

    def fail(step: int) -> None:
        if step == 7:
            raise error

    with pytest.raises(type(error)):
        touch(residents, "cello", on_step=fail)
    assert (residents.models(), device.blocks) == ((), {})
    touch(residents, "cello")


def test_a_model_is_loaded_once_for_all_who_want_it_at_the_same_time() -> None:
    residents = residents_on(SimulatedDevice())
    events: list[str] = []
    together = threading.Barrier(8)
    most: list[int] = []

    def work() -> None:
        with residents.use(simulated("cello", load_s=0.05, note=events.append)):
            together.wait(5)
            most.append(residents.models()[0].users)
            together.wait(5)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert events == ["load cello"]
    assert most == [8] * 8
    assert residents.models()[0].users == 0


def test_who_waits_for_another_load_can_be_cancelled() -> None:
    residents = residents_on(SimulatedDevice())
    loading, gate = threading.Event(), threading.Event()

    def hold(step: int) -> None:
        loading.set()
        gate.wait(5)

    slow = threading.Thread(target=touch, args=(residents, "cello"), kwargs={"on_step": hold})
    slow.start()
    loading.wait(5)

    def cancel(stage: str, fraction: float) -> None:
        assert stage == "Waiting for the model flute"
        raise CancelledError("The job was cancelled.")

    with pytest.raises(CancelledError), residents.use(simulated("flute"), cancel):
        pass
    gate.set()
    slow.join()
    assert list(places(residents)) == ["cello"]


def test_a_load_that_asks_for_models_itself_is_a_mistake_and_not_a_deadlock() -> None:
    residents = residents_on(SimulatedDevice())

    def nest(step: int) -> None:
        touch(residents, "flute")

    with pytest.raises(RuntimeError, match="may not ask"):
        touch(residents, "cello", on_step=nest)
    assert residents.models() == ()


def test_models_stay_for_their_time_and_no_longer() -> None:
    residents = residents_on(SimulatedDevice())
    touch(residents, "kept", 1_000)
    touch(residents, "gone", 1_000, keep_alive_s=0.0)
    wait_until(lambda: list(places(residents)) == ["kept"])
    began = time.time()
    touch(residents, "short", 1_000, keep_alive_s=0.5)
    kept, short = residents.models()
    assert kept.unload_at is None
    assert short.unload_at is not None
    assert began + 0.49 < short.unload_at < time.time() + 0.51
    wait_until(lambda: list(places(residents)) == ["kept"])
    assert time.time() > short.unload_at - 0.01
    residents.unload("kept")
    wait_until(lambda: residents.models() == ())
    wait_until(lambda: "keep-alive" not in {thread.name for thread in threading.enumerate()})


def test_work_with_a_model_starts_its_time_anew() -> None:
    residents = residents_on(SimulatedDevice())
    events: list[str] = []
    for _ in range(4):
        touch(residents, "cello", keep_alive_s=0.5, note=events.append)
        time.sleep(0.15)
    assert events == ["load cello"]


def test_an_unload_that_fails_does_not_keep_the_model_on_the_books(
    caplog: pytest.LogCaptureFixture,
) -> None:
    residents = residents_on(SimulatedDevice())

    def stuck(event: str) -> None:
        if event.startswith("unload"):
            raise ValueError("stuck")

    touch(residents, "cello", note=stuck)
    with caplog.at_level(logging.ERROR):
        touch(residents, "choir")
    assert places(residents) == {"choir": "sim:0"}
    assert "cello could not be unloaded in order" in caplog.text


def test_every_change_is_told_in_order() -> None:
    told: list[tuple[ModelInfo, ...]] = []
    residents = Residents(FOR_EVER, told.append)
    residents.add_devices(lambda: (SimulatedDevice(),))
    touch(residents, "cello")
    residents.evict_idle()
    states = [[(model.state, model.users) for model in models] for models in told]
    assert states == [[("loading", 1)], [("ready", 1)], [("ready", 0)], [("leaving", 0)], []]


def test_the_ladder_takes_each_rung_once_and_holds_nothing_of_the_errors() -> None:
    residents = residents_on(SimulatedDevice())
    touch(residents, "flute")
    tried: list[tuple[int, int]] = []

    def step(batch: int) -> str:
        tried.append((batch, len(residents.models())))
        assert sys.exc_info() == (None, None, None)
        raise OutOfMemory("full")

    with pytest.raises(EngineError, match="did not fit") as raised:
        residents.with_oom_ladder(step, 5)
    assert tried == [(5, 1), (2, 1), (1, 1), (1, 0)]
    assert raised.value.__context__ is None


def test_other_errors_pass_through_the_ladder_at_once() -> None:
    tried: list[int] = []

    def step(batch: int) -> None:
        tried.append(batch)
        raise CancelledError("The job was cancelled.")

    with pytest.raises(CancelledError):
        residents_on().with_oom_ladder(step, 4)
    assert tried == [4]


def test_torchs_word_for_a_full_device_is_understood_without_torch() -> None:
    theirs = type("OutOfMemoryError", (RuntimeError,), {"__module__": "torch.cuda"})
    others = type("OutOfMemoryError", (RuntimeError,), {"__module__": "game"})
    assert is_out_of_memory(theirs("CUDA out of memory"))
    assert not is_out_of_memory(others())
    assert not is_out_of_memory(RuntimeError("CUDA out of memory"))


def test_cuda_devices_follow_torchs_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    emptied: list[object] = []

    class Chosen:
        def __init__(self, index: int) -> None:
            self.index = index

        def __enter__(self) -> None:
            emptied.append(self.index)

        def __exit__(self, *error: object) -> None:
            emptied.append("left")

    torch = ModuleType("torch")
    torch.__spec__ = SimpleNamespace(name="torch")
    torch.cuda = SimpleNamespace(
        is_available=lambda: True,
        device_count=lambda: 2,
        mem_get_info=lambda index: (3_000 + index, 8_000),
        memory_reserved=lambda index: 700,
        memory_allocated=lambda index: 500,
        device=Chosen,
        empty_cache=lambda: emptied.append("emptied"),
    )
    monkeypatch.setitem(sys.modules, "torch", torch)
    first, second = cuda_devices()
    assert (first.name, second.name, first.kind) == ("cuda:0", "cuda:1", "gpu")
    assert (second.free_bytes(), second.total_bytes) == (3_201, 8_000)
    second.release()
    assert emptied == [1, "emptied", "left"]
    torch.cuda.is_available = lambda: False
    assert cuda_devices() == ()


def test_host_memory_is_what_the_system_says() -> None:
    host = HostMemory()
    assert 0 < host.free_bytes() <= host.total_bytes
    assert host.total_bytes > 1 << 28


def test_engines_that_use_models_are_given_the_residents_and_others_are_not() -> None:
    residents = Residents(FOR_EVER)
    registry = Registry(["tests.support.simulated_models:SimulatedEngine"], residents)
    assert registry.residents is residents
    assert registry.engines["simulated"]._residents is residents
    assert not hasattr(registry.engines["composer"], "use_models")


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("MUSISCENE_KEEP_ALIVE_S", "soon", "not a number"),
        ("MUSISCENE_KEEP_ALIVE_S", "-2", "cannot be kept for -2 s"),
        ("MUSISCENE_KEEP_ALIVE_S", "inf", "cannot be kept"),
        ("MUSISCENE_CPU_FALLBACK", "yes", "neither 0 nor 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InputError, match=words):
        ResidencySettings.from_environment()


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MUSISCENE_KEEP_ALIVE_S", raising=False)
    monkeypatch.delenv("MUSISCENE_CPU_FALLBACK", raising=False)
    assert ResidencySettings.from_environment() == ResidencySettings(keep_alive_s=300.0)
    monkeypatch.setenv("MUSISCENE_KEEP_ALIVE_S", "-1")
    monkeypatch.setenv("MUSISCENE_CPU_FALLBACK", "1")
    asked = ResidencySettings.from_environment()
    assert (asked.keep_alive_s, asked.cpu_fallback) == (-1.0, True)
