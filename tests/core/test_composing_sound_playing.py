"""How instruments are played: vibrato that waits, and what the sound table says of each."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
import scipy.signal

from musiscene_core.composing.sound.ensemble import Ensemble
from musiscene_core.composing.sound.instruments import INSTRUMENTS
from musiscene_core.composing.sound.kits import Kit
from musiscene_core.composing.sound.sampler import OWN_ORCHESTRA
from musiscene_core.composing.sound.signal import generator, hertz
from musiscene_core.composing.sound.solo import Solo
from musiscene_core.composing.sound.vibrato import Vibrato
from musiscene_core.composing.sound.voice import Strike
from musiscene_core.timecode import SAMPLE_RATE
from tests.support.sound_measures import dry, level_db

LOW = {"sub_bass", "contrabass", "pulse_bass", "drone", "braam", "timpani", "low_brass"}
A = 69


def played(voice: Ensemble, seconds: float, longest_s: float = 4.0) -> np.ndarray:
    source = voice.source(A, round(longest_s * SAMPLE_RATE), generator(1, "x"))
    samples = round(seconds * SAMPLE_RATE)
    return source.play(Strike(0, samples, 0.8, 0), samples, generator(2, "x"))


def pitch_cents(sound: np.ndarray) -> np.ndarray:
    """Cents off A4 of the fundamental, sample by sample."""
    near = scipy.signal.butter(2, (380, 500), "bandpass", fs=SAMPLE_RATE, output="sos")
    phase = np.unwrap(np.angle(scipy.signal.hilbert(scipy.signal.sosfiltfilt(near, sound))))
    return 1200 * np.log2(np.maximum(1.0, np.diff(phase) * SAMPLE_RATE / 2 / np.pi) / hertz(A))


def within(values: np.ndarray, first_s: float, last_s: float) -> np.ndarray:
    return values[..., round(first_s * SAMPLE_RATE) : round(last_s * SAMPLE_RATE)]


def desk(name: str) -> tuple[Ensemble, Vibrato]:
    """One desk of the ensemble, without haze, so that its pitch can be followed."""
    voice = INSTRUMENTS[name].voice
    assert isinstance(voice, Ensemble)
    assert voice.vibrato is not None
    alone = msgspec.structs.replace(
        voice, haze_db=-90.0, sections_cents=(), width=0.0, motion_db=0.0, breath=None
    )
    return alone, voice.vibrato


@pytest.mark.parametrize("name", ["string_ensemble", "soft_choir"])
def test_an_ensemble_plays_straight_and_then_with_vibrato(name: str) -> None:
    voice, shake = desk(name)
    cents = pitch_cents(played(voice, 3.0)[0])
    straight = within(cents, 0.1, shake.delay_s)
    full = within(cents, shake.delay_s + shake.rise_s, 2.8)
    assert np.ptp(straight) < 2.5
    assert np.abs(full).max() == pytest.approx(shake.cents, rel=0.15)
    growing = within(cents, shake.delay_s + 0.2, shake.delay_s + 0.5)
    assert np.std(straight) < np.std(growing) < np.std(full)
    turns = np.abs(np.fft.rfft((full - full.mean()) * np.hanning(len(full)), n=10 * SAMPLE_RATE))
    assert np.argmax(turns) / 10 == pytest.approx(shake.hz, rel=0.18)


def test_the_groups_of_an_ensemble_do_not_swing_together() -> None:
    voice, shake = desk("string_ensemble")
    many = msgspec.structs.replace(voice, sections_cents=(-0.1, 0.1, 0.2, 0.3))
    swings = [
        np.std(within(pitch_cents(played(one, 3.0)[0]), shake.delay_s + shake.rise_s, 2.8))
        for one in (voice, many)
    ]
    assert swings[1] < 0.85 * swings[0]


def test_every_ensembles_vibrato_begins_three_to_six_tenths_in() -> None:
    shaken = {
        name: instrument.voice.vibrato.delay_s
        for name, instrument in INSTRUMENTS.items()
        if isinstance(instrument.voice, Ensemble) and instrument.voice.vibrato is not None
    }
    assert set(shaken) >= {"string_ensemble", "soft_choir"}
    assert all(0.3 <= delay_s <= 0.6 for delay_s in shaken.values())


def test_a_note_too_short_for_vibrato_is_the_same_without() -> None:
    voice = INSTRUMENTS["string_ensemble"].voice
    assert isinstance(voice, Ensemble)
    plain = msgspec.structs.replace(voice, vibrato=None)
    short = [played(one, 0.3) for one in (voice, plain)]
    assert np.array_equal(*short)
    longer = [played(one, 1.5) for one in (voice, plain)]
    assert np.array_equal(within(longer[0], 0, 0.35), within(longer[1], 0, 0.35))
    assert not np.allclose(within(longer[0], 1.0, 1.4), within(longer[1], 1.0, 1.4), atol=0.05)


def test_vibrato_neither_swells_nor_sinks_a_note() -> None:
    voice = INSTRUMENTS["string_ensemble"].voice
    assert isinstance(voice, Ensemble)
    notes = [played(one, 3.0) for one in (voice, msgspec.structs.replace(voice, vibrato=None))]
    for first_s in (0.5, 1.0, 1.5, 2.0):
        levels = [level_db(within(note, first_s, first_s + 0.5)) for note in notes]
        assert levels[0] == pytest.approx(levels[1], abs=1.5)


@pytest.mark.parametrize("name", sorted(INSTRUMENTS))
def test_the_table_says_which_notes_fade_or_grow_by_themselves(name: str) -> None:
    pitch = 41 if isinstance(INSTRUMENTS[name].voice, Kit) else 38 if name in LOW else 64
    note = dry(name, [(0.0, 5.0, pitch, 90)], length_s=6.0)
    struck = level_db(within(note, 0.02, 0.22))
    early, late = (level_db(within(note, s, s + 1.8)) for s in (0.4, 2.4))
    if INSTRUMENTS[name].fades:
        assert abs(late - struck) > 3.0
    else:
        # Both hold as much of its swell, and a whole beat of the slowest detuned players.
        assert abs(late - early) < 4.5


def test_bowed_and_strummed_are_what_players_bow_and_strum() -> None:
    by_manner = {
        manner: {name for name, one in INSTRUMENTS.items() if one.manner == manner}
        for manner in ("bowed", "strummed", "bed")
    }
    assert by_manner["bowed"] == {"string_ensemble", "solo_strings", "contrabass"}
    assert by_manner["strummed"] == {"felt_piano", "harp", "guitar", "pizzicato"}
    assert all(INSTRUMENTS[name].machine for name in by_manner["bed"])
    assert OWN_ORCHESTRA.instruments["harp"].manner == "strummed"


def test_an_octave_doubling_is_left_out_where_nobody_hears_it() -> None:
    voice = INSTRUMENTS["contrabass"].voice
    assert isinstance(voice, Solo)
    found = []
    for pitch in (38, 28):
        source = voice.source(pitch, SAMPLE_RATE, generator(1, "x"))
        note = source.play(Strike(0, SAMPLE_RATE, 0.8, 0), SAMPLE_RATE, generator(2, "x"))
        power = np.abs(np.fft.rfft(note[0] * np.hanning(note.shape[1]))) ** 2
        below = power[: round(0.75 * hertz(pitch))].sum()
        found.append(10 * np.log10(below / power.sum()))
    assert found[0] > -16.0
    assert found[1] < -40.0
