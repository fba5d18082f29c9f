"""Composing from words, writing captions anew and conforming, through a real daemon."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from musiscene_core.brief import Caption, Captions, EmotionCurve, SceneBrief
from musiscene_core.codec import read_json
from musiscene_core.conforming import Changes
from musiscene_core.errors import EngineError, InputError, RequestError
from musiscene_core.protocol import Client
from musiscene_core.protocol.messages import Accepted
from musiscene_core.protocol.submissions import SubmitCompose, SubmitConform
from musiscene_core.ranges import FrameRange
from musiscene_core.request import CaptionRequest, ComposeRequest, ScoreRequest
from musiscene_core.sketch import as_score_request
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import Marker, TimelineRange
from tests.support.daemons import Home, request, scene, wait_until
from tests.support.scenes import brief_of


def wish(mood: str = "tense, then triumphant", seconds: int = 2, **more: object) -> ComposeRequest:
    given = {"engine": "scripted", "takes": 2, "seed": 5} | more
    return ComposeRequest(mood=mood, frames=24 * seconds, rate=FrameRate(24), **given)


def test_a_cue_is_composed_from_words_like_any_score(client: Client) -> None:
    stages: list[str] = []
    made = client.compose(wish(cue="2m2"), lambda stage, _: stages.append(stage))
    assert [take.name for take, _ in made] == ["take-1", "take-2"]
    assert {take.provenance.seed for take, _ in made} == {5, 6}
    assert any(stage.startswith("Take 2: ") for stage in stages)
    for take, folder in made:
        assert (take.cue, take.record, take.length_samples) == ("2m2", FrameRange(0, 48), 96_000)
        scored = read_json(folder / "request.json", ScoreRequest)
        assert scored == as_score_request(wish(cue="2m2"))
        assert read_json(folder / "brief.json", SceneBrief) == scored.brief
    job = client.jobs()[-1]
    assert (job.kind, job.cue, job.takes) == ("compose", "2m2", ("take-1", "take-2"))
    assert Path(job.folder).parent.name == "takes"


def test_a_key_names_one_composition(client: Client) -> None:
    first = client.submit_compose(wish(), key="one-cue")
    assert client.submit_compose(wish(), key="one-cue") == first
    with pytest.raises(RequestError, match="already names another job"):
        client.submit_compose(wish("sad"), key="one-cue")
    client.wait(first)


def test_what_cannot_be_composed_is_refused_before_it_waits(client: Client) -> None:
    client.engines()
    before = len(client.jobs())
    with pytest.raises(RequestError, match=r"360000\.0 s; scripted scores up to 20 s"):
        client.compose(wish(seconds=360_000))
    with pytest.raises(EngineError, match="no engine called 'flute'"):
        client.compose(wish(engine="flute"))
    with pytest.raises(RequestError, match="may not be used commercially"):
        client.compose(wish(licence="commercial"))
    assert len(client.jobs()) == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mood": ""}, "The mood says nothing"),
        ({"frames": 0}, "no length"),
        ({"frames": -1}, "no length"),
        ({"takes": 10**6}, "Takes must be"),
    ],
)
def test_a_wish_that_another_client_sends_is_checked_too(
    client: Client, change: dict[str, object], said: str
) -> None:
    fields = msgspec.to_builtins(SubmitCompose(wish(), key="bad"))
    fields["request"] |= change

    class Raw(msgspec.Struct, tag="submit_compose"):
        request: dict[str, object]
        key: str

    with pytest.raises(RequestError, match=said):
        client._talk.call(Raw(fields["request"], "bad"), Accepted)  # type: ignore[arg-type]


def test_a_killed_daemon_composes_on(own_home: Home) -> None:
    gate = own_home.folder / "gate"
    script = json.dumps({"until": str(gate), "diary": str(own_home.folder / "diary")})
    with own_home.connect() as client:
        job_id = client.submit_compose(wish(script))
        wait_until(lambda: client.job(job_id).state == "running" and own_home.partials())
        own_home.kill()
        gate.touch()
        result = client.wait(job_id)
        assert [Path(take).name for take in result.takes] == ["take-1", "take-2"]
        assert client.job(job_id).attempts == 2
    assert len(own_home.results()) == 1
    wait_until(lambda: own_home.partials() == [])


def captioned(**captions: Caption) -> SceneBrief:
    return msgspec.structs.replace(
        brief_of(20.0, cuts=(5.0,), sad=1.0, valence=-0.6, arousal=-0.5),
        captions=Captions(**captions),
    )


def test_one_caption_is_written_anew_after_others_were_edited(client: Client) -> None:
    mine = Caption("a river at night", "user", edited=True)
    brief = captioned(video=mine, fusion=Caption("old"))
    made = client.caption(CaptionRequest(brief=brief, only=("fusion",)))
    assert made.captions.fusion.text == "Sad, restrained music."
    assert msgspec.structs.replace(made.captions, fusion=Caption()) == Captions(video=mine)
    all_new = client.caption(CaptionRequest(brief=brief))
    assert (all_new.captions.video, all_new.captions.music.text) == (
        mine,
        "There is no temp track.",
    )
    job = client.jobs()[-1]
    assert (job.kind, job.takes, Path(job.folder).parent.name) == ("caption", (), "briefs")


def test_what_cannot_be_captioned_is_said(client: Client) -> None:
    with pytest.raises(EngineError, match="There is no captioner called 'nobody'"):
        client.caption(CaptionRequest(brief=captioned(), captioner="nobody"))
    blank = msgspec.structs.replace(captioned(), emotion_curve=EmotionCurve(hop_s=1.0, points=()))
    with pytest.raises(RequestError, match="No captions can be written from this brief"):
        client.caption(CaptionRequest(brief=blank))


def shifted(timeline: TimelineRange, frames: int) -> TimelineRange:
    return msgspec.structs.replace(timeline, record=timeline.record.shifted(frames))


def listed(client: Client, folder: Path) -> str:
    """The id of the take in `folder`, once the library lists it."""

    def found() -> list[str]:
        return [take.id for take in client.takes().takes if take.folder == str(folder)]

    wait_until(found)
    return found()[0]


def test_a_take_is_conformed_to_a_changed_range(client: Client) -> None:
    mine = Caption("felt piano", "user", edited=True)
    old = request(cue="3m1", takes=2, seed=40)
    old = msgspec.structs.replace(
        old,
        brief=msgspec.structs.replace(
            old.brief, captions=msgspec.structs.replace(old.brief.captions, fusion=mine)
        ),
        tempo_bpm=80.0,
        hits=(12, 40),
    )
    (_, _), (take, folder) = client.score(old)
    take_id = listed(client, folder)
    start = old.brief.timeline.record.start
    shorter = TimelineRange(cue="3m1", rate=FrameRate(24), record=FrameRange(start, start + 36))
    changes, made = client.conform(take_id, shorter)
    assert [(hit.was, hit.now) for hit in changes.hits] == [(12, 12), (40, None)]
    assert [row[0] for row in changes.table()] == ["the range", "held hit", "held hit"]
    ((new, place),) = made
    assert (new.provenance.seed, new.record, new.length_samples) == (41, shorter.record, 72_000)
    again = read_json(place / "request.json", ScoreRequest)
    assert (again.takes, again.hits, again.tempo_bpm) == (1, (12,), 80.0)
    assert again.brief.captions.fusion == mine
    assert read_json(place / "changes.json", Changes) == changes
    assert take.provenance.seed == 41


def test_a_request_is_conformed_with_all_its_takes(client: Client) -> None:
    old = request(cue="3m2", takes=2)
    marked = msgspec.structs.replace(
        old.brief.timeline,
        markers=(Marker(record=FrameRange.from_length(old.brief.timeline.record.start, 1)),),
    )
    changes, made = client.conform(old, marked)
    assert changes.needs_music
    assert [take.name for take, _ in made] == ["take-1", "take-2"]
    assert client.jobs()[-1].kind == "conform"


def test_nothing_new_is_made_where_the_music_still_fits(client: Client) -> None:
    old = request(cue="3m3")
    changes, made = client.conform(old, shifted(old.brief.timeline, 500))
    assert not changes.needs_music
    assert made == []
    job = client.jobs()[-1]
    assert (job.state, job.takes) == ("done", ())
    assert [path.name for path in Path(job.folder).iterdir()] == ["changes.json"]


def test_what_cannot_be_conformed_is_said(client: Client, shared_home: Home) -> None:
    client.engines()
    with pytest.raises(InputError, match="take"):
        client.conform("no-such-take", scene())
    with pytest.raises(RequestError, match="up to 20 s"):
        client.conform(request(), scene(seconds=21))
    for both in ({"take_id": "x", "request": request()}, {}):
        with pytest.raises(RequestError, match="one of the two"):
            client._talk.call(SubmitConform(timeline=scene(), key="k", **both), Accepted)
    ((_, folder),) = client.score(request(cue="3m4"))
    take_id = listed(client, folder)
    data = (folder / "request.json").read_bytes()
    for damaged in (data[: len(data) // 2], b"[" * 100_000, b"{}", bytes(9 << 20)):
        (folder / "request.json").write_bytes(damaged)
        with pytest.raises(RequestError, match=r"its request\.json cannot be read"):
            client.conform(take_id, scene(seconds=3))


def test_the_new_kinds_are_foretold_and_limited_like_the_others(client: Client) -> None:
    for kind in ("compose", "conform", "caption"):
        assert client.estimate(kind, 2.0, engine="flute") is None
    for seed in range(3):
        client.compose(wish(seed=seed))
        client.conform(request(seed=seed), scene(seconds=3))
        client.caption(CaptionRequest(brief=captioned(music=Caption(str(seed)))))
    assert client.estimate("compose", 2.0, engine="scripted", takes=2) is not None
    assert client.estimate("conform", 3.0, engine="scripted") is not None
    assert client.estimate("caption", 20.0) is not None
    assert client.estimate("caption", 20.0, engine="whatever") is not None


def test_a_composition_can_be_cancelled(client: Client, shared_home: Home) -> None:
    script = json.dumps({"until": str(shared_home.folder / "never")})
    job_id = client.submit_compose(wish(script))
    wait_until(lambda: client.job(job_id).state == "running")
    assert client.cancel(job_id).cancelling
    wait_until(lambda: client.job(job_id).ended)
    assert client.job(job_id).state == "cancelled"
