"""Damaged media through the real daemon: told of in words each, and nothing else suffers."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from musiscene_core.errors import MediaError
from musiscene_core.protocol import Client
from musiscene_core.ranges import FrameRange, SourceMapping
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import MediaReference, Role, TimelineClip, TimelineRange
from tests.support.daemons import Home, request
from tests.support.make_media import make_movie, make_sound, tone

FRAMES = 12
LONGEST_S = 30.0


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, Role]]:
    """Sound media, one of each kind."""
    folder = tmp_path_factory.mktemp("whole")
    voice = tone(24_000, 440)
    return [
        (make_movie(folder / "film.mp4", frames=FRAMES, rate=24, sounds=[voice]), "picture"),
        (make_movie(folder / "film.mov", frames=FRAMES, rate=24), "picture"),
        (make_sound(folder / "voice.wav", voice), "dialogue"),
        (make_sound(folder / "voice.flac", voice, codec="flac"), "dialogue"),
    ]


def range_of(path: Path, role: Role) -> TimelineRange:
    record = FrameRange(86_400, 86_400 + FRAMES)
    rate = FrameRate(24)
    clip = TimelineClip(
        name=path.name,
        media=MediaReference(path=str(path), name=path.name),
        mapping=SourceMapping(record, rate, 0, rate),
        role=role,
    )
    return TimelineRange(cue="1m1", rate=rate, record=record, clips=(clip,))


def damaged(data: bytes, kind: int, chance: random.Random) -> bytes:
    """`data` with one of four kinds of damage; the first two leave nothing to decode."""
    if kind == 0:
        return data[: chance.randrange(1, 24)]
    if kind == 1:
        return chance.randbytes(len(data))
    content = bytearray(data)
    if kind == 2:
        return bytes(content[: chance.randrange(24, len(content))])
    for _ in range(chance.randint(1, 400)):
        content[chance.randrange(len(content))] = chance.getrandbits(8)
    return bytes(content)


def said_of(client: Client, timeline: TimelineRange) -> str:
    """What the user hears of a file: an error, or the brief's warnings."""
    try:
        return " ".join(client.spot(timeline).warnings)
    except MediaError as error:
        return f"{error}"


def check(
    home: Home, client: Client, folder: Path, whole: list[tuple[Path, Role]], count: int
) -> None:
    for path, role in whole:
        assert path.name not in said_of(client, range_of(path, role))
    before = client.status()
    chance = random.Random(5)
    for number in range(count):
        kind = number % 4
        source, role = whole[number // 4 % len(whole)]
        path = folder / f"{number}{source.suffix}"
        path.write_bytes(damaged(source.read_bytes(), kind, chance))
        began = time.monotonic()
        said = said_of(client, range_of(path, role))
        assert time.monotonic() - began < LONGEST_S
        # A cut or a scratch may leave enough to work with; rubbish does not.
        assert path.name in said or kind >= 2, f"nothing was said of {path.name}"
    after = client.status()
    assert (after.pid, after.worker_pid) == (before.pid, before.worker_pid)
    assert len(client.score(request())) == 1
    assert home.partials() == []


def test_sixty_damaged_files_are_each_told_of_in_words(
    shared_home: Home, client: Client, whole: list[tuple[Path, Role]], tmp_path: Path
) -> None:
    check(shared_home, client, tmp_path, whole, 60)


@pytest.mark.slow
def test_five_hundred_damaged_files_are_each_told_of_in_words(
    shared_home: Home, client: Client, whole: list[tuple[Path, Role]], tmp_path: Path
) -> None:
    check(shared_home, client, tmp_path, whole, 500)
