"""A film of several shots on an open Resolve timeline, and what an editor does to it."""

from __future__ import annotations

import sys
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from musiscene_plugins.resolve import connecting
from tests.support.fake_resolve import FakeItem, FakeMedia, FakeResolve, Semantics
from tests.support.fake_resolve.objects import FakeTimeline
from tests.support.timelines import small_movie

FIRST = 86_400


@dataclass(frozen=True)
class Cut:
    """Frames [first, first + length) of a film's reel, played at a speed."""

    reel: str
    first: int
    length: int
    speed: float = 1.0


FILM = (Cut("a", 0, 96), Cut("b", 20, 96), Cut("c", 0, 120), Cut("d", 40, 96), Cut("e", 0, 48))
"""456 frames at 24; the cue lies over b, c and d: frames 96 to 408."""
CUE = (96, 408)


def cut_film(folder: Path, flags: Semantics | None = None) -> FakeResolve:
    """A Resolve in which FILM is open."""
    resolve = FakeResolve(flags)
    world = resolve.world
    resolve.new_timeline("reel")
    folder.mkdir(parents=True, exist_ok=True)
    movie = small_movie(folder / "film.mp4", frames=240)
    for name in "abcdex":
        path = folder / f"{name}.mp4"
        path.write_bytes(movie.read_bytes())
        world.project.pool.top.clips.append(FakeMedia(world, str(path), "24.0"))
    lay(resolve, FILM)
    return resolve


def lay(resolve: FakeResolve, film: tuple[Cut, ...]) -> None:
    """The picture as `film` says; nothing else on the timeline moves."""
    world, reel = resolve.world, open_reel(resolve)
    pool = {Path(media.path).stem: media for media in world.project.pool.top.clips}
    items, at = [], FIRST
    for cut in film:
        item = FakeItem(world, pool[cut.reel], at, cut.length, cut.first)
        item.speed = cut.speed
        items.append(item)
        at += cut.length
    reel.kinds["video"][0].items = items


def open_reel(resolve: FakeResolve) -> FakeTimeline:
    made = resolve.world.current
    assert made is not None
    return made


def music(resolve: FakeResolve) -> dict[str, list[tuple[int, int, str]]]:
    """By track of ours: start, length and file of each clip."""
    return {
        track.name: [
            (item.start - FIRST, item.duration, item.media.path)
            for item in track.items
            if item.media
        ]
        for track in open_reel(resolve).kinds["audio"]
        if track.name.startswith("MusiScene")
    }


def reach(resolve: FakeResolve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command line find `resolve` where it looks for a running one."""
    module: Any = types.ModuleType(connecting.MODULE)
    module.scriptapp = lambda name: resolve if name == "Resolve" else None
    monkeypatch.setitem(sys.modules, connecting.MODULE, module)
