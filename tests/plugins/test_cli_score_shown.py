import msgspec

from musiscene_core.codec import to_json
from musiscene_core.critic import CRITIQUE_FILE, Critique
from musiscene_core.cue import DroppedHit, HitResult
from musiscene_core.ranges import FrameRange
from musiscene_core.timecode import FrameRate
from musiscene_plugins.cli.score import as_json, show_scored
from musiscene_plugins.cli.scoring import Scored
from musiscene_plugins.host import TakeInFolder
from tests.support.scenes import brief_of
from tests.support.timelines import take_on_disk


def test_every_hit_is_told_in_bars_and_beats_and_every_one_left_out_with_its_reason(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "160")
    placed = take_on_disk(tmp_path, rate=FrameRate(24), record=FrameRange(86400, 87400), samples=4)
    hit = HitResult(
        frame=48,
        kind="cut",
        label="door",
        beat=9.0,
        error_ms=-10.4,
        error_frames=-0.25,
        bar=3,
        place="beat 2",
    )
    dropped = tuple(
        DroppedHit(frame=100 + index, kind="cut", label="", reason="too weak")
        for index in range(10)
    )
    take = msgspec.structs.replace(placed.take, hits=(hit,), dropped=dropped)
    scored = Scored(
        brief=brief_of(10.0), takes=(TakeInFolder(take, placed.folder),), timeline="t.otio"
    )
    show_scored(scored)
    shown = capsys.readouterr().out
    assert "01:00:02:00" in shown
    assert "bar 3, beat 2" in shown
    assert "-0.25 frames (-10.4 ms)" in shown
    assert shown.count("Left out: cut at") == 8
    assert "Left out: cut at 01:00:04:04: too weak" in shown
    assert "and 2 more" in shown


def test_takes_are_shown_in_the_critics_order_with_its_reasons(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    takes = []
    for number, rank in ((1, 2), (2, 1)):
        place = tmp_path / str(number)
        place.mkdir()
        placed = take_on_disk(place, rate=FrameRate(24), record=FrameRange(0, 240), samples=4)
        critique = Critique(
            take="as it was called when judged",
            rank=rank,
            among=2,
            score=1 - rank / 4,
            criteria=(),
            reason=f"It is number {rank}.",
            listener="signals",
        )
        (placed.folder / CRITIQUE_FILE).write_bytes(to_json(critique))
        take = msgspec.structs.replace(placed.take, name=f"take-{number}")
        takes.append(TakeInFolder(take, placed.folder))
    scored = Scored(brief=brief_of(10.0), takes=takes, timeline="t.otio")
    show_scored(scored)
    shown = capsys.readouterr().out
    best, other = (shown.index(one) for one in ("1. take-2 (0.75): It", "2. take-1 (0.50): It"))
    assert best < other < shown.index("measurements alone")
    assert [one["critique"]["rank"] for one in as_json(scored)["takes"]] == [2, 1]
