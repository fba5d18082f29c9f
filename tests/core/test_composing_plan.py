from itertools import pairwise
from statistics import mean

import msgspec
import pytest

from musiscene_core.brief import SURE, Caption, Captions, HitPoint, TempTrack
from musiscene_core.composing.chance import Dice
from musiscene_core.composing.form import make_form
from musiscene_core.composing.hits import SPACING_S, choose_hits, main_hit
from musiscene_core.composing.idioms import IDIOMS, idiom_named
from musiscene_core.composing.passages import choose_idiom, idiom_scores
from musiscene_core.composing.plan import make_plan
from musiscene_core.composing.rhythms import ORDERS, metric_weight, steps
from musiscene_core.composing.scales import BRIGHTNESS, SCALES
from musiscene_core.composing.scene import Scene
from musiscene_core.composing.sound import INSTRUMENTS
from musiscene_core.composing.tempo import HELD_BEND
from musiscene_core.composing.wording import Wishes, read_wishes
from musiscene_core.request import ScoreRequest
from musiscene_core.spotting.describe import tempo_and_key
from tests.support.composed import MOODS, composed, mood_brief
from tests.support.scenes import brief_of
from tests.support.tempi import worst_bend

SEEDS = range(6)


def idioms_for(mood):
    scene_mood = Scene(mood_brief(mood)).mood(0.0, 40.0)
    return [choose_idiom(scene_mood, Dice(seed, "idiom")).name for seed in range(40)]


def test_the_idiom_table_is_whole():
    assert len({idiom.name for idiom in IDIOMS}) == len(IDIOMS) >= 8
    for idiom in IDIOMS:
        assert idiom_named(idiom.name) is idiom
        assert 40 <= idiom.bpm[0] < idiom.bpm[1] <= 170
        assert {scale for scale, _ in idiom.scales} <= set(SCALES)
        assert 60 <= idiom.melody.low < idiom.melody.high <= 84
        named = {
            *idiom.pads,
            *idiom.figure.instruments,
            *idiom.bass.instruments,
            *idiom.melody.instruments,
            *idiom.texture.beds,
            *idiom.texture.hit,
            idiom.drums.kit,
        }
        assert named <= set(INSTRUMENTS)
        orders = {idiom.figure.order, idiom.bass.order, *(lane.order for lane in idiom.drums.lanes)}
        for metre, _ in idiom.metres:
            assert orders <= set(ORDERS[metre])


def test_an_unknown_idiom_is_a_key_error():
    with pytest.raises(KeyError):
        idiom_named("polka")


def test_rhythm_orders_name_every_step_once_and_counts_are_kept():
    for metre, orders in ORDERS.items():
        for name, order in orders.items():
            assert sorted(order) == list(range(metre * 4)), name
            assert len(steps(name, metre, 4)) == 4
            assert steps(name, metre, 0) == ()
    assert steps("332", 4, 3) == (0, 6, 12)
    assert metric_weight(8.0, 4) > metric_weight(10.0, 4) > metric_weight(9.0, 4)
    assert metric_weight(9.0, 4) > metric_weight(9.5, 4) > metric_weight(9.25, 4)


@pytest.mark.parametrize(
    ("mood", "idiom"),
    [
        ("scary", "horror cluster"),
        ("sad", "melancholy"),
        ("energising", "action ostinato"),
        ("triumphant", "heroic"),
        ("calm", "ambient pad"),
        ("amusing", "comedy pizzicato"),
        ("dreamy", "wonder"),
        ("anxious", "tension pulse"),
        ("joyful", "uplift"),
    ],
)
def test_a_clear_mood_finds_its_idiom(mood, idiom):
    chosen = idioms_for(mood)
    assert chosen.count(idiom) >= 20
    scene_mood = Scene(mood_brief(mood)).mood(0.0, 40.0)
    assert max(idiom_scores(scene_mood), key=lambda pair: pair[1])[0].name == idiom


def test_a_mixed_mood_leaves_the_idiom_to_chance():
    assert len(set(idioms_for("mixed"))) >= 4


def test_moods_move_tempo_and_mode_the_way_they_should():
    cues = {mood: [composed(mood, seed) for seed in SEEDS] for mood in MOODS}

    def tempo(mood):
        return mean(cue.tempo.bpm_at(8.0) for cue in cues[mood])

    def brightness(mood):
        return mean(BRIGHTNESS[cue.scale] for cue in cues[mood])

    assert tempo("energising") > tempo("joyful") > tempo("sad") + 25
    assert tempo("energising") > tempo("calm") + 40
    assert tempo("sad") < 85
    assert brightness("joyful") > 0.3 > brightness("sad")
    assert brightness("scary") < -0.4
    assert brightness("triumphant") > 0.2
    assert sum(cue.mode == "major" for cue in cues["joyful"]) >= 5
    assert sum(cue.mode == "minor" for cue in cues["scary"]) >= 5

    def crowd(mood):
        return mean(sum(len(part.notes) for part in cue.parts) for cue in cues[mood])

    assert crowd("energising") > 2 * crowd("sad")
    assert crowd("joyful") > 1.5 * crowd("calm")


def test_a_sure_temp_track_draws_tempo_key_and_mode():
    temp = TempTrack(
        present=True,
        tempo_bpm=64.0,
        tempo_confidence=0.9,
        key=4,
        mode="minor",
        key_confidence=0.9,
    )

    def plans(mood, track):
        brief = mood_brief(mood, cuts=(), temp_track=track)
        return [make_plan(ScoreRequest(brief=brief), seed) for seed in range(20)]

    cues = plans("joyful", temp)
    # 64 BPM lies below the joyful idioms: its double is what they can play.
    near = [cue for cue in cues if abs(cue.tempo.segments[0].bpm / 128 - 1) < 0.045]
    assert len(near) >= 14
    assert all(cue.tonic == 4 for cue in cues)
    unsure = msgspec.structs.replace(temp, tempo_confidence=0.2, key_confidence=0.2)
    free = plans("joyful", unsure)
    assert sum(cue.tonic == 4 for cue in free) <= 6
    minor = [plan.mode for plan in plans("mixed", temp)]
    plain = [plan.mode for plan in plans("mixed", unsure)]
    assert minor.count("minor") > plain.count("minor")


@pytest.mark.parametrize("bpm", [52.0, 82.0, 104.0])
@pytest.mark.parametrize("confidence", [SURE, SURE - 0.01])
def test_what_the_caption_says_of_the_temp_track_is_what_is_played(bpm, confidence):
    temp = TempTrack(
        present=True, tempo_bpm=bpm, tempo_confidence=confidence, key=2, key_confidence=confidence
    )
    brief = mood_brief("scary", cuts=(), temp_track=temp)
    cues = [make_plan(ScoreRequest(brief=brief), seed) for seed in range(8)]
    beats = [bpm * 2.0**octave for octave in range(-2, 3)]
    kept = [
        cue.tonic == 2 and min(abs(cue.tempo.segments[0].bpm / beat - 1) for beat in beats) < 0.045
        for cue in cues
    ]
    assert all(kept) == bool(tempo_and_key(temp))


@pytest.mark.parametrize("mode", ["major", "minor"])
@pytest.mark.parametrize("tonic", [0, 6, 11])
def test_a_held_key_and_tempo_are_held(mode, tonic):
    for mood in ("scary", "joyful", "calm"):
        plan = make_plan(
            ScoreRequest(brief=mood_brief(mood), tonic=tonic, mode=mode, tempo_bpm=91.0), 5
        )
        assert (plan.tonic, plan.mode) == (tonic, mode)
        assert worst_bend(plan.tempo, 91.0) <= HELD_BEND + 1e-9


def test_hits_are_the_strongest_well_apart_and_not_at_the_edges():
    brief = brief_of(60.0, cuts=[0.5, 6.0, 7.0, 20.0, 21.5, 40.0, 59.6])
    chosen, _ = choose_hits(ScoreRequest(brief=brief))
    assert [hit.frame for hit in chosen] == [144, 480, 960]
    assert all(1.0 <= hit.seconds <= 59.0 for hit in chosen)
    assert min(b.seconds - a.seconds for a, b in pairwise(chosen)) >= SPACING_S
    dense = brief_of(40.0, cuts=[1.5 + 0.5 * step for step in range(70)])
    assert len(choose_hits(ScoreRequest(brief=dense))[0]) <= 10


def test_weak_candidates_are_left_alone():
    brief = brief_of(30.0, cuts=[10.0, 20.0])
    faint = tuple(
        HitPoint(frame=point.frame, kind="motion", strength=0.05, rank=10 + point.rank)
        for point in brief.hit_points
    )
    brief = msgspec.structs.replace(brief, hit_points=faint)
    chosen, dropped = choose_hits(ScoreRequest(brief=brief))
    assert chosen == ()
    assert [hit.reason for hit in dropped] == ["too weak", "too weak"]


def test_the_users_hits_are_all_kept_once_each_with_what_is_known_of_them():
    brief = brief_of(30.0, cuts=[10.0, 20.0])
    chosen, _ = choose_hits(ScoreRequest(brief=brief, hits=(480, 12, 12, 100)))
    assert [(hit.frame, hit.kind) for hit in chosen] == [
        (12, "marker"),
        (100, "marker"),
        (480, "cut"),
    ]
    assert choose_hits(ScoreRequest(brief=brief, hits=())) == ((), ())
    assert main_hit(()) == 0


def test_a_users_words_steer_and_words_made_from_signals_do_not():
    brief = brief_of(30.0)
    text = "Slow and warm, 68 BPM, in D minor, no percussion."
    edited = msgspec.structs.replace(
        brief, captions=Captions(fusion=Caption(text, "signals", edited=True))
    )
    wishes = read_wishes(ScoreRequest(brief=edited))
    assert (wishes.tempo.bpm, wishes.tonic, wishes.mode) == (68.0, 2, "minor")
    assert wishes.without == {"percussion"}
    plan = make_plan(ScoreRequest(brief=edited), 1)
    assert plan.tempo.segments[0].bpm == 68.0
    assert (plan.tonic, plan.mode) == (2, "minor")
    signals = msgspec.structs.replace(brief, captions=Captions(fusion=Caption(text)))
    assert read_wishes(ScoreRequest(brief=signals)) == Wishes()


@pytest.mark.parametrize(
    ("text", "tonic"), [("in E flat major", 3), ("in F# minor", 6), ("key of B-flat major", 10)]
)
def test_keys_in_words(text, tonic):
    brief = brief_of(30.0)
    captions = Captions(fusion=Caption(text, "user"))
    request = ScoreRequest(brief=msgspec.structs.replace(brief, captions=captions))
    assert read_wishes(request).tonic == tonic


def test_the_form_turns_with_the_scene_and_peaks_late():
    motion = [0.1] * 8 + [0.5] * 6 + [0.95] * 6 + [0.2] * 4
    brief = brief_of(72.0, cuts=[24.0, 42.0, 60.0], motion=motion, arousal=0.4, indignant=1.0)
    plan = make_plan(ScoreRequest(brief=brief), 3)
    form = make_form(plan)
    names = [section.name for section in form.sections]
    assert names[0] == "intro"
    assert names[-1] == "button"
    assert names.count("climax") == 1
    climax = form.sections[names.index("climax")]
    assert 20.0 < plan.clock.seconds(climax.start) < 62.0
    assert climax.density == max(section.density for section in form.sections)
    for before, after in zip(form.sections, form.sections[1:], strict=False):
        assert after.start == pytest.approx(before.start + before.length, abs=1e-5)
    assert all(plan.tempo.place(section.start)[0] == 0 for section in form.sections[1:-1])


def test_the_last_chord_leaves_room_to_ring():
    for mood in MOODS:
        for seed in range(4):
            plan = make_plan(ScoreRequest(brief=mood_brief(mood, 45.0, cuts=())), seed)
            rings = 45.0 - plan.clock.seconds(make_form(plan).final_beat)
            assert 2.0 <= rings <= 6.0


def test_a_strong_hit_near_the_end_gets_the_last_chord():
    brief = brief_of(30.0, cuts=[27.5], joyful=1.0)
    plan = make_plan(ScoreRequest(brief=brief), 2)
    assert plan.clock.seconds(make_form(plan).final_beat) == pytest.approx(27.5, abs=0.041)
