"""Every editor host over the same scene: 48 frames at 24, one picture clip and its sound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from musiscene_core.timecode import FrameRate
from musiscene_plugins.formats.catalogue import writable
from musiscene_plugins.formats.edit import Edit, Event, Lane, Media
from musiscene_plugins.host import EditorHost, Placement
from musiscene_plugins.otio import open_timeline
from musiscene_plugins.resolve import ResolveHost
from musiscene_plugins.resolve.api import ResolveApi
from musiscene_plugins.resolve.transport import DirectTransport, Transport
from tests.support.edits import SUFFIXES, WRITTEN
from tests.support.fake_resolve import FakeMedia, FakeResolve, Semantics
from tests.support.fake_resolve.sandbox import Sandbox
from tests.support.timelines import clip, gap, saved, small_movie, timeline, track


@dataclass
class Stage:
    """A host, what it looks like after a placement, and all that belongs to the user."""

    host: EditorHost
    after: Callable[[Placement], EditorHost]
    users: Callable[[], Any]
    resolve: FakeResolve | None = None
    close: Callable[[], None] = field(default=lambda: None)


def _files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def _file_stage(path: Path) -> Stage:
    return Stage(
        host=open_timeline(path),
        after=lambda placement: open_timeline(Path(placement.timeline)),
        users=lambda: _files(path.parent),
    )


def otio_file(folder: Path) -> Stage:
    movie = str(small_movie(folder / "shot.mp4"))
    item = timeline(
        track("V1", "Video", clip("shot", 40, 24, url=movie), gap(8, 24)),
        track("A1", "Audio", clip("shot", 40, 24, url=movie)),
        start=86_400,
    )
    return _file_stage(saved(item, folder / "reel.otio"))


def written_file(key: str) -> Callable[[Path], Stage]:
    """The scene in a file of another format."""

    def made(folder: Path) -> Stage:
        rate = FrameRate(24)
        movie = small_movie(folder / "shot.mp4")
        media = Media(str(movie), movie.name, Fraction(0), Fraction(2), rate)
        lanes = (
            Lane("V1", "video", (Event("shot", media, 0, 48),)),
            Lane("A1", "audio", (Event("shot", media, 0, 48),)),
        )
        path = folder / f"reel{SUFFIXES[key]}"
        writable(key).write(Edit("reel", rate, 86_400, lanes), path)
        return _file_stage(path)

    return made


def bare_movie(folder: Path) -> Stage:
    return _file_stage(small_movie(folder / "reel.mp4"))


def fake_resolve(folder: Path, semantics: Semantics | None = None) -> FakeResolve:
    """A Resolve with the scene open, the user on another page and in a bin of their own."""
    resolve = FakeResolve(semantics)
    world = resolve.world
    made = resolve.new_timeline("reel")
    folder.mkdir(parents=True, exist_ok=True)
    movie = FakeMedia(world, str(small_movie(folder / "shot.mp4")), "24.0")
    world.project.pool.top.clips.append(movie)
    world.project.pool.open = world.project.pool.AddSubFolder(world.project.pool.top, "Rushes")
    made.put("video", 1, movie, made.start, 48)
    made.put("audio", 1, movie, made.start, 48)
    made.playhead = "01:00:01:05"
    world.page = "fairlight"
    return resolve


def users_state(resolve: FakeResolve) -> Any:
    """All that a user would notice."""
    world = resolve.world
    return (
        world.page,
        world.current and world.current.id,
        world.project.pool.open.name,
        [media.name for media in world.project.pool.top.clips],
        [
            (
                made.name,
                made.playhead,
                made.marks,
                made.markers,
                [
                    (one.name, one.enabled, one.locked, [(i.id, i.start) for i in one.items])
                    for kind in made.kinds.values()
                    for one in kind
                ],
            )
            for made in world.timelines
        ],
    )


def resolve_stage(resolve: FakeResolve, transport: Transport | None = None) -> Stage:
    api = ResolveApi(transport or DirectTransport(resolve))
    return Stage(
        host=ResolveHost(api),
        after=lambda _: ResolveHost(api),
        users=lambda: repr(users_state(resolve)),
        resolve=resolve,
        close=api.transport.close,
    )


UNKNOWN_TO_18 = (
    "ClearMarkInOut",
    "GetClipEnabled",
    "GetMarkInOut",
    "GetSelectedClips",
    "GetSourceEndFrame",
    "GetSourceStartFrame",
    "GetTrackSubType",
    "SetFades",
    "SetMarkInOut",
    "SetProperties",
)
FLAGS = {
    "as documented": Semantics(),
    "end frame inclusive": Semantics(end_frame_inclusive=True),
    "timeline end inclusive": Semantics(timeline_end_inclusive=True),
    "mono unless asked in words": Semantics(track_options_unknown=True),
    "numbered tables": Semantics(numbered_tables=True),
    "second import refused": Semantics(reimport_refused=True),
    "append lies": Semantics(append_lies=True),
    "21.1 with levels": Semantics(version="21.1.0.14", missing=frozenset()),
    "18.6 without marks": Semantics(
        version="18.6.6",
        missing=frozenset(UNKNOWN_TO_18),
    ),
}


def _flagged(semantics: Semantics) -> Callable[[Path], Stage]:
    return lambda folder: resolve_stage(fake_resolve(folder, semantics))


def _over_the_bridge(semantics: Semantics) -> Callable[[Path], Stage]:
    def made(folder: Path) -> Stage:
        resolve = fake_resolve(folder, semantics)
        sandbox = Sandbox(resolve, folder / "profile")
        stage = resolve_stage(resolve, sandbox.connect(hello_s=20, answer_s=20))
        stage.close = sandbox.close
        return stage

    return made


FREE = Semantics(product="DaVinci Resolve", version="21.1.0.14")
STAGES: dict[str, Callable[[Path], Stage]] = {
    "otio file": otio_file,
    "bare movie": bare_movie,
    **{f"{key} file": written_file(key) for key in WRITTEN[1:]},
    **{f"Resolve, {name}": _flagged(semantics) for name, semantics in FLAGS.items()},
    "Lua bridge": _over_the_bridge(FREE),
    "Lua bridge, end frame inclusive": _over_the_bridge(replace(FREE, end_frame_inclusive=True)),
}
