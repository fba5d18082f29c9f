import threading

import numpy as np
import pytest

from musiscene_core.media import wav_pieces, write_wav
from musiscene_core.timecode import SAMPLE_RATE
from musiscene_gui.audio import NOTHING, Deck, HeldSound, Mixer, StemFile, Track
from musiscene_gui.audio.decks import RAMP
from musiscene_gui.audio.mixer import FADE

BLOCK = 2_880
FULL = 1 << 23


def tone(hertz=200.0, seconds=1.0, level=0.5):
    wave = level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE)
    return HeldSound(np.stack([wave, wave], axis=1).astype(np.float32))


def level(value, length=SAMPLE_RATE):
    return HeldSound(np.full((length, 2), value, np.float32))


def deck(*sources):
    return Deck([Track(f"t{number}", source) for number, source in enumerate(sources)])


def rendered(mixer, count, block=BLOCK):
    pieces = [mixer.render(min(block, count - at)) for at in range(0, count, block)]
    return np.concatenate(pieces)


def roughest(sound):
    """The largest bend of the waveform: a click bends it far more than any tone of ours."""
    return float(np.abs(np.diff(sound[:, 0].astype(float), 2)).max())


def playing(*sources, **beside):
    mixer = Mixer()
    mixer.load("a", deck(*sources))
    for key, other in beside.items():
        mixer.load(key, other)
    mixer.listen("a")
    mixer.play()
    return mixer


TONE_BEND = roughest(tone().read(0, SAMPLE_RATE))


def stems_of(folder, take):
    return Deck([Track(stem.title, StemFile(folder / stem.path)) for stem in take.stems])


@pytest.mark.parametrize("block", [BLOCK, 333])
def test_all_stems_at_unity_are_the_mix_sample_for_sample(composed, opened, block):
    folder, take = composed
    mixer = opened(Mixer())
    mixer.load("take", stems_of(folder, take))
    mixer.listen("take")
    mixer.play()
    heard = rendered(mixer, take.length_samples, block)
    mix = np.concatenate(list(wav_pieces(folder / take.mix, 1 << 16)), axis=1)
    np.testing.assert_array_equal(np.round(heard.astype(float) * FULL).astype(int), mix.T)


def test_a_hard_mute_would_click_and_the_faders_do_not():
    hard = tone().read(0, SAMPLE_RATE)
    hard[SAMPLE_RATE // 2 + 60 :] = 0
    assert roughest(hard) > 20 * TONE_BEND
    mixer = playing(tone(seconds=2.0, level=0.4), tone(310, 2.0, 0.4))
    before = rendered(mixer, 10 * BLOCK + 60)
    mixer.set_gains("a", [0.0, 1.0])
    muted = rendered(mixer, 4 * BLOCK)
    mixer.set_gains("a", [1.0, 0.3])
    after = rendered(mixer, 4 * BLOCK)
    assert roughest(np.concatenate([before, muted, after])) < 3 * roughest(before)


def test_a_fader_takes_its_time_and_arrives():
    mixer = playing(level(0.5))
    rendered(mixer, BLOCK)
    mixer.set_gains("a", [0.0])
    heard = rendered(mixer, BLOCK)[:, 0]
    assert 0.44 < heard[RAMP // 10] < 0.46
    assert not heard[RAMP:].any()
    assert (np.diff(heard) <= 0).all()


def test_gains_set_before_playing_hold_from_the_first_sample():
    mixer = Mixer()
    mixer.load("a", deck(level(0.5)))
    mixer.set_gains("a", [0.5])
    mixer.listen("a")
    mixer.play()
    assert (mixer.render(10) == 0.25).all()


@pytest.mark.parametrize("jump", ["seek", "listen", "pause", "nothing", "loop"])
def test_no_jump_clicks(jump):
    mixer = playing(tone(), b=deck(tone(330)))
    before = rendered(mixer, 5 * BLOCK + 100)
    if jump == "seek":
        mixer.seek(30_011)
    elif jump == "listen":
        mixer.listen("b")
    elif jump == "pause":
        mixer.pause()
    elif jump == "nothing":
        mixer.listen(NOTHING)
    else:
        mixer.set_loop((5_000, mixer.position + 777))
    after = rendered(mixer, 3 * BLOCK)
    assert roughest(np.concatenate([before, after])) < 5 * TONE_BEND


def test_another_take_is_heard_at_the_same_sample():
    ramp = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    rising = HeldSound(np.stack([ramp, ramp], axis=1).astype(np.float32))
    falling = HeldSound(np.stack([-ramp, -ramp], axis=1).astype(np.float32))
    mixer = playing(rising, b=deck(falling))
    rendered(mixer, 10_000)
    mixer.listen("b")
    heard = rendered(mixer, 4_000)
    np.testing.assert_allclose(
        heard[FADE:, 0], -ramp[10_000 + FADE : 14_000].astype(np.float32), atol=1e-7
    )
    assert mixer.position == 14_000


def test_what_two_takes_share_stays_as_it_is_while_they_change():
    mixer = playing(level(0.5), b=deck(level(0.5)))
    rendered(mixer, 4_800)
    mixer.listen("b")
    np.testing.assert_allclose(rendered(mixer, 2_000), 0.5, atol=1e-6)


def test_what_lies_beside_the_takes_goes_on_under_every_change():
    mixer = playing(level(0.25), b=deck(level(0.5)))
    mixer.set_bed(deck(level(0.125)))
    heard = [rendered(mixer, 4_800)]
    for key in ("b", NOTHING):
        mixer.listen(key)
        heard.append(rendered(mixer, 4_800))
    assert [float(part[-1, 0]) for part in heard] == [0.375, 0.625, 0.125]
    mixer.set_bed_gains([0.0])
    assert rendered(mixer, 4_800)[-1, 0] == 0.0


def test_a_loop_is_played_round_and_its_position_stays_inside():
    mixer = playing(tone(seconds=2.0))
    mixer.seek(10_000)
    mixer.set_loop((10_000, 20_000))
    places = []
    for _ in range(40):
        mixer.render(777)
        places.append(mixer.position)
    assert min(places) >= 10_000
    assert max(places) <= 20_000
    assert mixer.playing


def test_a_seamless_loop_has_no_fade_at_its_seam():
    sound = np.full((4_800, 2), 0.5, np.float32)
    mixer = playing(HeldSound(sound))
    mixer.set_loop((0, 4_800), seamless=True)
    assert (rendered(mixer, 48_000, 1_000) == 0.5).all()


def test_it_stops_at_its_end_and_begins_anew():
    mixer = playing(level(0.5, 5_000))
    heard = rendered(mixer, 3 * BLOCK)
    assert not mixer.playing
    assert mixer.silent
    assert mixer.position == 5_000
    assert (heard[:5_000] == 0.5).all()
    assert not heard[5_000 + FADE :].any()
    mixer.play()
    assert mixer.position == 0


def test_pausing_keeps_the_place_and_playing_goes_on_there():
    mixer = playing(tone())
    rendered(mixer, 10_000)
    mixer.pause()
    assert mixer.position == 10_000
    rendered(mixer, 5_000)
    assert mixer.silent
    mixer.play()
    rendered(mixer, 1_000)
    assert mixer.position == 11_000


def test_a_stem_that_breaks_off_is_silent_and_said_once(tmp_path, opened):
    samples = np.full((2, 48_000), FULL // 2, np.int32)
    for name in ("good.wav", "bad.wav"):
        write_wav(tmp_path / name, samples)
    mixer = opened(playing(StemFile(tmp_path / "good.wav"), StemFile(tmp_path / "bad.wav")))
    assert mixer.render(100)[-1, 0] == 1.0
    with open(tmp_path / "bad.wav", "r+b") as file:
        file.truncate(700)
    heard = rendered(mixer, 4_800)
    assert (heard[-1] == 0.5).all()
    problems = mixer.take_problems()
    assert [error.message for error in problems] == ["bad.wav was cut short while it was open."]
    assert mixer.take_problems() == []


def test_too_much_is_held_at_full_scale():
    mixer = playing(level(0.9), level(0.9))
    assert mixer.render(2_000).max() == 1.0


def test_a_take_let_go_while_it_sounds_leaves_silence_and_closed_files(tmp_path):
    write_wav(tmp_path / "a.wav", np.full((2, 48_000), FULL // 2, np.int32))
    mixer = playing(StemFile(tmp_path / "a.wav"))
    mixer.render(1_000)
    mixer.unload("a")
    assert not mixer.render(1_000).any()
    assert not mixer.playing
    assert mixer.take_problems() == []


def test_commands_from_another_thread_never_break_the_sound():
    mixer = playing(tone(seconds=5.0), tone(100, 5.0), b=deck(tone(250, 5.0)))
    done = threading.Event()

    def meddle():
        chance = np.random.default_rng(1)
        while not done.is_set():
            mixer.seek(int(chance.integers(0, 200_000)))
            mixer.listen(["a", "b", NOTHING][chance.integers(3)])
            mixer.set_gains("a", list(chance.random(2)))
            mixer.set_loop((1_000, 90_000) if chance.random() < 0.5 else None)
            mixer.play()

    thread = threading.Thread(target=meddle)
    thread.start()
    sound = rendered(mixer, 100 * 480, 480)
    done.set()
    thread.join()
    assert np.isfinite(sound).all()
    assert mixer.take_problems() == []


def test_backwards_is_the_sound_turned_round_sample_for_sample() -> None:
    ramp = np.linspace(-0.5, 0.5, 4_000)
    source = HeldSound(np.stack([ramp, ramp], axis=1).astype(np.float32))
    mixer = Mixer()
    mixer.load("a", deck(source))
    mixer.listen("a")
    mixer.seek(3_000)
    mixer.play(backwards=True)
    assert mixer.backwards
    heard = np.concatenate([mixer.render(count) for count in (500, 333, 1_167)])
    assert mixer.position == 1_000
    forwards = source.read(1_000, 2_000)[::-1]
    assert np.allclose(heard[FADE:], forwards[FADE:], atol=1e-7)


def test_backwards_stops_at_the_beginning_and_begins_at_the_end_where_it_is_there() -> None:
    mixer = playing(level(0.25, 2_000))
    mixer.pause()
    mixer.render(FADE)
    mixer.seek(0)
    mixer.play(backwards=True)
    assert mixer.position == 2_000
    rendered(mixer, 3_000)
    assert not mixer.playing
    assert mixer.position == 0


def test_a_turn_of_the_way_while_it_plays_makes_no_click() -> None:
    mixer = playing(tone())
    there = rendered(mixer, 9_600)
    mixer.play(backwards=True)
    back = rendered(mixer, 4_800)
    assert mixer.position == 4_800
    mixer.play()
    on = rendered(mixer, 4_800)
    assert mixer.position == 9_600
    assert roughest(np.concatenate([there, back, on])) < 3 * TONE_BEND


def test_a_loop_goes_round_backwards_too() -> None:
    mixer = playing(level(0.25, 10_000))
    mixer.set_loop((2_000, 4_000))
    mixer.seek(3_000)
    mixer.play(backwards=True)
    rendered(mixer, 1_000)
    assert mixer.position == 4_000
    rendered(mixer, 2_500)
    assert mixer.position == 3_500
