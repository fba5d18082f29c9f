"""Strings, choir and pads."""

from __future__ import annotations

from musiscene_core.composing.sound.ensemble import Ensemble, Rank
from musiscene_core.composing.sound.envelope import Envelope
from musiscene_core.composing.sound.instrument import Instrument
from musiscene_core.composing.sound.noise import Breath
from musiscene_core.composing.sound.solo import Solo
from musiscene_core.composing.sound.spectrum import Formant, Spectrum
from musiscene_core.composing.sound.struck import Burst, Modes, Struck
from musiscene_core.composing.sound.vibrato import Vibrato

_BODY = (
    Formant(hz=290.0, octaves=0.35, gain_db=4.0),
    Formant(hz=470.0, octaves=0.3, gain_db=3.0),
    Formant(hz=2600.0, octaves=0.5, gain_db=5.0),
)
"""A violin's air and wood resonances and its bridge hill."""

_AH = (
    Formant(hz=700.0, octaves=0.3, gain_db=13.0),
    Formant(hz=1150.0, octaves=0.22, gain_db=9.0),
    Formant(hz=2800.0, octaves=0.2, gain_db=9.0),
)
_OO = (
    Formant(hz=350.0, octaves=0.4, gain_db=10.0),
    Formant(hz=760.0, octaves=0.25, gain_db=5.0),
)

STRINGS = {
    "warm_pad": Instrument(
        voice=Ensemble(
            dark=Spectrum(slope_db=7.0, cutoff_hz=520.0, cutoff_partials=2.0),
            bright=Spectrum(slope_db=6.0, cutoff_hz=2600.0, cutoff_partials=3.0),
            envelope=Envelope(attack_s=0.42, release_s=0.9, swell=0.25, bright_attack_s=1.6),
            sections_cents=(-11.0, -4.0, 5.0, 12.0),
            haze_cents=10.0,
            width=0.72,
            motion_db=1.2,
            motion_hz=0.19,
        ),
        level_db=-1.0,
    ),
    "string_ensemble": Instrument(
        manner="bowed",
        voice=Ensemble(
            dark=Spectrum(slope_db=6.5, cutoff_hz=1500.0, formants=_BODY),
            bright=Spectrum(slope_db=5.0, cutoff_hz=5200.0, formants=_BODY),
            envelope=Envelope(attack_s=0.14, release_s=0.42, swell=0.3, bright_attack_s=0.35),
            sections_cents=(-8.0, 5.0, 9.0),
            haze_cents=15.0,
            haze_db=-1.0,
            width=0.66,
            motion_db=0.8,
            motion_hz=0.4,
            vibrato=Vibrato(hz=5.7, cents=11.0, delay_s=0.35, rise_s=0.6),
            breath=Breath(level_db=-33.0, low_hz=1600.0, high_hz=7000.0, onset_db=8.0),
        ),
    ),
    "soft_choir": Instrument(
        voice=Ensemble(
            dark=Spectrum(slope_db=9.0, cutoff_hz=2200.0, formants=_OO),
            bright=Spectrum(slope_db=8.0, cutoff_hz=4800.0, formants=_AH),
            envelope=Envelope(attack_s=0.32, release_s=0.75, swell=0.3, bright_attack_s=0.9),
            sections_cents=(-12.0, 7.0, 13.0),
            haze_cents=22.0,
            haze_db=0.0,
            width=0.7,
            motion_db=1.0,
            motion_hz=0.31,
            vibrato=Vibrato(hz=5.1, cents=14.0, delay_s=0.45, rise_s=0.8),
        ),
        level_db=-0.5,
    ),
    "glass_pad": Instrument(
        voice=Ensemble(
            dark=Spectrum(slope_db=12.0, even_db=-8.0, cutoff_hz=2500.0),
            bright=Spectrum(slope_db=5.0, even_db=-10.0, cutoff_hz=7500.0),
            envelope=Envelope(attack_s=0.28, release_s=1.3, swell=0.2, bright_attack_s=0.6),
            sections_cents=(-6.0, 6.0),
            haze_cents=6.0,
            haze_db=-6.0,
            ranks=(Rank(1.0, 0.0), Rank(2.0, -9.0), Rank(3.0, -14.0)),
            width=0.8,
            motion_db=2.0,
            motion_hz=0.55,
        ),
        level_db=-2.5,
    ),
    "solo_strings": Instrument(
        manner="bowed",
        voice=Solo(
            dark=Spectrum(slope_db=6.5, cutoff_hz=1700.0, formants=_BODY),
            bright=Spectrum(slope_db=4.8, cutoff_hz=5600.0, formants=_BODY),
            envelope=Envelope(attack_s=0.075, release_s=0.24, swell=0.35, bright_attack_s=0.22),
            detune_cents=(-4.5, 0.0, 4.0),
            spread=0.45,
            vibrato=Vibrato(hz=5.5, cents=15.0, delay_s=0.28, rise_s=0.7),
            breath=Breath(level_db=-31.0, low_hz=1800.0, high_hz=7500.0),
            scoop_cents=9.0,
        ),
    ),
    "contrabass": Instrument(
        manner="bowed",
        voice=Solo(
            dark=Spectrum(slope_db=7.0, cutoff_hz=330.0, cutoff_partials=3.0),
            bright=Spectrum(
                slope_db=5.5,
                cutoff_hz=1300.0,
                formants=(Formant(hz=105.0, octaves=0.5, gain_db=3.0),),
            ),
            envelope=Envelope(attack_s=0.06, release_s=0.3, swell=0.2, bright_attack_s=0.15),
            detune_cents=(-5.0, 0.0, 5.0),
            spread=0.5,
            vibrato=Vibrato(hz=4.6, cents=7.0, delay_s=0.5, rise_s=0.8),
            breath=Breath(level_db=-32.0, low_hz=500.0, high_hz=2600.0),
            octave_down_db=-10.0,
        ),
        level_db=3.5,
    ),
    "pizzicato": Instrument(
        manner="strummed",
        voice=Struck(
            modes=Modes(
                soft=Spectrum(slope_db=9.0, cutoff_hz=1200.0),
                hard=Spectrum(slope_db=5.0, cutoff_hz=3600.0, formants=_BODY[:2]),
                ring_s=0.95,
                ring_slope=0.5,
                damping=0.42,
                pluck=0.19,
                beating_cents=4.0,
                spread=0.6,
            ),
            bursts=(Burst(low_hz=500.0, high_hz=3000.0, level_db=-13.0, ring_s=0.035),),
            release_s=0.35,
        ),
        level_db=0.5,
    ),
    "harp": Instrument(
        manner="strummed",
        voice=Struck(
            modes=Modes(
                soft=Spectrum(slope_db=9.0, cutoff_hz=1600.0),
                hard=Spectrum(slope_db=6.0, cutoff_hz=4200.0),
                ring_s=3.2,
                ring_slope=0.55,
                damping=0.5,
                pluck=0.38,
                beating_cents=1.2,
                spread=0.5,
            ),
            bursts=(Burst(low_hz=700.0, high_hz=3600.0, level_db=-19.0, ring_s=0.03),),
            release_s=1.3,
        ),
        level_db=-0.5,
    ),
    "guitar": Instrument(
        manner="strummed",
        voice=Struck(
            modes=Modes(
                soft=Spectrum(slope_db=8.0, cutoff_hz=1300.0),
                hard=Spectrum(
                    slope_db=5.0,
                    cutoff_hz=4800.0,
                    formants=(
                        Formant(hz=110.0, octaves=0.3, gain_db=4.0),
                        Formant(hz=220.0, octaves=0.25, gain_db=3.0),
                    ),
                ),
                ring_s=3.6,
                ring_slope=0.6,
                stiffness=0.00006,
                damping=0.34,
                pluck=0.22,
                beating_cents=0.7,
                spread=0.4,
            ),
            bursts=(Burst(low_hz=900.0, high_hz=5000.0, level_db=-20.0, ring_s=0.025),),
            release_s=0.25,
        ),
    ),
    "supersaw_pad": Instrument(
        voice=Ensemble(
            dark=Spectrum(slope_db=6.0, cutoff_hz=700.0, cutoff_partials=2.0),
            bright=Spectrum(slope_db=6.0, cutoff_hz=6500.0, cutoff_partials=4.0),
            envelope=Envelope(attack_s=0.18, release_s=0.7, swell=0.2, bright_attack_s=1.0),
            sections_cents=(-19.0, -11.0, -5.0, 5.0, 12.0, 20.0),
            haze_cents=3.0,
            haze_db=-12.0,
            width=0.8,
            motion_db=0.6,
            motion_hz=0.6,
        ),
        level_db=-2.0,
    ),
}
"""Bowed, plucked, sung and padded."""
