"""Sound put into words by the daemon: sections, questions, growing texts, and what goes wrong."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import msgspec
import numpy as np
import pytest

from musiscene_core.captioning.heard import SoundCaptions, unheard
from musiscene_core.captioning.request import ListenRequest, SoundPart
from musiscene_core.codec import read_json, to_json
from musiscene_core.errors import (
    CancelledError,
    EngineError,
    MediaError,
    MusiSceneError,
    RequestError,
)
from musiscene_core.media import to_int24, write_wav
from musiscene_core.progress import silent
from musiscene_core.protocol import Client
from musiscene_core.protocol.aio import AsyncClient
from musiscene_core.protocol.state import GROWING_CHARACTERS, GROWING_TEXTS, GrowingText
from musiscene_core.timeline import MediaReference
from musiscene_daemon import hearing
from musiscene_daemon.engines.registry import Registry
from musiscene_daemon.growing import Growing
from musiscene_daemon.wishes import covered_s
from tests.support.daemons import Home, wait_until
from tests.support.scripted_captioner import SPEC

FORGETFUL = "tests.support.scripted_captioner:ForgetfulCaptioner"
LACKING = "tests.support.scripted_captioner:LackingCaptioner"


def sound(folder: Path, *loudness: float, name: str = "temp.wav") -> MediaReference:
    """A file with a second at each of these peaks."""
    wave = np.sin(np.arange(48_000) * 0.06)
    samples = np.concatenate([level * wave for level in loudness]).astype(np.float32)
    write_wav(folder / name, to_int24(samples[None]))
    return MediaReference(path=str(folder / name), name=name)


def wish(*media: MediaReference, **changes: object) -> ListenRequest:
    given = {"captioner": "scripted-ear", "sectioning": "each", "section_s": 1.0, **changes}
    return ListenRequest(sounds=tuple(SoundPart(media=one) for one in media), **given)  # type: ignore[arg-type]


def texts(made: SoundCaptions) -> list[list[str]]:
    return [[caption.text for caption in heard.captions] for heard in made.sections]


@pytest.fixture(scope="module")
def ear(shared_home: Home) -> Client:
    with shared_home.connect() as client:
        client.shutdown()
    with shared_home.connect("--engines-from", SPEC, "--engines-from", LACKING) as client:
        yield client


def test_a_sound_that_broke_off_is_described_and_its_missing_end_is_told(
    ear: Client, tmp_path: Path
) -> None:
    media = sound(tmp_path, 0.5, 0.5, 0.5, 0.5)
    whole = Path(media.path).read_bytes()
    Path(media.path).write_bytes(whole[: len(whole) // 2])
    made = ear.listen(wish(media, sectioning="whole"))
    (caption,) = made.sections[0].captions
    assert caption.text.endswith("it peaks at 0.50")
    assert caption.how is not None
    assert caption.how.notes[-1].startswith("temp.wav is cut short: 2.0 s of the 4.0 s it promises")
    first = msgspec.structs.replace(
        wish(media, sectioning="whole"), sounds=(SoundPart(media=media, end_s=1.0),)
    )
    (caption,) = ear.listen(first).sections[0].captions
    assert caption.how is None or not caption.how.notes, "what is missing was not asked about"


def test_every_question_is_answered_about_every_section(ear: Client, tmp_path: Path) -> None:
    request = wish(
        sound(tmp_path, 0.5, 0.25),
        sound(tmp_path, 0.1, name="other.wav"),
        questions=("Loud?", "Soft?"),
        seed=11,
        adapters=(("house", 0.5),),
    )
    made = ear.listen(request)
    assert texts(made) == [
        ["Loud? it peaks at 0.50", "Soft? it peaks at 0.50"],
        ["Loud? it peaks at 0.25", "Soft? it peaks at 0.25"],
        ["Loud? it peaks at 0.10", "Soft? it peaks at 0.10"],
    ]
    places = [
        (one.section.media.name, one.section.start_s, one.section.end_s) for one in made.sections
    ]
    assert places == [("temp.wav", 0.0, 1.0), ("temp.wav", 1.0, 2.0), ("other.wav", 0.0, 1.0)]
    how = made.sections[0].captions[1].how
    assert how is not None
    assert (how.writer, how.prompt, how.settings) == ("scripted-ear", "Soft?", (("seed", 11),))
    assert how.adapters == (("house", 0.5),)
    job = ear.jobs()[-1]
    assert (job.kind, job.cue, job.writing) == ("listen", "temp.wav", ())
    assert read_json(Path(job.folder, "captions.json"), SoundCaptions) == made


def test_texts_are_heard_while_they_grow(ear: Client, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    heard: list[GrowingText] = []

    def listen(writing: tuple[GrowingText, ...]) -> None:
        heard.extend(writing)
        if writing[-1].text == "Loud? it peaks at ":
            gate.touch()

    made = ear.listen(
        wish(sound(tmp_path, 0.5), questions=(f"Loud? until={gate}",)), on_writing=listen
    )
    assert GrowingText(section=0, question=0, text="Loud? it peaks at ", length=18) in heard
    assert texts(made) == [["Loud? it peaks at 0.50"]]


def test_a_text_can_be_stopped_half_way(ear: Client, tmp_path: Path) -> None:
    job = ear.submit_listen(
        wish(sound(tmp_path, 0.5), questions=(f"Loud? until={tmp_path}/never",))
    )
    wait_until(lambda: ear.job(job).writing)
    ear.cancel(job)
    with pytest.raises(CancelledError):
        ear.wait(job)
    assert ear.job(job).writing == ()


def test_what_cannot_be_heard_says_so_and_the_rest_is_captioned(
    ear: Client, tmp_path: Path
) -> None:
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    broken = MediaReference(path=str(tmp_path / "broken.wav"))
    missing = MediaReference(path=str(tmp_path / "missing.wav"))
    made = ear.listen(wish(broken, sound(tmp_path, 0.5, 0.0), missing, questions=("Loud?",)))
    assert [bool(one.problem) for one in made.sections] == [True, False, True, True]
    assert texts(made)[1] == ["Loud? it peaks at 0.50"]
    assert made.sections[2].problem == "It is silent."
    assert "missing.wav" in made.sections[3].problem
    with pytest.raises(MediaError, match=r"missing\.wav"):
        ear.listen(wish(missing))


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"captioner": "deaf"}, EngineError, "no captioner called 'deaf'"),
        ({"captioner": "lacking"}, EngineError, "cannot work yet. Put its model"),
        ({"adapters": (("attic", 1.0),)}, RequestError, "no adapter 'attic'. It has house"),
    ],
)
def test_what_a_captioner_cannot_do_is_refused_before_it_waits(
    ear: Client, tmp_path: Path, changes: dict[str, object], error: type[MusiSceneError], words: str
) -> None:
    ear.captioners()
    with pytest.raises(error, match=words):
        ear.submit_listen(wish(sound(tmp_path, 0.5), **changes))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"questions": ("  ",)}, "The question is empty"),
        ({"questions": ("why " * 10_000,)}, "more than 2000 characters"),
        ({"questions": ("why?",) * 17}, "more than 16 questions"),
        ({"section_s": 0.0}, "Sections last"),
        ({"section_s": float("nan")}, "Sections last"),
        ({"seed": -1}, "seed"),
        ({"adapters": (("house", 1.0), ("house", 2.0))}, "named twice"),
        ({"adapters": (("house", float("inf")),)}, "needs a name and a weight"),
        ({"sounds": ()}, "1 to 256 sounds"),
    ],
)
def test_a_senseless_wish_is_refused_when_it_is_made(
    changes: dict[str, object], words: str
) -> None:
    given = {"sounds": (SoundPart(media=MediaReference(path="/a.wav")),), **changes}
    with pytest.raises(RequestError, match=words):
        ListenRequest(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize(("start_s", "end_s"), [(-1.0, None), (2.0, 2.0), (float("nan"), 3.0)])
def test_a_stretch_of_sound_begins_before_it_ends(start_s: float, end_s: float | None) -> None:
    with pytest.raises(RequestError, match="must begin at 0 s or later"):
        SoundPart(media=MediaReference(path="/a.wav"), start_s=start_s, end_s=end_s)


def test_a_request_and_its_result_survive_disk_and_wire(tmp_path: Path) -> None:
    request = wish(sound(tmp_path, 0.5), questions=("Loud?",), seed=2**62, adapters=(("house", 1),))
    packed = msgspec.msgpack.encode(request)
    assert msgspec.msgpack.decode(packed, type=ListenRequest) == request
    made = hearing.listen(request, Registry([SPEC]), unheard, silent)
    (tmp_path / "captions.json").write_bytes(to_json(made))
    assert read_json(tmp_path / "captions.json", SoundCaptions) == made


def test_a_captioner_that_leaves_questions_open_is_found_out(tmp_path: Path) -> None:
    request = wish(sound(tmp_path, 0.5), captioner="forgetful", questions=("Loud?", "Soft?"))
    with pytest.raises(EngineError, match="did not answer everything"):
        hearing.listen(request, Registry([FORGETFUL]), unheard, silent)


def test_sections_share_out_a_sound_whose_end_only_the_file_knows(tmp_path: Path) -> None:
    media = sound(tmp_path, 0.5, 0.5, 0.5)
    for part, length_s, edges in (
        (SoundPart(media=media), 2.0, [(0.0, 2.0), (2.0, 3.0)]),
        (SoundPart(media=media, start_s=0.5), 1.0, [(0.5, 1.5), (1.5, 3.0)]),
        (SoundPart(media=media, end_s=99.0), 60.0, [(0.0, 3.0)]),
        (SoundPart(media=media, start_s=1.0, end_s=1.4), 2.0, [(1.0, 1.4)]),
    ):
        request = ListenRequest(
            sounds=(part,), captioner="scripted-ear", sectioning="each", section_s=length_s
        )
        made = hearing.listen(request, Registry([SPEC]), unheard, silent)
        assert [(one.section.start_s, one.section.end_s) for one in made.sections] == edges


def test_a_job_may_take_as_long_as_its_sound_and_its_questions_ask_for(tmp_path: Path) -> None:
    media = sound(tmp_path, 0.5, 0.5, 0.5)
    gone = MediaReference(path=str(tmp_path / "gone.wav"))
    for parts, questions, covered in (
        ((SoundPart(media=media),), 1, 3.0),
        ((SoundPart(media=media, start_s=1.0), SoundPart(media=media, end_s=0.5)), 2, 5.0),
        ((SoundPart(media=gone),), 1, 0.0),
    ):
        request = ListenRequest(sounds=parts, questions=("Loud?",) * questions)
        assert covered_s("listen", msgspec.msgpack.encode(request)) == pytest.approx(covered)


def test_growing_texts_stay_few_and_short() -> None:
    growing = Growing()
    for section in range(3 * GROWING_TEXTS):
        for _ in range(3):
            growing.add(section, 0, "x" * GROWING_CHARACTERS)
    kept = growing.texts
    assert [text.section for text in kept] == list(range(2 * GROWING_TEXTS, 3 * GROWING_TEXTS))
    assert {len(text.text) for text in kept} == {GROWING_CHARACTERS}
    assert {text.length for text in kept} == {3 * GROWING_CHARACTERS}
    growing.add(2 * GROWING_TEXTS, 0, "end")
    assert growing.texts[-1].text.endswith("xend")


def test_the_asyncio_face_listens_too(ear: Client, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    request = wish(sound(tmp_path, 0.5), questions=(f"Loud? until={gate}",))
    threads = set()

    async def work() -> SoundCaptions:
        async with AsyncClient() as daemon:
            assert "scripted-ear" in [info.name for info in await daemon.captioners()]

            def hear(writing: tuple[GrowingText, ...]) -> None:
                threads.add(threading.get_ident())
                gate.touch()

            return await daemon.listen(request, on_writing=hear)

    made = asyncio.run(asyncio.wait_for(work(), 20))
    assert texts(made) == [["Loud? it peaks at 0.50"]]
    assert threads == {threading.get_ident()}
