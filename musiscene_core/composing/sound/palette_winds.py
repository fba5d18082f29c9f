"""Winds, brass and synthesisers, and the basses that are not strings."""

from __future__ import annotations

from musiscene_core.composing.sound.ensemble import Ensemble
from musiscene_core.composing.sound.envelope import Envelope
from musiscene_core.composing.sound.instrument import Instrument
from musiscene_core.composing.sound.noise import Breath
from musiscene_core.composing.sound.solo import Solo
from musiscene_core.composing.sound.spectrum import Formant, Spectrum
from musiscene_core.composing.sound.vibrato import Vibrato

WINDS = {
    "brass_ensemble": Instrument(
        voice=Ensemble(
            dark=Spectrum(slope_db=7.0, cutoff_hz=620.0, cutoff_partials=2.5),
            bright=Spectrum(
                slope_db=3.6,
                cutoff_hz=3400.0,
                formants=(Formant(hz=520.0, octaves=0.5, gain_db=4.0),),
            ),
            envelope=Envelope(attack_s=0.085, release_s=0.28, swell=0.25, bright_attack_s=0.28),
            sections_cents=(-5.0, 5.0),
            haze_cents=9.0,
            haze_db=-3.0,
            width=0.55,
            motion_db=0.5,
            motion_hz=0.5,
        ),
        level_db=0.5,
    ),
    "low_brass": Instrument(
        voice=Ensemble(
            dark=Spectrum(slope_db=8.0, cutoff_hz=330.0, cutoff_partials=3.0),
            bright=Spectrum(
                slope_db=3.0,
                cutoff_hz=2600.0,
                formants=(
                    Formant(hz=260.0, octaves=0.5, gain_db=4.0),
                    Formant(hz=620.0, octaves=0.4, gain_db=3.0),
                ),
            ),
            envelope=Envelope(attack_s=0.095, release_s=0.3, swell=0.25, bright_attack_s=0.35),
            sections_cents=(-6.0, 5.0),
            haze_cents=8.0,
            haze_db=-4.0,
            width=0.5,
            motion_db=0.5,
            motion_hz=0.5,
            breath=Breath(level_db=-38.0, low_hz=400.0, high_hz=2500.0),
        ),
        level_db=1.0,
    ),
    "flute": Instrument(
        voice=Solo(
            dark=Spectrum(slope_db=15.0, cutoff_hz=2400.0),
            bright=Spectrum(slope_db=9.0, even_db=2.0, cutoff_hz=4200.0),
            envelope=Envelope(attack_s=0.065, release_s=0.16, swell=0.3, bright_attack_s=0.15),
            detune_cents=(-1.5, 1.5),
            spread=0.35,
            vibrato=Vibrato(hz=5.0, cents=9.0, delay_s=0.3, rise_s=0.6),
            breath=Breath(level_db=-24.0, low_hz=900.0, high_hz=6500.0, onset_db=9.0),
            scoop_cents=6.0,
        ),
        level_db=0.5,
    ),
    "clarinet": Instrument(
        voice=Solo(
            dark=Spectrum(slope_db=9.0, even_db=-24.0, cutoff_hz=1500.0),
            bright=Spectrum(slope_db=5.5, even_db=-13.0, cutoff_hz=3600.0),
            envelope=Envelope(attack_s=0.05, release_s=0.15, swell=0.3, bright_attack_s=0.12),
            detune_cents=(-1.5, 1.5),
            spread=0.35,
            vibrato=Vibrato(hz=4.8, cents=4.0, delay_s=0.5, rise_s=0.8),
            breath=Breath(level_db=-34.0, low_hz=1200.0, high_hz=6000.0),
        ),
    ),
    "horn": Instrument(
        voice=Solo(
            dark=Spectrum(slope_db=9.0, cutoff_hz=500.0, cutoff_partials=2.0),
            bright=Spectrum(
                slope_db=4.5,
                cutoff_hz=1900.0,
                formants=(Formant(hz=380.0, octaves=0.5, gain_db=5.0),),
            ),
            envelope=Envelope(attack_s=0.075, release_s=0.24, swell=0.35, bright_attack_s=0.3),
            detune_cents=(-4.0, 0.0, 4.0),
            spread=0.5,
            vibrato=Vibrato(hz=4.9, cents=3.5, delay_s=0.6, rise_s=1.0),
            breath=Breath(level_db=-36.0, low_hz=500.0, high_hz=3000.0),
            scoop_cents=14.0,
        ),
        level_db=0.5,
    ),
    "synth_lead": Instrument(
        voice=Solo(
            dark=Spectrum(slope_db=6.0, cutoff_hz=900.0, cutoff_partials=2.0),
            bright=Spectrum(slope_db=5.5, cutoff_hz=5000.0, cutoff_partials=4.0),
            envelope=Envelope(
                attack_s=0.018,
                release_s=0.28,
                decay_s=0.5,
                sustain=0.75,
                swell=0.1,
                bright_attack_s=0.03,
            ),
            detune_cents=(-6.0, 0.0, 6.0),
            spread=0.7,
            vibrato=Vibrato(hz=5.6, cents=9.0, delay_s=0.4, rise_s=0.6),
        ),
        level_db=-1.5,
    ),
    "sub_bass": Instrument(
        voice=Solo(
            dark=Spectrum(slope_db=14.0, cutoff_hz=160.0),
            bright=Spectrum(slope_db=9.0, cutoff_hz=320.0),
            envelope=Envelope(attack_s=0.02, release_s=0.16, decay_s=1.6, sustain=0.8),
            detune_cents=(0.0,),
        ),
        level_db=2.0,
    ),
    "pulse_bass": Instrument(
        manner="struck",
        voice=Solo(
            dark=Spectrum(slope_db=7.0, cutoff_hz=260.0, cutoff_partials=2.0),
            bright=Spectrum(slope_db=5.5, cutoff_hz=2200.0, cutoff_partials=5.0),
            envelope=Envelope(
                attack_s=0.006, release_s=0.09, decay_s=0.35, sustain=0.45, bright_decay_s=0.16
            ),
            detune_cents=(-6.0, 6.0),
            spread=0.6,
            octave_down_db=-14.0,
        ),
        level_db=2.5,
    ),
}
"""Blown, buzzed and synthesised."""
