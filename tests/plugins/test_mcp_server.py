"""The MCP server as an assistant's program drives it: a child process, spoken to over its pipes."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import wave
from collections.abc import Awaitable, Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import opentimelineio as otio
import pytest

from musiscene_core.brief import Caption, HowWritten
from musiscene_core.codec import read_json, to_json
from musiscene_core.take import Take
from tests.support.daemons import ARGUMENTS, ROOT, request, wait_until
from tests.support.timelines import clip, saved, timeline, track

pytest.importorskip("mcp", reason="the extra mcp is not installed")
from mcp import Client, StdioServerParameters, stdio_client

COMMAND = (sys.executable, "-m", "musiscene_plugins.cli.main")
TOOLS = {"spot", "score", "compose", "conform", "place", "jobs", "cancel", "takes"}


class Assistant:
    """A folder with the demo film, and a program that speaks to the server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.film = folder / "film.mp4"
        shutil.copyfile(str(files("musiscene_plugins.cli") / "demo_film.mp4"), self.film)
        self.home = folder.parent / "home"
        self.errors = folder.parent / "stderr.txt"
        self.environment = {**os.environ, "MUSISCENE_HOME": str(self.home)}

    def ask(self, talk: Callable[[Client], Awaitable[Any]]) -> Any:
        async def whole() -> Any:
            server = StdioServerParameters(
                command=COMMAND[0],
                args=[*COMMAND[1:], "mcp", "--root", str(self.folder)],
                env=self.environment,
            )
            with self.errors.open("a") as errors:
                async with Client(stdio_client(server, errlog=errors)) as client:
                    return await talk(client)

        return asyncio.run(whole())


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    folder = tmp_path_factory.mktemp("assistant") / "films"
    folder.mkdir()
    made = Assistant(folder)
    yield made
    subprocess.run([*COMMAND, "daemon", "stop"], env=made.environment, check=True)


def test_the_tools_say_what_they_take_and_give(assistant: Assistant) -> None:
    listed = assistant.ask(lambda client: client.list_tools()).tools
    assert {tool.name for tool in listed} == TOOLS
    score = next(tool for tool in listed if tool.name == "score")
    assert score.input_schema["required"] == ["file"]
    assert score.input_schema["properties"]["takes"]["maximum"] == 16
    assert set(score.output_schema["properties"]) == {"takes", "timeline"}


def test_it_scores_the_first_seconds_of_a_film_and_places_them(assistant: Assistant) -> None:
    told: list[tuple[float, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        assert total == 1.0
        told.append((progress, message))

    async def talk(client: Client) -> Any:
        wanted = {
            "file": str(assistant.film),
            "record_out": "00:00:03:00",
            "cue": "opening",
            "words": "tense, no drums",
            "key": "D minor",
        }
        return await client.call_tool("score", wanted, progress_callback=hear)

    done = assistant.ask(talk)
    assert not done.is_error, done.content
    answer = done.structured_content
    (take,) = answer["takes"]
    assert (take["cue"], take["record_in"], take["record_out"], take["key"]) == (
        "opening",
        "00:00:00:00",
        "00:00:03:00",
        "D minor",
    )
    folder = assistant.folder / "film-score" / "opening" / "take-1"
    assert (take["folder"], take["mix"]) == (str(folder), str(folder / "mix.wav"))
    with wave.open(take["mix"]) as sound:
        assert sound.getnframes() == 3 * 48_000
    written = otio.adapters.read_from_file(answer["timeline"])
    assert written.tracks[-1].name.startswith("MusiScene ")
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] > 0.5
    assert all(message for _, message in told)

    async def after(client: Client) -> list[Any]:
        place = {"takes": [str(folder)], "file": answer["timeline"], "single": True}
        asked = (("place", place), ("takes", {"words": "opening"}), ("jobs", {}))
        return [(await client.call_tool(tool, given)).structured_content for tool, given in asked]

    again, found, jobs = assistant.ask(after)
    assert again["timeline"].endswith("film.scored-2.otio")
    assert [found["total"], found["takes"][0]["cue"]] == [1, "opening"]
    assert {job["kind"] for job in jobs["jobs"]} == {"spot", "score"}


def test_a_take_is_fitted_where_its_film_went(assistant: Assistant) -> None:
    def cut(name: str, first: int) -> str:
        film = str(assistant.film)
        shots = [clip("a", first, 24, url=film), clip("b", 240, 24, start=200, url=film)]
        made = timeline(track("V1", "Video", *shots), start=86_400)
        return str(saved(made, assistant.folder / name))

    async def talk(client: Client) -> list[Any]:
        asked = {"file": cut("v1.otio", 200), "cue": "cut", "tempo": 96.0}
        scored = (await client.call_tool("score", asked)).structured_content
        folder = scored["takes"][0]["folder"]
        wanted = {"take": folder, "file": cut("v2.otio", 188)}
        return [scored, (await client.call_tool("conform", wanted)).structured_content]

    scored, fitted = assistant.ask(talk)
    assert any("12 frames off" in " ".join(row) for row in fitted["changes"])
    (take,) = fitted["takes"]
    assert (take["record_in"], take["record_out"]) == ("01:00:00:00", "01:00:17:20")
    made = [
        read_json(Path(answer["takes"][0]["folder"]) / "take.json", Take)
        for answer in (scored, fitted)
    ]
    # Fitted, not scored anew: it knows the take it comes from.
    assert made[1].provenance.conformed_from
    assert made[1].provenance.seed == made[0].provenance.seed
    assert fitted["timeline"].endswith("v2.scored.otio")


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("spot", {"file": "/etc/hostname"}, "musiscene mcp --root"),
    ("spot", {"file": "{folder}/../home"}, "musiscene mcp --root"),
    ("spot", {"file": "{folder}/link.mp4"}, "musiscene mcp --root"),
    ("score", {"file": "{folder}/film.mp4", "output": "/tmp"}, "musiscene mcp --root"),
    ("score", {"file": "{folder}/outside.otio"}, "musiscene mcp --root"),
    ("spot", {"file": "{folder}/none.mp4"}, "Check the name"),
    ("score", {"file": "{folder}/film.mp4", "record_in": "25:99"}, "timecode"),
    ("score", {"file": "{folder}/film.mp4", "takes": 99}, "takes"),
    ("score", {"file": "{folder}/film.mp4", "engine": "no such"}, "engine"),
    ("compose", {"mood": "calm", "duration": "1e9"}, "Write it in seconds"),
    ("cancel", {"job": "nonsense"}, "job"),
    ("conform", {"take": "ffff", "file": "{folder}/film.mp4"}, "take"),
]


def test_what_cannot_be_is_a_tool_error_that_says_what_to_do(assistant: Assistant) -> None:
    outside = assistant.folder.parent / "outside.mp4"
    shutil.copyfile(assistant.film, outside)
    link = assistant.folder / "link.mp4"
    link.unlink(missing_ok=True)
    link.symlink_to(outside)
    media = otio.schema.ExternalReference(str(outside))
    clip = otio.schema.Clip(
        "far", media, otio.opentime.TimeRange(duration=otio.opentime.RationalTime(48, 24))
    )
    line = otio.schema.Timeline("outside")
    line.tracks.append(otio.schema.Track("V1", [clip], kind="Video"))
    otio.adapters.write_to_file(line, str(assistant.folder / "outside.otio"))

    async def talk(client: Client) -> list[Any]:
        answers = []
        for tool, arguments, _ in REFUSED:
            given = {
                key: value.replace("{folder}", str(assistant.folder))
                if isinstance(value, str)
                else value
                for key, value in arguments.items()
            }
            answers.append(await client.call_tool(tool, given))
        return answers

    for (tool, arguments, said), answer in zip(REFUSED, assistant.ask(talk), strict=True):
        assert answer.is_error, (tool, arguments)
        assert said in answer.content[0].text, (tool, arguments)
        assert "Traceback" not in answer.content[0].text


def test_a_project_for_sale_holds_for_an_assistant_too(assistant: Assistant) -> None:
    show = assistant.folder / "show"
    show.mkdir()
    film = shutil.copy(assistant.film, show)
    chosen = [*COMMAND, "licence", "commercial", "--project", str(show)]
    subprocess.run(chosen, env=assistant.environment, check=True, capture_output=True)
    asked = request(engine="composer")
    # Words by a house style that is not here, so that nobody knows whether it may be sold.
    how = HowWritten(writer="nano", adapters=(("a house that is gone", 1.0),))
    captions = msgspec.structs.replace(asked.brief.captions, music=Caption("Slow.", how=how))
    brief = msgspec.structs.replace(asked.brief, captions=captions)
    earlier = show / "request.json"
    earlier.write_bytes(to_json(msgspec.structs.replace(asked, brief=brief)))

    async def talk(client: Client) -> Any:
        wanted = {"take": str(earlier), "file": film, "record_out": "00:00:01:00"}
        return await client.call_tool("conform", wanted)

    answer = assistant.ask(talk)
    assert answer.is_error
    assert "adapter a house that is gone may not be used commercially" in answer.content[0].text
    assert not (show / "film-score").exists()


def test_a_timeline_of_a_project_for_sale_is_not_scored_by_what_may_not_be_sold(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "films"
    show = folder / "show"
    show.mkdir(parents=True)
    assistant = Assistant(folder)
    # The film lies elsewhere: only who asks knows that its timeline is the project's.
    shot = clip("a", 48, 24, url=str(assistant.film))
    file = saved(timeline(track("V1", "Video", shot)), show / "cut.otio")
    chosen = [*COMMAND, "licence", "commercial", "--project", str(show)]
    subprocess.run(chosen, env=assistant.environment, check=True, capture_output=True)
    daemon = subprocess.Popen(
        [sys.executable, "-m", "musiscene_daemon", *ARGUMENTS], cwd=ROOT, env=assistant.environment
    )

    async def talk(client: Client) -> list[Any]:
        asked = {"file": str(file), "cue": "sold", "engine": "scripted"}
        refused = await client.call_tool("score", asked)
        return [refused, await client.call_tool("jobs", {})]

    try:
        wait_until(lambda: any(assistant.home.rglob("connection.json")), within_s=60)
        refused, jobs = assistant.ask(talk)
    finally:
        subprocess.run([*COMMAND, "daemon", "stop"], env=assistant.environment, check=True)
        daemon.wait(60)
    assert refused.is_error
    assert "scripted may not be used commercially" in refused.content[0].text
    assert jobs.structured_content["jobs"] == []
    assert sorted(path.name for path in show.iterdir()) == ["cut.otio", "musiscene-project.json"]


def test_nothing_that_was_asked_is_logged(assistant: Assistant) -> None:
    secret = "sesame-oath"

    async def talk(client: Client) -> None:
        await client.call_tool("compose", {"mood": f"calm {secret}", "duration": "1"})
        await client.call_tool("spot", {"file": f"/{secret}.mp4"})

    assistant.ask(talk)
    logs = [path.read_text() for path in (assistant.home / "log").iterdir()]
    assert secret not in "".join([*logs, assistant.errors.read_text()])


def test_a_call_that_is_given_up_cancels_its_job(assistant: Assistant) -> None:
    async def talk(client: Client) -> list[str]:
        begun = asyncio.Event()

        async def hear(progress: float, total: float | None, message: str | None) -> None:
            begun.set()

        wanted = {"mood": "calm, then epic", "duration": "300", "cue": "given up"}
        call = asyncio.create_task(
            client.call_tool("compose", wanted, progress_callback=hear)  # type: ignore[arg-type]
        )
        await asyncio.wait_for(begun.wait(), 60)
        call.cancel()
        await asyncio.wait([call])
        while True:
            jobs = (await client.call_tool("jobs", {})).structured_content["jobs"]
            states = [job["state"] for job in jobs if job["cue"] == "given up"]
            if states[-1] not in ("queued", "running", "stopping"):
                return states
            await asyncio.sleep(0.1)

    assert assistant.ask(talk) == ["cancelled"]
