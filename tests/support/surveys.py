"""Small surveys: scenes of tones, prepared and held by the real commands."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from musiscene_core.media import to_int24, write_wav
from musiscene_training.cli import main
from tests.support.make_media import make_movie, tone

SCENES = ("Heist", "Farewell", "Chase")
SYSTEMS = ("marvin", "original", "zebra")


def sound_scenes(folder: Path, *, seconds: float = 1.0, scenes: tuple[str, ...] = SCENES) -> Path:
    """Scenes of sound alone, each system 6 dB softer than the one before, its name within."""
    for number, scene in enumerate(scenes):
        (folder / scene).mkdir(parents=True)
        for rank, system in enumerate(SYSTEMS):
            wave = tone(round(seconds * 48_000), 220 + 40 * number + 10 * rank, channels=2)
            write_wav(
                folder / scene / f"{system}.wav",
                to_int24(wave * np.float32(0.5**rank)),
                description=f"made by {system}",
            )
    return folder


def film_scenes(folder: Path, *, frames: int = 50) -> Path:
    """Two scenes of film with three systems, for a browser to play."""
    for number, scene in enumerate(SCENES[:2]):
        (folder / scene).mkdir(parents=True)
        for rank, system in enumerate(SYSTEMS):
            wave = tone(frames * 1920, 220 + 40 * number + 10 * rank, channels=2)
            make_movie(folder / scene / f"{system}.mp4", frames=frames, sounds=[wave])
    return folder


def prepared(scenes: Path, folder: Path, *arguments: str) -> Path:
    """The survey of `scenes` in `folder`, by the command."""
    assert main(["survey", "prepare", str(scenes), "--output", str(folder), *arguments]) == 0
    return folder


@dataclass
class Held:
    """A survey being held by a process of its own."""

    address: str
    process: subprocess.Popen[str]

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(re.findall(r":(\d+)/", self.address)[0])


@contextlib.contextmanager
def held(folder: Path, *arguments: str) -> Iterator[Held]:
    """Hold the survey in `folder` at a free port."""
    command = [sys.executable, "-m", "musiscene_training.cli", "survey", "serve", str(folder)]
    with subprocess.Popen(
        [*command, "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            address = process.stdout.readline().strip()
            if not address:
                raise AssertionError(process.stderr.read())
            yield Held(address, process)
        finally:
            process.kill()


@dataclass
class Reply:
    """An answer of the server."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """As text."""
        return self.body.decode()


@dataclass
class Browser:
    """Just enough of a browser: it keeps cookies, and follows nothing by itself."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> Reply:
        """Ask for a page."""
        return self._asked("GET", path, None, headers)

    def post(self, path: str, value: object = None, **headers: str) -> Reply:
        """Send JSON."""
        headers = {"Content-Type": "application/json", **headers}
        return self._asked("POST", path, json.dumps(value).encode(), headers)

    def begin(self) -> str:
        """Become a listener; gives the code."""
        return self.post("/begin").headers["location"].rsplit("/", 1)[1]

    def _asked(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        with contextlib.closing(connection):
            kept = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            headers = {"Cookie": kept, **headers} if kept else headers
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            for name, value in answer.getheaders():
                if name.lower() == "set-cookie":
                    key, _, rest = value.partition("=")
                    self.cookies[key] = rest.split(";")[0]
            told = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, told, answer.read())


def tokens(page: str) -> list[str]:
    """The versions on a page, in order."""
    return re.findall(r'data-token="([^"]+)"', page)
