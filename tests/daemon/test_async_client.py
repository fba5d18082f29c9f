"""The asyncio face, against a real daemon."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine
from inspect import signature
from typing import Any, TypeVar

import pytest

from musiscene_core.errors import DaemonError, UnknownJobError
from musiscene_core.protocol import Client
from musiscene_core.protocol.aio import AsyncClient
from tests.support.daemons import ARGUMENTS, Home, request, scene

R = TypeVar("R")


def run(work: Coroutine[Any, Any, R]) -> R:
    return asyncio.run(asyncio.wait_for(work, 20))


def test_the_calls_return_what_the_others_do(shared_home: Home, client: Client) -> None:
    async def work() -> None:
        async with AsyncClient(daemon_args=ARGUMENTS) as daemon:
            assert (await daemon.status()).pid == shared_home.pid
            names = {engine.name for engine in await daemon.engines()}
            assert {"composer", "musicgen", "remix", "scripted"} <= names
            job_id = await daemon.submit_spot(scene(), key="once")
            assert await daemon.submit_spot(scene(), key="once") == job_id
            assert (await daemon.wait(job_id)).job_id == job_id
            assert (await daemon.job(job_id)).state == "done"
            stages: list[str] = []
            takes = await daemon.score(request(), lambda stage, _: stages.append(stage))
            assert [take.name for take, _ in takes] == ["take-1"]
            assert stages
            assert (await daemon.spot(scene())).timeline == scene()
            assert "musiscene_uptime_seconds" in await daemon.metrics()
            assert (await daemon.call(Client.jobs))[-1] == (await daemon.jobs())[-1]
            with pytest.raises(UnknownJobError):
                await daemon.cancel("nobody")

    run(work())
    client.ping()


def test_waiting_for_one_job_holds_up_nothing_else(shared_home: Home, client: Client) -> None:
    gate = shared_home.folder / "async-gate"

    async def work() -> None:
        async with AsyncClient() as daemon:
            job_id = await daemon.submit_score(request(until=str(gate)))
            waits = [asyncio.create_task(daemon.wait(job_id)) for _ in range(3)]
            await asyncio.sleep(0.05)
            for _ in range(10):
                await daemon.ping()
            assert not any(wait.done() for wait in waits)
            gate.touch()
            assert {result.job_id for result in await asyncio.gather(*waits)} == {job_id}

    run(work())


def test_a_cancelled_wait_leaves_the_job_and_a_cancelled_score_does_not(
    shared_home: Home, client: Client
) -> None:
    gate = shared_home.folder / "never"

    async def work() -> None:
        async with AsyncClient() as daemon:
            job_id = await daemon.submit_score(request(until=str(gate)))
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(daemon.wait(job_id), 0.1)
            assert (await daemon.job(job_id)).state in ("queued", "running")
            await daemon.cancel(job_id)
            began = time.monotonic()
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(daemon.score(request(until=str(gate), seed=8)), 0.3)
            assert time.monotonic() - began < 1.0, "the caller was held up"
        last = client.jobs()[-1]
        assert last.id != job_id
        assert last.state == "cancelled" or last.cancelling

    run(work())


def test_both_faces_have_the_same_calls() -> None:
    def calls(face: type) -> set[str]:
        return {name for name in dir(face) if not name.startswith("_")}

    assert calls(AsyncClient) == calls(Client) | {"call"}
    for name in calls(Client):
        own, other = (
            list(signature(getattr(face, name)).parameters) for face in (Client, AsyncClient)
        )
        assert other == [parameter for parameter in own if parameter != "wanted"], name


def test_priority_estimates_and_time_left_reach_the_loop(shared_home: Home, client: Client) -> None:
    async def work() -> None:
        async with AsyncClient() as daemon:
            job_id = await daemon.submit_score(request(cue="late"), priority="batch")
            assert (await daemon.job(job_id)).priority == "batch"
            await daemon.wait(job_id)
            for seed in range(3):
                await daemon.score(request(cue="timed", seed=seed, step_s=0.05))
            assert await daemon.estimate("score", 2.0, engine="scripted") is not None
            left: list[float | None] = []
            await daemon.score(request(cue="timed", seed=9, step_s=0.1), on_eta=left.append)
            assert any(seconds is not None for seconds in left)

    run(work())


def test_jobs_of_one_program_are_cancelled_whatever_the_connection(
    shared_home: Home, client: Client
) -> None:
    gate = str(shared_home.folder / "never")

    async def work() -> None:
        async with AsyncClient() as daemon:
            other = client.submit_score(request(cue="other", until=gate))
            jobs = await asyncio.gather(
                *(daemon.submit_score(request(cue="mine", seed=n, until=gate)) for n in range(3))
            )
            assert await daemon.cancel_all() == 3
            states = {(await daemon.job(job_id)).state for job_id in jobs}
            assert states == {"cancelled"}
            assert not client.job(other).ended
            assert await daemon.cancel_all("mine") == 1

    run(work())


def test_watching_hears_every_change_and_may_be_left(shared_home: Home, client: Client) -> None:
    async def work() -> None:
        async with AsyncClient() as daemon:
            heard = []
            job_id = ""
            async for job in daemon.watch():
                heard.append(job)
                if job.id == job_id and job.ended:
                    break
                job_id = job_id or job.id
            assert heard[-1].state == "done"
            assert {job.state for job in heard if job.id == job_id} >= {"running", "done"}
            assert [job async for job in daemon.watch(timeout_s=0.05)] == []

    gate = shared_home.folder / "watch-gate"
    client.submit_score(request(cue="watched", until=str(gate)))
    threading.Timer(0.3, gate.touch).start()
    run(work())


def test_closing_ends_a_watch(shared_home: Home, client: Client) -> None:
    async def work() -> None:
        daemon = AsyncClient()
        watching = asyncio.create_task(anext(daemon.watch(), None))
        await asyncio.sleep(0.2)
        await daemon.close()
        assert await watching is None

    run(work())


def test_no_daemon_is_an_error_of_ours(own_home: Home) -> None:
    async def work() -> None:
        with pytest.raises(DaemonError, match="not running"):
            async with AsyncClient(start=False):
                raise AssertionError("connected to nothing")

    run(work())
