from __future__ import annotations

from itertools import pairwise

import msgspec
import numpy as np
import pytest
import scipy.signal

from musiscene_core.composing.sound.ensemble import Ensemble
from musiscene_core.composing.sound.instruments import INSTRUMENTS
from musiscene_core.composing.sound.kits import Kit
from musiscene_core.composing.sound.noise import Sweep
from musiscene_core.composing.sound.player import TrackPlayer
from musiscene_core.composing.sound.signal import generator, hertz
from musiscene_core.composing.sound.solo import Solo
from musiscene_core.composing.sound.voice import Strike
from musiscene_core.cue import ExpressionPoint
from musiscene_core.tempo_map import TempoMap
from musiscene_core.timecode import SAMPLE_RATE
from tests.support.sound_cues import part_of
from tests.support.sound_measures import centroid_hz, cents_off, dry, level_db

NAMED = {
    *("warm_pad", "string_ensemble", "soft_choir", "felt_piano", "glass_pad", "pizzicato"),
    *("harp", "brass_ensemble", "sub_bass", "contrabass", "pulse_bass", "solo_strings"),
    *("flute", "clarinet", "horn", "music_box", "synth_lead", "celesta"),
    *("cinematic_kit", "soft_kit", "drone", "shimmer", "riser", "boom", "braam", "bell"),
    *("noise_swell", "guitar", "vibraphone", "glockenspiel", "timpani", "low_brass"),
    "supersaw_pad",
}
DRUMS = (*range(35, 37), 38, *range(40, 52), 54, 55, 57, 69, 70, 75, 76, 77, 81)
LOW = {"sub_bass", "contrabass", "pulse_bass", "drone", "braam", "timpani", "low_brass"}
KITS = ("cinematic_kit", "soft_kit")
PITCHED = sorted(name for name in NAMED if not isinstance(INSTRUMENTS[name].voice, Kit | Sweep))
HELD = sorted(name for name in PITCHED if isinstance(INSTRUMENTS[name].voice, Ensemble | Solo))


def _a_pitch(name: str) -> int:
    if name in KITS:
        return 41
    return 38 if name in LOW else 64


def test_the_table_has_every_instrument_a_cue_may_name() -> None:
    assert set(INSTRUMENTS) == NAMED


@pytest.mark.parametrize("name", sorted(NAMED))
def test_a_note_sounds_cleanly_from_silence_to_silence(name: str) -> None:
    start = 4801
    sound = dry(name, [(start / SAMPLE_RATE, 0.7, _a_pitch(name), 100)], length_s=6.0)
    peak = np.abs(sound).max()
    assert np.isfinite(sound).all()
    assert 0.01 < peak < 2.0
    assert not sound[:, :start].any()
    assert np.abs(sound[:, start]).max() < 1e-3 * peak
    assert np.abs(sound[:, start : start + 12]).max() < 0.12 * peak
    last = np.flatnonzero(sound.any(axis=0))[-1]
    assert last < sound.shape[1] - 1, "rings out before the end"
    assert np.abs(sound[:, last - 12 : last + 1]).max() < 2e-3 * peak


@pytest.mark.parametrize("name", HELD)
def test_a_held_note_has_no_corner_where_it_begins_and_ends(name: str) -> None:
    voice = INSTRUMENTS[name].voice
    assert isinstance(voice, Ensemble | Solo)
    voice = msgspec.structs.replace(voice, breath=None)
    held = SAMPLE_RATE
    source = voice.source(_a_pitch(name), held, generator(1, name))
    strike = Strike(0, held, 0.8, 0)
    note = source.play(strike, source.length(strike), generator(2, name))
    highpass = scipy.signal.butter(6, 3000, "highpass", fs=SAMPLE_RATE, output="sos")
    high = np.abs(scipy.signal.sosfilt(highpass, np.pad(note, ((0, 0), (2, 600))))).max(axis=0)
    inaudible = 1e-3 * np.abs(note).max()
    assert high[:240].max() < max(2 * high[240:9600].max(), inaudible)
    assert high[held - 100 : held + 200].max() < max(1.5 * high[24_000:36_000].max(), inaudible)
    assert high[-700:].max() < 0.1 * inaudible


@pytest.mark.parametrize("name", PITCHED)
@pytest.mark.parametrize("octave", [0, 12])
def test_a_note_is_in_tune(name: str, octave: int) -> None:
    pitch = _a_pitch(name) + octave
    sound = dry(name, [(0.0, 3.0, pitch, 90)], length_s=3.0)
    assert abs(cents_off(sound[:, 2400:], hertz(pitch))) < 5.0


@pytest.mark.parametrize("name", HELD)
def test_high_notes_hold_nothing_but_their_harmonics(name: str) -> None:
    voice = INSTRUMENTS[name].voice
    if isinstance(voice, Solo):
        voice = msgspec.structs.replace(voice, breath=None, vibrato=None, octave_down_db=None)
    else:
        voice = msgspec.structs.replace(voice, ranks=voice.ranks[:1], breath=None)
    held, fundamental = 2 * SAMPLE_RATE, hertz(100)
    source = voice.source(100, held, generator(1, name))
    note = source.play(Strike(0, held, 1.0, 0), held, generator(2, name))
    middle = note[0, 24_000:72_000]
    spectrum = np.abs(np.fft.rfft(middle * np.blackman(len(middle)) ** 2))
    frequencies = np.fft.rfftfreq(len(middle), 1 / SAMPLE_RATE)
    harmonic = np.rint(frequencies / fundamental)
    beside = (np.abs(frequencies / fundamental - harmonic) > 0.05 * np.maximum(1, harmonic)) | (
        harmonic == 0
    )
    beside &= frequencies < 20_000
    stray = max(spectrum[beside].max(), spectrum[frequencies > 20_500].max())
    assert 20 * np.log10(stray / spectrum.max()) < -60.0


@pytest.mark.parametrize("name", PITCHED)
def test_a_high_loud_note_has_nothing_near_the_end_of_the_band(name: str) -> None:
    sound = dry(name, [(0.0, 1.0, 103, 127)], length_s=1.5)
    spectrum = np.abs(np.fft.rfft(sound[0] * np.blackman(sound.shape[1]))) ** 2
    frequencies = np.fft.rfftfreq(sound.shape[1], 1 / SAMPLE_RATE)
    beyond = spectrum[frequencies > 0.9 * SAMPLE_RATE / 2].sum()
    assert 10 * np.log10(beyond / spectrum.sum()) < -60.0


@pytest.mark.parametrize("name", sorted(NAMED - {"riser", "noise_swell"}))
def test_velocity_makes_a_note_louder_and_brighter(name: str) -> None:
    pitch = _a_pitch(name)
    soft, hard = (dry(name, [(0.0, 1.5, pitch, velocity)], length_s=1.5) for velocity in (30, 120))
    assert level_db(hard) > level_db(soft) + 12.0
    assert centroid_hz(hard) > 1.04 * centroid_hz(soft)


@pytest.mark.parametrize("name", ["riser", "noise_swell"])
def test_a_riser_grows_until_its_notes_end(name: str) -> None:
    sound = dry(name, [(0.0, 3.0, 60, 100)], length_s=4.0)
    quarter = [level_db(sound[:, at : at + 36_000]) for at in range(0, 144_000, 36_000)]
    assert all(later > earlier + 3 for earlier, later in pairwise(quarter))
    envelope = np.sqrt(np.square(sound).sum(axis=0).reshape(-1, 2400).mean(axis=1))
    assert abs(int(envelope.argmax()) * 0.05 - 2.95) < 0.3
    assert centroid_hz(sound[:, 108_000:144_000]) > 1.3 * centroid_hz(sound[:, :72_000])


@pytest.mark.parametrize("name", KITS)
def test_a_kit_has_every_drum_and_each_strikes_at_once(name: str) -> None:
    prints = {}
    for pitch in DRUMS:
        sound = dry(name, [(0.0, 0.25, pitch, 110)], length_s=1.0)
        opening = np.abs(sound[:, :960]).max(axis=0)
        assert opening[:240].max() > 0.6 * np.abs(sound).max(), f"drum {pitch} speaks late"
        prints[pitch] = (level_db(sound), centroid_hz(sound))
    assert prints[35][0] == pytest.approx(prints[36][0], abs=0.5)
    voices = {pitch: prints[pitch] for pitch in DRUMS if pitch not in (35, 40, 44, 57)}
    assert len(set(voices.values())) == len(voices)
    assert prints[36][1] < prints[38][1] < prints[42][1]
    assert prints[41][1] < prints[50][1]


def test_the_two_kits_sound_different() -> None:
    for pitch in (36, 38, 41, 49):
        cinematic, soft = (dry(name, [(0.0, 0.25, pitch, 100)], length_s=1.0) for name in KITS)
        assert level_db(cinematic - soft) > level_db(soft) - 6.0


def test_a_closed_hat_cuts_the_open_one_off() -> None:
    ringing = dry("cinematic_kit", [(0.0, 0.1, 46, 110)], length_s=0.4)
    choked = dry("cinematic_kit", [(0.0, 0.1, 46, 110), (0.2, 0.1, 42, 1)], length_s=0.4)
    before, after = slice(0, 9600), slice(9600 + 960, 19_200)
    assert np.array_equal(ringing[:, before], choked[:, before])
    assert level_db(choked[:, after]) < level_db(ringing[:, after]) - 30.0


def test_notes_that_only_the_same_pitch_differ_by_chance_are_not_copies() -> None:
    sound = dry("string_ensemble", [(0.0, 0.5, 60, 90), (1.5, 0.5, 60, 90)], length_s=3.0)
    first, second = sound[:, :48_000], sound[:, 72_000:120_000]
    assert abs(np.corrcoef(first[0], second[0])[0, 1]) < 0.9


def test_vibrato_waits_before_it_begins() -> None:
    voice = INSTRUMENTS["solo_strings"].voice
    assert isinstance(voice, Solo)
    straight = msgspec.structs.replace(
        voice, breath=None, scoop_cents=0.0, detune_cents=(0.0,), spread=0.0
    )
    source = straight.source(69, 96_000, generator(1, "x"))
    note = source.play(Strike(0, 96_000, 0.7, 0), 96_000, generator(2, "x"))[0]
    crossings = np.flatnonzero((note[:-1] < 0) & (note[1:] >= 0))
    exact = crossings + note[crossings] / (note[crossings] - note[crossings + 1])
    # The loudest partial's crossings repeat every period, whichever partial that is.
    early, late = (
        exact[(exact > first) & (exact < last)]
        for first, last in ((3000, 12_000), (60_000, 90_000))
    )
    per_period = round(len(early) / ((early[-1] - early[0]) / SAMPLE_RATE * 440.0))
    spreads = [np.std(times[per_period:] - times[:-per_period]) for times in (early, late)]
    assert spreads[1] > 4 * spreads[0]


def _partial_hz(sound: np.ndarray, near_hz: float) -> float:
    """The strongest frequency within 4 % of `near_hz`."""
    size = 1 << 19
    spectrum = np.abs(np.fft.rfft(sound[0] * np.hanning(sound.shape[1]), n=size))
    frequencies = np.fft.rfftfreq(size, 1 / SAMPLE_RATE)
    near = np.abs(frequencies / near_hz - 1) < 0.04
    return float(frequencies[near][np.argmax(spectrum[near])])


def test_a_stiff_string_is_stretched_and_a_harp_is_not() -> None:
    for name, stretch_cents in (("felt_piano", 30.0), ("harp", 0.0)):
        sound = dry(name, [(0.0, 2.0, 48, 120)], length_s=2.0)
        tenth = _partial_hz(sound, 10 * hertz(48) * 2 ** (stretch_cents / 1200))
        stretched = 1200 * np.log2(tenth / (10 * hertz(48)))
        assert stretched == pytest.approx(stretch_cents, abs=4.0)


@pytest.mark.parametrize(
    ("name", "pitch", "ratios"),
    [
        ("glockenspiel", 84, (2.756, 5.404)),
        ("vibraphone", 60, (3.99,)),
        ("timpani", 45, (1.5, 1.98, 2.44)),
    ],
)
def test_bars_and_kettles_ring_in_their_own_modes(
    name: str, pitch: int, ratios: tuple[float, ...]
) -> None:
    sound = dry(name, [(0.0, 1.5, pitch, 127)], length_s=1.5)
    for ratio in ratios:
        assert _partial_hz(sound, ratio * hertz(pitch)) == pytest.approx(
            ratio * hertz(pitch), rel=0.004
        )


def _above_db(sound: np.ndarray, hz: float) -> float:
    """Power above `hz` against all of it."""
    power = np.abs(np.fft.rfft(sound[0])) ** 2
    frequencies = np.fft.rfftfreq(sound.shape[1], 1 / SAMPLE_RATE)
    return 10 * float(np.log10(power[frequencies > hz].sum() / power.sum()))


def test_loud_brass_is_far_brighter_than_soft_brass() -> None:
    soft, hard = (
        dry("low_brass", [(0.0, 2.0, 43, velocity)], length_s=2.0) for velocity in (40, 124)
    )
    assert _above_db(hard, 800.0) > _above_db(soft, 800.0) + 10.0


def test_bow_noise_goes_with_the_strings_and_is_loudest_as_they_speak() -> None:
    voice = INSTRUMENTS["string_ensemble"].voice
    assert isinstance(voice, Ensemble)
    assert voice.breath is not None
    even = msgspec.structs.replace(voice.breath, onset_db=0.0)
    notes = []
    for breath in (voice.breath, even, None):
        bowed = msgspec.structs.replace(voice, breath=breath)
        source = bowed.source(48, SAMPLE_RATE, generator(1, "x"))
        notes.append(source.play(Strike(0, SAMPLE_RATE, 0.9, 0), SAMPLE_RATE, generator(2, "x")))
    bow, steady, tone = notes[0] - notes[2], notes[1] - notes[2], notes[2]
    assert -40.0 < level_db(bow) - level_db(tone) < -25.0
    speaking, later = slice(1200, 4800), slice(24_000, 40_000)
    assert level_db(bow[:, speaking]) > level_db(steady[:, speaking]) + 2.0
    assert level_db(bow[:, later]) == pytest.approx(level_db(steady[:, later]), abs=0.1)


@pytest.mark.parametrize("name", ["string_ensemble", "solo_strings"])
def test_expression_swells_a_held_note_in_level_and_brightness(name: str) -> None:
    part = part_of(name, [(0.0, 8.0, 60, 110)])
    swell = tuple(ExpressionPoint(beat, value) for beat, value in ((0, 1.0), (2, 0.3), (6, 1.0)))
    plain, swelling = (
        next(
            TrackPlayer(
                [msgspec.structs.replace(part, expression=expression)],
                TempoMap.constant(60.0),
                8 * SAMPLE_RATE,
                1,
            ).blocks(8 * SAMPLE_RATE, lambda notes: None)
        )
        for expression in ((), swell)
    )
    at = slice(round(1.9 * SAMPLE_RATE), round(2.1 * SAMPLE_RATE))
    late = slice(round(6.2 * SAMPLE_RATE), round(7.0 * SAMPLE_RATE))
    fall = level_db(swelling[:, at]) - level_db(plain[:, at])
    assert fall == pytest.approx(40 * np.log10(0.33), abs=2.5)
    assert centroid_hz(swelling[:, at]) < 0.9 * centroid_hz(plain[:, at])
    assert level_db(swelling[:, late]) == pytest.approx(level_db(plain[:, late]), abs=0.1)


def test_vibrato_of_every_solo_begins_a_third_to_two_thirds_of_a_second_in() -> None:
    for name in HELD:
        voice = INSTRUMENTS[name].voice
        if isinstance(voice, Solo) and voice.vibrato is not None:
            assert 0.28 <= voice.vibrato.delay_s <= 0.6, name
