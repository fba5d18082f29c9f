"""What words ask for is heard in the cue."""

from __future__ import annotations

from statistics import mean

import msgspec
import pytest

from musiscene_core.brief import Caption
from musiscene_core.composing.compose import compose
from musiscene_core.composing.engine import IDIOM_NAMES
from musiscene_core.composing.scales import SCALES
from musiscene_core.cue import Cue
from musiscene_core.errors import RequestError
from musiscene_core.request import ScoreRequest
from tests.support.composed import notes_of
from tests.support.wording_scene import DOOR_S, composed_from, door_scene

SEEDS = range(3)


def starts(cue: Cue, *roles: str) -> list[float]:
    """When notes begin, in cue seconds."""
    return sorted(cue.tempo.seconds(note.start) for note in notes_of(cue, *roles))


def instruments(cue: Cue, *roles: str, until_s: float = 1e9, from_s: float = 0.0) -> set[str]:
    return {
        part.instrument
        for part in cue.parts
        for note in part.notes
        if (not roles or part.role in roles) and from_s <= cue.tempo.seconds(note.start) < until_s
    }


def door_beat(cue: Cue) -> float:
    (hit,) = [hit for hit in cue.hits if hit.frame == 600]
    return hit.beat


@pytest.mark.parametrize("seed", SEEDS)
def test_the_issues_own_sentence(seed: int) -> None:
    text = "felt piano, sparse, no percussion until the door, D minor, 68 BPM"
    cue = composed_from(text, seed)
    assert instruments(cue, "harmony") == {"felt_piano"}
    drums = notes_of(cue, "percussion")
    assert min(note.start for note in drums) >= door_beat(cue)
    assert any(note.start == door_beat(cue) for note in drums)
    assert (cue.tonic, cue.mode) == (2, "minor")
    assert {round(one.bpm) for one in cue.tempo.segments} <= {66, 67, 68, 69, 70}
    assert abs(cue.hits[0].error_ms) <= 1000 / 24
    assert cue.unknown == ()
    assert len(notes_of(cue)) < 0.75 * len(notes_of(composed_from("felt piano, 68 BPM", seed)))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_silence_is_silent_to_the_beat_and_the_music_begins_on_it(seed: int) -> None:
    cue = composed_from("silence until the door, then heroic brass", seed)
    first = min(note.start for note in notes_of(cue))
    assert first == pytest.approx(door_beat(cue), abs=0.03)
    assert cue.tempo.seconds(first) == pytest.approx(DOOR_S, abs=0.045)
    assert "brass_ensemble" in instruments(cue, "harmony")
    middle = composed_from("silence between 0:30 and 0:34", seed)
    for note in notes_of(middle):
        begins, ends = (middle.tempo.seconds(b) for b in (note.start, note.start + note.length))
        assert ends <= 30.05 or begins >= 33.95


def test_stems_and_instruments_ruled_out_do_not_sound() -> None:
    assert not notes_of(composed_from("heroic, no drums"), "percussion")
    assert not notes_of(composed_from("heroic, without melody"), "melody")
    strings = {"string_ensemble", "solo_strings", "pizzicato", "contrabass"}
    assert not instruments(composed_from("string drama, no strings")) & strings
    assert instruments(composed_from("heroic, only strings")) <= strings
    later = composed_from("no drums but with taikos from the door")
    assert min(starts(later, "percussion")) == pytest.approx(DOOR_S, abs=0.045)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("with choir", "soft_choir"),
        ("flute and strings", "flute"),
        ("flute and strings", "string_ensemble"),
        ("harp, warm pad", "harp"),
        ("music box", "music_box"),
        ("horror with sub bass", "sub_bass"),
        ("ambient with drums", "cinematic_kit"),
        ("guitar", "harp"),
        ("full orchestra", "brass_ensemble"),
    ],
)
def test_an_instrument_named_is_heard(text: str, wanted: str) -> None:
    for seed in SEEDS:
        assert wanted in instruments(composed_from(text, seed))


def test_an_instrument_enters_where_the_words_say() -> None:
    cue = composed_from("felt piano, from the door choir")
    bar_s = cue.tempo.bar_at(0.0).beats * 60 / cue.tempo.segments[0].bpm
    assert "soft_choir" not in instruments(cue, until_s=DOOR_S - 2.01 * bar_s)
    assert "soft_choir" in instruments(cue, from_s=DOOR_S - 0.1)


def test_fuller_words_give_more_notes() -> None:
    counts = {
        word: mean(len(notes_of(composed_from(f"string drama, {word}", seed))) for seed in SEEDS)
        for word in ("very sparse", "sparse", "", "lush, busy")
    }
    assert counts["very sparse"] < counts["sparse"] < counts[""] < counts["lush, busy"]
    assert counts["sparse"] < 0.75 * counts[""]


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [("largo", 42, 62), ("slow", 52, 78), ("allegro", 114, 152), ("presto", 140, 180)],
)
def test_words_for_a_tempo_set_it(text: str, low: int, high: int) -> None:
    for seed in SEEDS:
        assert low <= composed_from(text, seed).tempo.segments[0].bpm <= high


def test_a_change_of_tempo_goes_from_what_the_scene_would_have() -> None:
    for seed in SEEDS:
        plain, faster, slower = (
            composed_from(f"heroic {word}", seed).tempo.segments[0].bpm
            for word in ("", "faster", "slower")
        )
        assert faster > 1.03 * plain
        assert slower < 0.97 * plain


@pytest.mark.parametrize("scale", [name for name in SCALES if name != "harmonic_minor"])
def test_a_mode_named_is_the_scale(scale: str) -> None:
    cue = composed_from(f"{scale}, in E")
    assert (cue.scale, cue.tonic) == (scale, 4)


def test_metre_register_and_articulation() -> None:
    for seed in SEEDS:
        assert composed_from("waltz", seed).tempo.beats_per_bar == 3
        assert composed_from("in 4/4", seed).tempo.beats_per_bar == 4
        high, low = (
            mean(note.pitch for note in notes_of(composed_from(f"wonder, {word}", seed), "melody"))
            for word in ("high", "low")
        )
        assert high > low + 3

        def held(text: str, seed: int = seed) -> float:
            cue = composed_from(f"string drama, {text}", seed)
            figure = [p for p in cue.parts if p.name.startswith("Figure")]
            return mean(note.length for part in figure for note in part.notes)

        assert held("staccato") < 0.75 * held("legato")


def loudness_by_quarter(cue: Cue) -> list[float]:
    quarters: list[list[int]] = [[], [], [], []]
    for note in notes_of(cue, "harmony", "bass", "melody", "percussion"):
        quarters[min(3, int(cue.tempo.seconds(note.start) / 15))].append(note.velocity)
    return [mean(quarter) if quarter else 0.0 for quarter in quarters]


def test_dynamics_shape_the_cue() -> None:
    plain = loudness_by_quarter(composed_from("string drama"))
    fade = loudness_by_quarter(composed_from("string drama, fade out"))
    assert fade[3] / plain[3] < 0.55
    assert fade[0] / plain[0] > 0.85
    grow = loudness_by_quarter(composed_from("string drama, crescendo"))
    assert grow[0] / plain[0] < 0.8 < 1.0 < grow[3] / plain[3]
    opening = loudness_by_quarter(composed_from("string drama, starts quiet"))
    assert opening[0] / plain[0] < 0.9
    assert opening[2:] == plain[2:]
    assert mean(loudness_by_quarter(composed_from("string drama, quiet"))) < 0.8 * mean(plain)


def test_a_button_stops_and_a_ring_out_rings() -> None:
    def last_end(text: str) -> float:
        cue = composed_from(text)
        return max(cue.tempo.seconds(note.start + note.length) for note in notes_of(cue))

    button = composed_from("heroic, ends with a button")
    final = button.sections[-1].start
    assert max(note.start + note.length for note in notes_of(button)) <= final + 0.5 + 1e-6
    assert last_end("heroic, ring out") > last_end("heroic, ends with a button") + 1.0


@pytest.mark.parametrize("idiom", IDIOM_NAMES)
def test_an_idiom_is_held_by_request_and_by_its_name(idiom: str) -> None:
    assert composed_from("", idiom=idiom).idiom == idiom
    assert composed_from(idiom).idiom == idiom


def test_the_requests_fields_lead_over_the_words_and_the_words_over_the_scene() -> None:
    text = "horror, D minor, 68 BPM"
    held = composed_from(text, tempo_bpm=91.0, tonic=7, mode="major", idiom="heroic")
    assert (held.idiom, held.tonic, held.mode) == ("heroic", 7, "major")
    assert held.tempo.segments[0].bpm == pytest.approx(91.0, rel=0.05)
    joyful = door_scene(text, valence=0.8, arousal=0.6, joyful=1.0)
    assert compose(ScoreRequest(brief=joyful), 0).idiom == "horror cluster"
    with pytest.raises(RequestError, match="no idiom 'polka'") as caught:
        composed_from("", idiom="polka")
    assert "melancholy" in caught.value.hint


def test_words_not_understood_are_told_with_the_cue() -> None:
    assert composed_from("felt piano, sackbut").unknown == ("Not understood: 'sackbut'.",)
    brief = door_scene()
    captions = msgspec.structs.replace(brief.captions, fusion=Caption("sackbut prose", "model"))
    prose = ScoreRequest(brief=msgspec.structs.replace(brief, captions=captions))
    assert compose(prose, 0).unknown == ()
