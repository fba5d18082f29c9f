"""A client and a daemon that both work: requests, results, events, errors."""

from __future__ import annotations

import os
import time
import wave
from pathlib import Path

import msgspec
import pytest

from musiscene_core import __version__
from musiscene_core.brief import SceneBrief
from musiscene_core.codec import read_json
from musiscene_core.cue import STEM_ROLES
from musiscene_core.errors import (
    CancelledError,
    DaemonError,
    EngineError,
    JobFailedError,
    MediaOfflineError,
    OutputError,
    RequestError,
    UnknownJobError,
)
from musiscene_core.protocol import PROTOCOL_VERSION, Client
from musiscene_core.ranges import SourceMapping
from musiscene_core.request import ScoreRequest
from musiscene_core.take import Take
from musiscene_core.timeline import MediaReference, TimelineClip
from tests.support.daemons import Home, request, scene, wait_until


def test_status_says_what_runs_and_with_what(shared_home: Home, client: Client) -> None:
    status = client.status()
    assert (status.version, status.protocol) == (__version__, PROTOCOL_VERSION)
    assert status.pid == shared_home.pid != os.getpid()
    assert status.worker_pid not in (0, status.pid)
    assert status.data_folder == str(shared_home.folder / "data")
    scripted = next(engine for engine in client.engines() if engine.name == "scripted")
    assert (scripted.version, scripted.max_length_s, scripted.commercial_use) == ("7", 20.0, False)


def test_every_take_is_a_folder_of_its_own_with_all_that_made_it(
    shared_home: Home, client: Client
) -> None:
    wish = request(cue="3m2 «Abschied» / Ende", takes=2, seed=40)
    scored = client.score(wish)
    assert [take.name for take, _ in scored] == ["take-1", "take-2"]
    assert [take.provenance.seed for take, _ in scored] == [40, 41]
    for take, folder in scored:
        assert folder.parent.parent == shared_home.folder / "data/takes"
        assert folder.parent.name.startswith("3m2-Abschied-Ende-")
        assert read_json(folder / "take.json", Take) == take
        assert read_json(folder / "brief.json", SceneBrief) == wish.brief
        assert read_json(folder / "request.json", ScoreRequest) == wish
        for name in ("mix.wav", "stems/melody.wav"):
            with wave.open(str(folder / name)) as sound:
                written = sound.readframes(1)
            assert int.from_bytes(written, "little") == take.provenance.seed
    assert shared_home.partials() == []


def test_progress_is_told_in_order_and_ends_with_the_result(client: Client) -> None:
    heard: list[tuple[str, float]] = []
    job_id = client.submit_score(request(takes=2, steps=6, step_s=0.06))
    result = client.wait(job_id, lambda stage, fraction: heard.append((stage, fraction)))
    fractions = [fraction for _, fraction in heard]
    assert fractions == sorted(fractions)
    assert {"Take 1: Playing", "Take 2: Playing"} <= {stage for stage, _ in heard}
    assert len(set(fractions)) >= 8
    assert [Path(take).name for take in result.takes] == ["take-1", "take-2"]
    assert Path(result.folder).is_dir()
    job = client.job(job_id)
    assert (job.state, job.fraction, job.attempts, job.stage) == ("done", 1.0, 1, "")


def test_progress_comes_no_more_often_than_it_can_be_shown(client: Client) -> None:
    heard: list[float] = []
    began = time.monotonic()
    client.score(request(steps=400, step_s=0.001), lambda _, fraction: heard.append(fraction))
    assert 2 <= len(heard) <= 25 * (time.monotonic() - began) + 4


def test_watching_shows_the_life_of_a_job_that_another_client_began(
    shared_home: Home, client: Client
) -> None:
    with shared_home.connect() as other:
        seen: list[str] = []
        watching = client.watch(timeout_s=10)
        submitted = ""
        for job in (
            watching if (submitted := other.submit_score(request(steps=3, step_s=0.06))) else ()
        ):
            if job.id == submitted:
                seen.append(job.state)
                if job.ended:
                    break
    assert seen[-1] == "done"
    assert "running" in seen
    assert seen == sorted(seen, key=["queued", "running", "done"].index)


def test_a_key_sent_twice_is_one_job(shared_home: Home, client: Client) -> None:
    before = len(shared_home.job_rows())
    first = client.submit_score(request(), key="my wish")
    assert client.submit_score(request(), key="my wish") == first
    client.wait(first)
    assert client.submit_score(request(), key="my wish") == first
    assert len(shared_home.job_rows()) == before + 1
    with pytest.raises(RequestError, match="already names another job"):
        client.submit_score(request(seed=6), key="my wish")
    with pytest.raises(RequestError, match="1 to 128 characters"):
        client.submit_score(request(), key="x" * 129)


def test_jobs_run_in_the_order_they_came(client: Client, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    ids = [client.submit_score(request(until=str(gate), seed=number)) for number in range(4)]
    wait_until(lambda: client.job(ids[0]).state == "running")
    assert [client.job(job_id).state for job_id in ids] == ["running", "queued", "queued", "queued"]
    status = client.status()
    assert (status.jobs_running, status.jobs_queued) == (1, 3)
    gate.touch()
    ended: list[str] = []
    for job_id in ids:
        client.wait(job_id)
        ended.append(job_id)
    listed = [job.id for job in client.jobs() if job.id in ids]
    assert listed == ended == ids


def test_a_queued_job_is_cancelled_at_once(client: Client, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    first = client.submit_score(request(until=str(gate)))
    second = client.submit_score(request())
    assert client.cancel(second).state == "cancelled"
    assert client.cancel(second).state == "cancelled"
    with pytest.raises(CancelledError):
        client.wait(second)
    gate.touch()
    client.wait(first)
    assert client.cancel(first).state == "done"


def test_a_running_job_stops_when_it_next_reports(shared_home: Home, client: Client) -> None:
    worker = client.status().worker_pid
    job_id = client.submit_score(request(until="/nowhere"))
    wait_until(lambda: client.job(job_id).state == "running")
    assert client.cancel(job_id).cancelling
    assert wait_until(lambda: client.job(job_id).state == "cancelled") < 0.5
    assert client.status().worker_pid == worker
    wait_until(lambda: shared_home.partials() == [])


def test_a_stuck_job_is_killed_within_a_second_and_work_goes_on(
    shared_home: Home, client: Client
) -> None:
    worker = client.status().worker_pid
    job_id = client.submit_score(request(fault="stuck", steps=2))
    wait_until(lambda: client.job(job_id).stage == "Playing")
    client.cancel(job_id)
    assert wait_until(lambda: client.job(job_id).state == "cancelled") < 1.0
    assert client.score(request())[0][0].name == "take-1"
    assert client.status().worker_pid != worker
    wait_until(lambda: shared_home.partials() == [])


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, CancelledError])
def test_an_interrupted_client_cancels_its_job(
    client: Client, interrupt: type[BaseException]
) -> None:
    def on_progress(stage: str, fraction: float) -> None:
        if stage == "Waiting":
            raise interrupt("enough")

    with pytest.raises(interrupt):
        client.score(request(until="/nowhere"), on_progress)
    wait_until(lambda: client.jobs()[-1].state == "cancelled", within_s=1.0)


def test_waiting_may_time_out_and_the_job_goes_on(client: Client, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    job_id = client.submit_score(request(until=str(gate)))
    with pytest.raises(DaemonError, match=r"not ended within 0\.2 s"):
        client.wait(job_id, timeout=0.2)
    gate.touch()
    assert client.wait(job_id).job_id == job_id


def test_an_engines_own_error_reaches_the_client_as_it_was(client: Client) -> None:
    with pytest.raises(RequestError) as raised:
        client.score(request(fault="input"))
    assert raised.value.message == "The tempo is too odd."
    assert raised.value.hint == "Take another one."


def test_a_full_disk_fails_the_job_and_leaves_nothing(shared_home: Home, client: Client) -> None:
    before = shared_home.results()
    with pytest.raises(OutputError, match="The disk is full"):
        client.score(request(fault="full"))
    wait_until(lambda: shared_home.partials() == [])
    assert shared_home.results() == before


def test_a_mistake_is_told_and_logged_without_its_words(shared_home: Home, client: Client) -> None:
    with pytest.raises(JobFailedError, match="ZeroDivisionError: counted to nothing"):
        client.score(request(fault="bug"))
    with pytest.raises(JobFailedError, match="FileNotFoundError"):
        client.score(request(fault="foreign"))
    log = shared_home.log()
    assert "ZeroDivisionError at " in log
    assert "scripted_engine.py" in log
    assert "counted to nothing" not in log
    assert "/elsewhere" not in log


def test_too_little_memory_is_no_mistake_of_the_program(client: Client) -> None:
    with pytest.raises(JobFailedError, match="not enough memory"):
        client.score(request(fault="memory"))


def test_the_log_holds_no_prompt_path_or_key(shared_home: Home, client: Client) -> None:
    client.score(request(diary=str(shared_home.folder / "canary")), lambda *_: None)
    log = shared_home.log()
    connection = shared_home.connection
    secrets = ("canary", str(shared_home.folder), "1m1", connection.client_secret_key)
    assert not [secret for secret in secrets if secret in log]
    assert "accepted" in log


def test_unknown_engines_and_unmet_needs_are_refused_before_any_work(
    shared_home: Home, client: Client
) -> None:
    before = len(shared_home.job_rows())
    with pytest.raises(EngineError, match="no engine called 'orchestra'") as missing:
        client.score(request(engine="orchestra"))
    assert "scripted" in missing.value.hint
    assert "musiscene.engines" in missing.value.hint
    with pytest.raises(RequestError, match="may not be used commercially"):
        client.score(request(licence="commercial"))
    with pytest.raises(RequestError, match="scores up to 20 s") as long:
        client.score(request(seconds=21))
    assert long.value.hint == "Mark a shorter range."
    assert len(shared_home.job_rows()) == before


def test_an_unknown_job_is_an_error(client: Client) -> None:
    for ask in (client.job, client.cancel, client.wait):
        with pytest.raises(UnknownJobError, match="no job 'nobody'"):
            ask("nobody")


def test_a_request_too_large_to_send_says_so(client: Client) -> None:
    with pytest.raises(DaemonError, match="the daemon takes 8 MB"):
        client.score(request(diary="x" * (9 << 20)))
    client.ping()


def test_spotting_comes_back_as_a_brief_and_is_kept(shared_home: Home, client: Client) -> None:
    brief = client.spot(scene(cue="4m1"))
    assert brief.timeline == scene(cue="4m1")
    assert brief.warnings == ("The range has no picture.",)
    job = client.jobs()[-1]
    assert (job.kind, job.cue, job.takes) == ("spot", "4m1", ())
    assert Path(job.folder).parent == shared_home.folder / "data/briefs"
    assert read_json(Path(job.folder, "brief.json"), SceneBrief) == brief


def test_media_that_is_offline_is_told_as_such(client: Client) -> None:
    bare = scene()
    clip = TimelineClip(
        name="gone",
        media=MediaReference(path="/nowhere/gone.mov"),
        mapping=SourceMapping(
            record=bare.record, record_rate=bare.rate, source_start=0, source_rate=bare.rate
        ),
    )
    with pytest.raises(MediaOfflineError, match="gone"):
        client.spot(msgspec.structs.replace(bare, clips=(clip,)))


def test_the_composer_scores_to_the_sample(client: Client) -> None:
    (take, folder), *others = client.score(
        request(engine="composer", seconds=3, licence="commercial")
    )
    assert others == []
    assert take.length_samples == 3 * 48_000
    assert [stem.role for stem in take.stems] == list(STEM_ROLES)
    assert all((folder / stem.path).stat().st_size > 3 * 48_000 * 3 for stem in take.stems)
    assert (folder / take.midi).read_bytes()[:4] == b"MThd"
    composer = next(engine for engine in client.engines() if engine.name == "composer")
    assert (take.provenance.engine, take.provenance.engine_version) == (
        "composer",
        composer.version,
    )
