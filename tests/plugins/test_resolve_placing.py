"""Placing in Resolve when it goes wrong: all of it or none, and never anything of the user's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from musiscene_core.errors import HostError, HostLostError, MusiSceneError, TimelineError
from musiscene_core.ranges import FrameRange
from musiscene_core.timecode import FrameRate
from musiscene_plugins.host import TakeInFolder
from musiscene_plugins.placements import find_placement
from musiscene_plugins.resolve import ResolveHost
from musiscene_plugins.resolve.api import ResolveApi
from musiscene_plugins.resolve.transport import DirectTransport
from tests.support.editor_hosts import fake_resolve, users_state
from tests.support.fake_resolve import FakeItem, FakeResolve, Semantics
from tests.support.timelines import take_on_disk

RECORD = FrameRange(86_406, 86_436)


def host_of(resolve: FakeResolve) -> ResolveHost:
    return ResolveHost(ResolveApi(DirectTransport(resolve)))


def a_take(folder: Path, record: FrameRange = RECORD) -> TakeInFolder:
    return take_on_disk(folder, rate=FrameRate(24), record=record, hits=(0, 12), samples=4)


def own_tracks(resolve: FakeResolve) -> list[str]:
    names = [track.name for track in resolve.world.current.kinds["audio"]]
    return [name for name in names if name.startswith("MusiScene")]


def lock_last_track(resolve: FakeResolve) -> Callable[[], None]:
    return lambda: setattr(resolve.world.current.kinds["audio"][-1], "locked", True)


def delete_last_track(resolve: FakeResolve) -> Callable[[], None]:
    return lambda: resolve.world.current.kinds["audio"].pop()


def occupy_last_track(resolve: FakeResolve) -> Callable[[], None]:
    def occupy() -> None:
        world = resolve.world
        world.current.kinds["audio"][-1].items.append(FakeItem(world, None, RECORD.start + 5, 9))

    return occupy


def open_another(resolve: FakeResolve) -> Callable[[], None]:
    return lambda: resolve.new_timeline("another") and None


@pytest.mark.parametrize(
    ("fault", "at", "words"),
    [
        (lock_last_track, "AppendToTimeline", "is not on the track"),
        (delete_last_track, "AppendToTimeline", "deleted or renamed"),
        (open_another, "ImportMedia", "SetTrackName"),
        (open_another, "AppendToTimeline", "is not on the track"),
    ],
)
def test_what_is_dropped_without_a_word_is_found_and_all_is_taken_back(
    tmp_path: Path,
    fault: Callable[[FakeResolve], Callable[[], None]],
    at: str,
    words: str,
) -> None:
    resolve = fake_resolve(tmp_path)
    host, take = host_of(resolve), a_take(tmp_path / "t")
    reel = resolve.world.current
    reel.SetMarkInOut(3, 9)
    before = [track.name for track in reel.kinds["audio"]]
    users = users_state(resolve)
    resolve.world.before(at, fault(resolve))
    with pytest.raises(HostError, match=words) as caught:
        host.place_takes([take])
    assert caught.value.hint
    assert users_state(resolve)[:4] == users[:4]
    assert users_state(resolve)[4][0] == users[4][0]
    assert [track.name for track in reel.kinds["audio"]] == before
    assert reel.markers == {}
    assert not [media for media in pool_bin(resolve) if media.path.startswith(str(take.folder))]
    assert not list(take.folder.glob("placement*"))


def pool_bin(resolve: FakeResolve) -> list[object]:
    return [
        c for f in resolve.world.project.pool.top.folders if f.name == "MusiScene" for c in f.clips
    ]


def test_a_clip_that_fell_on_another_timeline_is_taken_back(tmp_path: Path) -> None:
    resolve = fake_resolve(tmp_path)

    def open_one_with_tracks() -> None:
        resolve.new_timeline("another").AddTrack("audio", "stereo")

    resolve.world.before("AppendToTimeline", open_one_with_tracks)
    with pytest.raises(HostError, match="is not on the track"):
        host_of(resolve).place_takes([a_take(tmp_path / "t")], layout="mix")
    assert resolve.world.timelines[1].all_items() == []
    assert len(resolve.world.timelines[0].all_items()) == 2


def test_a_users_clip_on_our_track_is_left_there_with_the_track(tmp_path: Path) -> None:
    resolve = fake_resolve(tmp_path)
    host = host_of(resolve)
    resolve.world.before("AppendToTimeline", occupy_last_track(resolve))
    with pytest.raises(HostError, match="AppendToTimeline"):
        host.place_takes([a_take(tmp_path / "t")], layout="mix")
    assert own_tracks(resolve) == ["MusiScene Mix"]
    assert [len(track.items) for track in resolve.world.current.kinds["audio"]] == [1, 1]


@pytest.mark.parametrize("call", ["AddTrack", "AppendToTimeline", "AddMarker", "GetDuration"])
def test_what_is_left_when_resolve_dies_can_be_undone_another_day(
    tmp_path: Path, call: str
) -> None:
    resolve = fake_resolve(tmp_path)
    host, take = host_of(resolve), a_take(tmp_path / "t")
    world = resolve.world
    host.describe()
    before = users_state(resolve)[4]
    skip = [lambda: None] * (3 if call == "GetDuration" else 1)
    world.before(call, *skip, world.die)
    with pytest.raises(HostError, match="did not answer") as caught:
        host.place_takes([take])
    assert f"musiscene undo {take.folder / 'placement.json'}" in caught.value.hint
    world.dead = False
    _, placement = find_placement(take.folder)
    assert not placement.complete
    host_of(resolve).remove_placement(placement)
    assert users_state(resolve)[4] == before
    assert not pool_bin(resolve)
    placed = host_of(resolve).place_takes([take])
    assert placed.tracks == placement.tracks


def test_hits_get_markers_but_not_over_the_users(tmp_path: Path) -> None:
    resolve = fake_resolve(tmp_path)
    reel = resolve.world.current
    reel.AddMarker(6, "Blue", "mine", "", 1, "")
    placement = host_of(resolve).place_takes([a_take(tmp_path / "t")])
    assert sorted(reel.markers) == [6, 18]
    assert reel.markers[6]["name"] == "mine"
    assert reel.markers[18]["customData"] == placement.markers[0].id
    assert placement.markers[0].frame == RECORD.start + 12
    reel.markers[30] = dict(reel.markers[6])
    host_of(resolve).remove_placement(placement)
    assert sorted(reel.markers) == [6, 30]


def test_cues_one_after_the_other_are_all_heard_and_marked(tmp_path: Path) -> None:
    resolve = fake_resolve(tmp_path)
    first = a_take(tmp_path / "one", FrameRange(86_400, 86_420))
    other = a_take(tmp_path / "other", FrameRange(86_400, 86_420))
    second = a_take(tmp_path / "two", FrameRange(86_424, 86_444))
    placement = host_of(resolve).place_takes([first, other, second])
    on = {track.name: track.enabled for track in resolve.world.current.kinds["audio"]}
    heard = [on[item.track] for item in placement.items]
    stems = len(first.take.stems)
    assert heard == [True] * stems + [True] * stems + [False] * stems
    assert len(set(placement.tracks)) == 2 * stems
    assert [marker.frame for marker in placement.markers] == [86_400, 86_412, 86_424, 86_436]
    # Each cue can be taken away alone.
    (_, one), (_, two) = find_placement(first.folder), find_placement(second.folder)
    assert {item.record for item in one.items} == {first.take.record}
    assert {Path(item.media).parents[2] for item in one.items} == {
        tmp_path / "one",
        tmp_path / "other",
    }
    assert [marker.frame for marker in two.markers] == [86_424, 86_436]
    host_of(resolve).remove_placement(two)
    left = [item for track in resolve.world.current.kinds["audio"] for item in track.items]
    assert {item.start for item in left} == {86_400}
    assert len(left) == 1 + 2 * stems
    host_of(resolve).remove_placement(one)
    assert own_tracks(resolve) == []
    assert resolve.world.current.markers == {}


def test_moved_music_is_the_users_and_stays(tmp_path: Path) -> None:
    resolve = fake_resolve(tmp_path)
    host = host_of(resolve)
    placement = host.place_takes([a_take(tmp_path / "t")], layout="mix")
    (item,) = resolve.world.current.kinds["audio"][-1].items
    item.start += 1
    with pytest.raises(TimelineError, match="moved or trimmed"):
        host.remove_placement(placement)
    host.place_takes([a_take(tmp_path / "again")], layout="mix", policy="replace")
    assert own_tracks(resolve) == ["MusiScene Mix", "MusiScene Mix 2"]
    assert item in resolve.world.current.all_items()


def test_a_track_that_the_user_also_uses_outlives_our_music(tmp_path: Path) -> None:
    resolve = fake_resolve(tmp_path)
    host = host_of(resolve)
    placement = host.place_takes([a_take(tmp_path / "t")], layout="mix")
    world = resolve.world
    theirs = FakeItem(world, world.project.pool.top.clips[0], RECORD.end, 4)
    world.current.kinds["audio"][-1].items.append(theirs)
    host.remove_placement(placement)
    assert [track.items for track in world.current.kinds["audio"]][-1] == [theirs]


def test_tracks_and_timelines_of_the_users_may_have_our_names(tmp_path: Path) -> None:
    resolve = fake_resolve(tmp_path)
    reel = resolve.world.current
    reel.AddTrack("audio", "stereo")
    reel.SetTrackName("audio", 2, "MusiScene Mix")
    resolve.new_timeline("reel")
    resolve.world.current = reel
    before = users_state(resolve)
    placement = host_of(resolve).place_takes([a_take(tmp_path / "t")], layout="mix")
    assert placement.tracks == ("MusiScene Mix 2",)
    assert [len(made.all_items()) for made in resolve.world.timelines] == [3, 0]
    # The other of that name is open when it is taken away, and stays so.
    resolve.world.current = resolve.world.timelines[1]
    host_of(resolve).remove_placement(placement)
    assert resolve.world.current is resolve.world.timelines[1]
    resolve.world.current = reel
    assert users_state(resolve) == before


def test_a_locked_track_is_said_before_anything_is_removed(tmp_path: Path) -> None:
    resolve = fake_resolve(tmp_path)
    host = host_of(resolve)
    placement = host.place_takes([a_take(tmp_path / "t")])
    resolve.world.current.kinds["audio"][2].locked = True
    before = users_state(resolve)
    with pytest.raises(HostError, match="is locked"):
        host.remove_placement(placement)
    assert users_state(resolve) == before
    with pytest.raises(HostError, match="is locked"):
        host.place_takes([a_take(tmp_path / "again")], policy="replace")
    assert users_state(resolve)[4] == before[4]


def test_a_deleted_clip_does_not_keep_the_others_from_going(tmp_path: Path) -> None:
    resolve = fake_resolve(tmp_path)
    host = host_of(resolve)
    placement = host.place_takes([a_take(tmp_path / "t")])
    del resolve.world.current.kinds["audio"][2]
    host.remove_placement(placement)
    assert own_tracks(resolve) == []


def test_a_placement_of_another_project_or_timeline_is_refused(tmp_path: Path) -> None:
    resolve = fake_resolve(tmp_path)
    host = host_of(resolve)
    placement = host.place_takes([a_take(tmp_path / "t")])
    project, resolve.world.project.id = resolve.world.project.id, "other"
    with pytest.raises(TimelineError, match="another project"):
        host.remove_placement(placement)
    resolve.world.project.id = project
    reel = resolve.world.timelines.pop()
    resolve.new_timeline("other")
    for attempt in (lambda: host.remove_placement(placement), host.describe):
        with pytest.raises(TimelineError, match="not in the"):
            attempt()
    assert len(reel.all_items()) == 7


def test_a_copy_of_the_timeline_is_the_users(tmp_path: Path) -> None:
    resolve = fake_resolve(tmp_path)
    host_of(resolve).place_takes([a_take(tmp_path / "t")], layout="mix")
    resolve.world.current.DuplicateTimeline("copy")
    again = a_take(tmp_path / "again")
    host_of(resolve).place_takes([again], layout="mix", policy="replace")
    assert own_tracks(resolve) == ["MusiScene Mix", "MusiScene Mix 2"]


def test_a_rate_frozen_at_import_that_gives_other_frames_is_refused(tmp_path: Path) -> None:
    resolve = fake_resolve(tmp_path, Semantics(project_rate="23.976"))
    take = a_take(tmp_path / "ok")
    host_of(resolve).place_takes([take], layout="mix")
    (item,) = resolve.world.current.kinds["audio"][-1].items
    assert (item.start, item.duration) == (RECORD.start, RECORD.length)
    coarse = fake_resolve(tmp_path / "coarse", Semantics(project_rate="10"))
    with pytest.raises(HostError, match="another frame rate"):
        host_of(coarse).place_takes([a_take(tmp_path / "b", FrameRange(86_406, 86_438))])
    assert own_tracks(coarse) == []


def test_without_a_project_or_timeline_it_says_what_to_open(tmp_path: Path) -> None:
    resolve = FakeResolve()
    with pytest.raises(HostError, match="No timeline is open"):
        host_of(resolve)
    resolve.world.project = None
    with pytest.raises(HostError, match="No project is open"):
        host_of(resolve)
    resolve.world.dead = True
    with pytest.raises(HostLostError):
        host_of(resolve)


def test_every_refusal_says_what_to_do(tmp_path: Path) -> None:
    for call in ("OpenPage", "SetCurrentFolder", "AddTrack", "SetTrackName", "ImportMedia"):
        resolve = fake_resolve(tmp_path / call)
        missing = frozenset({call, *Semantics().missing})
        resolve.world.semantics = Semantics(missing=missing)
        with pytest.raises(MusiSceneError, match=call) as caught:
            host_of(resolve).place_takes([a_take(tmp_path / f"t{call}")])
        assert caught.value.hint
        assert own_tracks(resolve) == []
