"""Models in a real worker, seen through a real daemon."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from musiscene_core.errors import CancelledError, EngineError
from musiscene_core.protocol import Client
from musiscene_plugins.cli.main import main
from tests.support.daemons import Home, home, request, wait_until

ENGINE = ("--engines-from", "tests.support.simulated_models:SimulatedEngine")


@pytest.fixture(scope="module")
def models_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with home(tmp_path_factory.mktemp("home")) as place:
        with place.connect(*ENGINE) as client:
            client.engines()
        yield place


@pytest.fixture
def client(models_home: Home) -> Iterator[Client]:
    """A client of a daemon that holds no models."""
    with models_home.connect(*ENGINE) as client:
        for model in client.models():
            client.unload(model.name)
        wait_until(lambda: client.models() == ())
        yield client


@pytest.fixture
def events(tmp_path: Path) -> Path:
    return tmp_path / "events"


def score(client: Client, **plan: object) -> list[str]:
    """Run a plan; returns the stages that it went through."""
    stages: list[str] = []
    client.score(request(engine="simulated", **plan), lambda stage, fraction: stages.append(stage))
    return stages


def held(client: Client) -> list[str]:
    return [model.name for model in client.models()]


def test_two_models_that_do_not_fit_together_alternate(client: Client, events: Path) -> None:
    for _ in range(2):
        for name in ("cello", "choir"):
            score(client, models=[name], events=str(events))
            wait_until(lambda name=name: held(client) == [name])
    turns = ["load cello", "unload cello", "load choir", "unload choir"] * 2
    assert events.read_text().splitlines() == turns[:-1]
    (model,) = client.models()
    assert (model.device, model.bytes, model.state, model.users) == ("sim:0", 7_000, "ready", 0)
    assert client.status().models == (model,)
    text = client.metrics().splitlines()
    assert "musiscene_models 1" in text
    assert f'musiscene_model_bytes{{model="{model.name}",device="sim:0"}} 7000' in text


def test_two_models_that_fit_stay_and_are_loaded_once(client: Client, events: Path) -> None:
    for name in ("cello", "flute", "cello", "flute"):
        score(client, models=[name], events=str(events))
    assert held(client) == ["cello", "flute"]
    assert events.read_text().splitlines() == ["load cello", "load flute"]


def test_an_idle_model_goes_when_its_time_is_up(client: Client, events: Path) -> None:
    score(client, models=["flute"], keep_s=0.2, events=str(events))
    wait_until(lambda: held(client) == [])
    assert events.read_text().splitlines() == ["load flute", "unload flute"]


def test_a_worker_that_dies_while_loading_leaves_an_empty_ledger(
    client: Client, events: Path
) -> None:
    score(client, models=["flute"])
    wait_until(lambda: held(client) == ["flute"])
    worker = client.status().worker_pid
    score(client, models=["choir"], events=str(events), die_loading=1)
    assert client.jobs()[-1].attempts == 2
    assert client.status().worker_pid != worker
    wait_until(lambda: held(client) == ["choir"])
    assert events.read_text().splitlines() == ["load choir", "load choir"]


def test_an_idle_worker_that_dies_takes_its_models_along(client: Client) -> None:
    score(client, models=["flute"])
    wait_until(lambda: held(client) == ["flute"])
    worker = client.status().worker_pid
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: client.status().worker_pid not in (0, worker))
    assert held(client) == []


def test_a_load_can_be_cancelled_and_leaves_nothing(client: Client) -> None:
    worker = client.status().worker_pid
    job_id = client.submit_score(request(engine="simulated", models=["choir"], load_s=1.0))
    wait_until(lambda: client.job(job_id).stage == "Loading choir")
    assert [model.state for model in client.models()] == ["loading"]
    client.cancel(job_id)
    with pytest.raises(CancelledError):
        client.wait(job_id)
    wait_until(lambda: held(client) == [])
    assert client.status().worker_pid == worker
    score(client, models=["cello"])


@pytest.mark.parametrize(
    ("resident", "batch", "item_bytes", "fitted"),
    [
        ("flute", 8, 900, ["load cello", "batch 2"]),
        ("flute", 4, 3_000, ["load cello", "batch 1"]),
    ],
)
def test_work_that_runs_out_of_memory_takes_less_at_a_time_then_makes_room(
    client: Client,
    events: Path,
    resident: str,
    batch: int,
    item_bytes: int,
    fitted: list[str],
) -> None:
    score(client, models=[resident])
    stages = score(client, models=["cello"], events=str(events), batch=batch, item_bytes=item_bytes)
    assert "Making room" in stages
    assert events.read_text().splitlines() == fitted
    left = ["flute", "cello"] if batch == 8 else ["cello"]
    wait_until(lambda: held(client) == left)


def test_work_that_cannot_fit_fails_in_words_and_the_next_job_succeeds(client: Client) -> None:
    score(client, models=["flute"])
    with pytest.raises(EngineError, match="did not fit") as raised:
        score(client, models=["cello"], batch=4, item_bytes=4_001)
    assert "shorter range" in raised.value.hint
    wait_until(lambda: held(client) == ["cello"])
    score(client, models=["cello"], batch=4, item_bytes=1_000)


def test_a_model_larger_than_the_device_is_refused_before_loading(
    client: Client, events: Path
) -> None:
    score(client, models=["flute"])
    with pytest.raises(EngineError, match=r"needs 19\.5 KiB; sim:0 has 9\.8 KiB in all") as raised:
        score(client, models=["whale"], events=str(events))
    assert "MUSISCENE_CPU_FALLBACK=1" in raised.value.hint
    assert not events.exists()
    assert held(client) == ["flute"]


def test_takes_share_one_model_which_is_unloaded_only_after_them(
    client: Client, tmp_path: Path, events: Path
) -> None:
    gate = tmp_path / "gate"
    wish = request(
        engine="simulated", models=["cello"], threads=4, gate=str(gate), events=str(events)
    )
    job_id = client.submit_score(wish)
    wait_until(lambda: [model.users for model in client.models()] == [4])
    assert client.models()[0].unload_at is None
    client.unload("cello")
    threading.Event().wait(0.1)
    assert [model.users for model in client.models()] == [4]
    gate.touch()
    client.wait(job_id)
    wait_until(lambda: held(client) == [])
    assert events.read_text().splitlines() == ["load cello", "unload cello"]


def test_a_model_that_is_not_there_cannot_be_unloaded(client: Client) -> None:
    score(client, models=["flute"])
    wait_until(lambda: held(client) == ["flute"])
    with pytest.raises(EngineError, match="'tuba' is not in memory") as raised:
        client.unload("tuba")
    assert raised.value.hint == "Models in memory: flute."


def test_the_command_line_shows_what_is_in_memory(
    client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    score(client, models=["flute"])
    wait_until(lambda: [model.users for model in client.models()] == [0])
    assert main(["daemon", "status"]) == 0
    assert re.search(r"flute on sim:0, 0 MiB: idle, unloaded in \d+ s", capsys.readouterr().out)
