"""Keyboards and bells."""

from __future__ import annotations

from musiscene_core.composing.sound.instrument import Instrument
from musiscene_core.composing.sound.spectrum import Spectrum
from musiscene_core.composing.sound.struck import Burst, Modes, Struck

KEYS = {
    "felt_piano": Instrument(
        manner="strummed",
        voice=Struck(
            modes=Modes(
                soft=Spectrum(slope_db=9.0, cutoff_hz=650.0, cutoff_partials=1.5),
                hard=Spectrum(slope_db=5.0, cutoff_hz=2900.0, cutoff_partials=3.0),
                ring_s=6.5,
                ring_slope=0.55,
                stiffness=0.00035,
                damping=0.28,
                pluck=0.12,
                beating_cents=0.9,
                spread=0.95,
            ),
            bursts=(
                Burst(low_hz=120.0, high_hz=900.0, level_db=-15.0, ring_s=0.09, soft_db=-5.0),
                Burst(low_hz=1200.0, high_hz=4500.0, level_db=-30.0, ring_s=0.03, soft_db=-10.0),
            ),
            release_s=0.38,
            attack_s=0.004,
        ),
        level_db=0.5,
    ),
    "music_box": Instrument(
        manner="struck",
        voice=Struck(
            modes=Modes(
                ratios=(1.0, 2.01, 3.02, 6.27, 11.4),
                soft=Spectrum(slope_db=11.0),
                hard=Spectrum(slope_db=8.0),
                ring_s=3.0,
                ring_slope=0.6,
                damping=0.5,
                spread=0.6,
            ),
            bursts=(Burst(low_hz=3000.0, high_hz=9000.0, level_db=-24.0, ring_s=0.02),),
            release_s=1.0,
        ),
        level_db=-2.5,
    ),
    "celesta": Instrument(
        manner="struck",
        voice=Struck(
            modes=Modes(
                ratios=(1.0, 2.0, 4.02, 6.9),
                soft=Spectrum(slope_db=16.0),
                hard=Spectrum(slope_db=11.0),
                ring_s=2.4,
                ring_slope=0.55,
                damping=0.9,
                spread=0.5,
            ),
            bursts=(Burst(low_hz=900.0, high_hz=4500.0, level_db=-25.0, ring_s=0.03),),
            release_s=0.7,
        ),
        level_db=-1.5,
    ),
    "vibraphone": Instrument(
        manner="struck",
        voice=Struck(
            modes=Modes(
                ratios=(1.0, 3.99, 10.1),
                soft=Spectrum(slope_db=26.0),
                hard=Spectrum(slope_db=16.0),
                ring_s=5.0,
                ring_slope=0.5,
                damping=0.5,
                beating_cents=3.0,
                spread=0.6,
            ),
            bursts=(Burst(low_hz=500.0, high_hz=2500.0, level_db=-26.0, ring_s=0.02),),
            release_s=0.8,
        ),
        level_db=-1.0,
    ),
    "glockenspiel": Instrument(
        manner="struck",
        voice=Struck(
            modes=Modes(
                ratios=(1.0, 2.756, 5.404, 8.933),
                soft=Spectrum(slope_db=13.0),
                hard=Spectrum(slope_db=7.0),
                ring_s=5.5,
                ring_slope=0.6,
                damping=0.35,
                spread=0.6,
            ),
            bursts=(Burst(low_hz=4000.0, high_hz=11_000.0, level_db=-24.0, ring_s=0.015),),
            release_s=2.0,
        ),
        level_db=-3.0,
    ),
    "timpani": Instrument(
        manner="struck",
        voice=Struck(
            modes=Modes(
                # The ring-shaped modes that the kettle's air brings near a harmonic series.
                ratios=(1.0, 1.5, 1.98, 2.44, 2.89, 3.35),
                soft=Spectrum(slope_db=12.0),
                hard=Spectrum(slope_db=6.5),
                ring_s=1.6,
                ring_slope=0.2,
                damping=0.5,
                spread=0.35,
                scatter=0.25,
            ),
            bursts=(
                Burst(low_hz=90.0, high_hz=420.0, level_db=-5.0, ring_s=0.12, soft_db=-4.0),
                Burst(low_hz=700.0, high_hz=3500.0, level_db=-20.0, ring_s=0.02, soft_db=-12.0),
            ),
            release_s=1.2,
        ),
        level_db=2.0,
    ),
    "bell": Instrument(
        manner="effect",
        voice=Struck(
            modes=Modes(
                ratios=(1.0, 2.0, 2.4, 3.0, 4.02, 5.35, 6.7, 8.2),
                soft=Spectrum(slope_db=7.0),
                hard=Spectrum(slope_db=4.0, cutoff_hz=7000.0),
                ring_s=5.5,
                ring_slope=0.4,
                damping=0.25,
                beating_cents=1.5,
                spread=0.8,
            ),
            release_s=3.0,
        ),
        level_db=-4.0,
    ),
}
"""Struck by keys or mallets."""
