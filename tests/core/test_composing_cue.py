import math
import random
from statistics import mean

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from musiscene_core.brief import DIMENSIONS, EmotionCurve
from musiscene_core.composing.compose import compose
from musiscene_core.composing.sound import INSTRUMENTS
from musiscene_core.cue import STEM_ROLES
from musiscene_core.request import ScoreRequest
from tests.support.composed import (
    MOODS,
    composed,
    mood_brief,
    notes_of,
    onsets_in,
    with_saliency,
)
from tests.support.scenes import brief_of

RANGES = {
    "bass": (28, 48),
    "harmony": (48, 84),
    "melody": (60, 84),
    "percussion": (27, 87),
    "texture": (24, 108),
}


def check_whole(cue):
    """What holds of every cue whatever was asked."""
    assert cue.chords[-1].root == cue.tonic
    assert min(cue.tempo.seconds(note.start) for note in notes_of(cue)) <= 0.02
    for part in cue.parts:
        assert part.instrument in INSTRUMENTS
        ends = {}
        low, high = RANGES[part.role]
        assert list(part.notes) == sorted(part.notes, key=lambda note: note.start)
        for note in part.notes:
            assert note.length > 0
            assert cue.tempo.seconds(note.start) >= 0
            assert cue.tempo.seconds(note.start + note.length) <= cue.length_s + 1e-9
            assert low <= note.pitch <= high
            assert 1 <= note.velocity <= 127
            assert ends.get(note.pitch, -100.0) <= note.start + 1e-9
            ends[note.pitch] = note.start + note.length
    for hit in cue.hits:
        for role in ("percussion", "bass", "harmony"):
            assert any(note.start == hit.beat for note in notes_of(cue, role)), (role, hit)
    if cue.length_s > 4.05:
        assert {part.role for part in cue.parts} == set(STEM_ROLES)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    length_s=st.sampled_from((0.04, 0.1, 0.7, 1.0, 2.5, 4.1, 5.0, 7.3, 12.0, 31.0)),
    rate=st.sampled_from(("23.976", "24", "25", "29.97", "59.94", "120", "179/6")),
    seed=st.integers(0, 2**40),
    dimension=st.sampled_from(DIMENSIONS),
    valence=st.floats(-1, 1),
    arousal=st.floats(-1, 1),
    held=st.booleans(),
    data=st.data(),
)
def test_every_cue_is_whole(length_s, rate, seed, dimension, valence, arousal, held, data):
    moments = data.draw(st.lists(st.floats(0.05, 0.95), max_size=5, unique=True))
    cuts = sorted({round(moment * length_s, 1) for moment in moments} - {0.0})
    speech = ((0.3 * length_s, 0.6 * length_s),) if data.draw(st.booleans()) else ()
    brief = brief_of(
        length_s,
        rate=rate,
        cuts=[cut for cut in cuts if cut < length_s - 0.05],
        dialogue=speech,
        valence=valence,
        arousal=arousal,
        motion=(0.1, 0.5, 0.9, 0.3),
        **{dimension: 1.0},
    )
    frames = tuple(point.frame for point in brief.hit_points)
    request = ScoreRequest(brief=brief, hits=frames if held else None)
    cue = compose(request, seed)
    check_whole(cue)
    for hit in cue.hits:
        assert abs(hit.error_ms) <= 40.1
        beat_s = cue.tempo.seconds(hit.beat) - float(brief.timeline.rate.seconds(hit.frame))
        assert hit.error_ms == pytest.approx(beat_s * 1000, abs=0.002)
    if held:
        assert {hit.frame for hit in cue.hits} == set(frames)


def test_the_users_hits_are_met_under_a_held_tempo_and_candidates_only_where_they_fit():
    brief = mood_brief("joyful", 40.0)
    frames = tuple(point.frame for point in brief.hit_points)
    cue = compose(ScoreRequest(brief=brief, hits=frames, tempo_bpm=97.0), 1)
    check_whole(cue)
    assert [hit.frame for hit in cue.hits] == list(frames)
    assert max(abs(hit.error_frames) for hit in cue.hits) <= 1.0
    assert any(hit.place.startswith("between") for hit in cue.hits)
    chosen = compose(ScoreRequest(brief=brief, tempo_bpm=97.0), 1)
    assert chosen.hits
    assert max(abs(hit.error_ms) for hit in chosen.hits) <= 40.1
    assert {hit.frame for hit in (*chosen.hits, *chosen.dropped)} == set(frames)


def test_the_same_seed_gives_the_same_cue_and_another_gives_another():
    request = ScoreRequest(brief=mood_brief("anxious", 30.0))
    first = msgspec.json.encode(compose(request, 11))
    assert msgspec.json.encode(compose(request, 11)) == first
    cues = [compose(request, seed) for seed in range(8)]
    assert len({(cue.tonic, cue.scale, cue.idiom) for cue in cues}) >= 4
    assert len({round(cue.tempo.segments[0].bpm, 2) for cue in cues}) >= 3
    melodies = {tuple((n.start, n.pitch) for n in notes_of(cue, "melody")) for cue in cues}
    assert len(melodies) == 8


def test_the_largest_seed_is_a_seed():
    check_whole(compose(ScoreRequest(brief=mood_brief("sad", 12.0)), 2**63 + 15))


@pytest.mark.parametrize("frames", [1, 2, 24])
def test_a_sting_is_one_chord(frames):
    brief = brief_of(frames / 24, joyful=1.0)
    cue = compose(ScoreRequest(brief=brief), 4)
    assert [chord.root for chord in cue.chords] == [cue.tonic]
    assert [section.name for section in cue.sections] == ["button"]
    check_whole(cue)


def test_speech_thins_the_music_to_about_half():
    spans = ((12.0, 20.0), (27.0, 35.0))
    ratios = {}
    for mood in MOODS:
        with_speech = without = 0
        for seed in range(4):
            plain = composed(mood, seed, 48.0, motion=(0.5, 0.7, 0.6, 0.4))
            spoken = composed(mood, seed, 48.0, motion=(0.5, 0.7, 0.6, 0.4), dialogue=spans)
            with_speech += onsets_in(spoken, spans)
            without += onsets_in(plain, spans)
            assert onsets_in(spoken, spans, "melody") == 0
        ratios[mood] = with_speech / without
    assert all(0.35 <= ratio <= 0.7 for ratio in ratios.values()), ratios
    assert 0.4 <= mean(ratios.values()) <= 0.6


def test_speech_lowers_the_harmony():
    def height(cue):
        lying = [
            note.pitch
            for part in cue.parts
            if part.name.startswith("Chords")
            for note in part.notes
            if cue.tempo.seconds(note.start) < 36.0
        ]
        return mean(lying)

    spoken = [height(composed("triumphant", s, cuts=(), dialogue=((0.0, 36.0),))) for s in range(6)]
    plain = [height(composed("triumphant", s, cuts=())) for s in range(6)]
    assert mean(spoken) < mean(plain) - 1.5


@pytest.mark.parametrize("mood", ["joyful", "energising", "triumphant", "anxious", "amusing"])
def test_density_follows_motion(mood):
    found = []
    for seed in range(4):
        motion = [0.5 + 0.45 * math.sin(step / 7 + seed) for step in range(60)]
        cue = composed(mood, seed, 60.0, motion=motion)
        windows = [(start, start + 4.0) for start in range(0, 56, 4)]
        counts = [onsets_in(cue, [window]) for window in windows]
        moved = [mean(motion[int(start) : int(end)]) for start, end in windows]
        found.append(spearmanr(counts, moved).statistic)
    assert mean(found) >= 0.7


def test_quiet_moods_follow_motion_too():
    found = []
    for mood in ("sad", "calm", "dreamy", "scary"):
        for seed in range(3):
            motion = [0.5 + 0.45 * math.sin(step / 12 + seed) for step in range(90)]
            cue = composed(mood, seed, 90.0, motion=motion)
            windows = [(start, start + 9.0) for start in range(0, 81, 9)]
            counts = [onsets_in(cue, [window]) for window in windows]
            moved = [mean(motion[int(start) : int(end)]) for start, end in windows]
            found.append(spearmanr(counts, moved).statistic)
    assert mean(found) >= 0.5


def test_sudden_motion_is_struck_harder():
    calm = [0.0] * 160
    jolts = list(calm)
    for step in range(10, 160, 16):
        jolts[step] = 1.0
    gained, rest = [], []
    for seed in range(4):
        brief = mood_brief("energising", 40.0, cuts=())
        plain = compose(ScoreRequest(brief=with_saliency(brief, calm)), seed)
        jolted = compose(ScoreRequest(brief=with_saliency(brief, jolts)), seed)
        for a, b in zip(notes_of(plain, "percussion"), notes_of(jolted, "percussion"), strict=True):
            step = int(jolted.tempo.seconds(b.start) * 4)
            (gained if jolts[min(159, step)] else rest).append(b.velocity - a.velocity)
    assert mean(gained) > 12
    assert abs(mean(rest)) < 2


def test_notes_off_the_hits_breathe_and_notes_on_them_do_not():
    cue = composed("energising", 3)
    hits = {hit.beat for hit in cue.hits}
    drums = [note.start for note in notes_of(cue, "percussion")]
    assert sum(beat in hits for beat in drums) >= len(hits)
    off = [beat for beat in drums if beat not in hits]
    assert sum(abs(beat * 4 - round(beat * 4)) > 1e-4 for beat in off) > 0.5 * len(off)
    late_s = [
        abs(beat - round(beat * 4) / 4) * 60 / cue.tempo.bpm_at(beat)
        for beat in off
        if abs(beat * 4 - round(beat * 4)) < 0.2
    ]
    assert max(late_s) <= 0.0081


def test_idioms_without_percussion_strike_only_hits_and_the_end():
    for seed in range(6):
        cue = composed("calm", seed)
        if cue.idiom != "ambient pad":
            continue
        struck = {note.start for note in notes_of(cue, "percussion")}
        assert struck == {hit.beat for hit in cue.hits}


def test_the_main_hit_has_a_riser_before_it_and_a_boom_on_it():
    cue = composed("triumphant", 2)
    riser = next(part for part in cue.parts if part.instrument == "riser").notes[0]
    boom = next(part for part in cue.parts if part.instrument == "boom")
    end = riser.start + riser.length
    (struck,) = [hit.beat for hit in cue.hits if 0 <= hit.beat - end <= 0.5]
    assert any(note.start == pytest.approx(struck) for note in boom.notes)
    # A great hit strikes out of half a beat of silence, the riser's included.
    assert not any(struck - 0.49 < note.start < struck - 0.02 for note in notes_of(cue))


def test_a_brief_without_picture_or_feeling_still_gets_music():
    brief = brief_of(20.0)
    bare = msgspec.structs.replace(
        brief, curves=None, shots=(), emotion_curve=EmotionCurve(hop_s=0.5, points=())
    )
    check_whole(compose(ScoreRequest(brief=bare), 1))


def test_speech_throughout_still_gives_five_stems():
    for seed in range(4):
        check_whole(composed("mixed", seed, 20.0, dialogue=((0.0, 20.0),)))


def test_fifteen_minutes_are_not_the_same_over_and_over():
    dice = random.Random(1)
    brief = brief_of(
        900.0,
        cuts=[4.7 * step + dice.random() * 3 for step in range(1, 180)],
        motion=[dice.random() for _ in range(900)],
        dialogue=[(20 * step + 3, 20 * step + 8) for step in range(44)],
        arousal=0.6,
        indignant=1.0,
    )
    cue = compose(ScoreRequest(brief=brief), 2)
    check_names = [section.name for section in cue.sections]
    assert len(cue.sections) >= 25
    assert len(set(check_names)) >= 5
    longest = max(
        cue.tempo.seconds(section.start + section.length) - cue.tempo.seconds(section.start)
        for section in cue.sections
    )
    assert longest < 45.0
    assert len({chord.name for chord in cue.chords}) >= 6
    assert max(abs(hit.error_ms) for hit in cue.hits) <= 0.001
    bends = [segment.bpm / cue.tempo.segments[-1].bpm for segment in cue.tempo.segments]
    assert max(abs(bend - 1) for bend in bends) <= 0.0401
