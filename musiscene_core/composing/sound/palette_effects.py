"""Textures, impacts and drum kits."""

from __future__ import annotations

from musiscene_core.composing.sound.ensemble import Ensemble, Rank
from musiscene_core.composing.sound.envelope import Envelope
from musiscene_core.composing.sound.instrument import Instrument
from musiscene_core.composing.sound.kits import CINEMATIC_KIT, SOFT_KIT, Drum, Kit
from musiscene_core.composing.sound.noise import Sweep
from musiscene_core.composing.sound.spectrum import Spectrum
from musiscene_core.composing.sound.struck import Burst, Fall

_ANY_PITCH = tuple(range(128))

EFFECTS = {
    "cinematic_kit": Instrument(manner="struck", voice=CINEMATIC_KIT, level_db=1.0),
    "soft_kit": Instrument(manner="struck", voice=SOFT_KIT, level_db=-2.5),
    "drone": Instrument(
        manner="bed",
        voice=Ensemble(
            dark=Spectrum(slope_db=8.0, cutoff_hz=260.0, cutoff_partials=2.5),
            bright=Spectrum(slope_db=6.0, cutoff_hz=1500.0),
            envelope=Envelope(attack_s=1.1, release_s=1.6, swell=0.35, bright_attack_s=4.0),
            sections_cents=(-15.0, -6.0, 6.0, 15.0),
            haze_cents=18.0,
            ranks=(Rank(1.0, 0.0), Rank(1.5, -13.0), Rank(2.0, -7.0)),
            width=0.75,
            motion_db=2.0,
            motion_hz=0.13,
        ),
        level_db=1.5,
    ),
    "shimmer": Instrument(
        manner="bed",
        voice=Ensemble(
            dark=Spectrum(slope_db=10.0, cutoff_hz=4500.0),
            bright=Spectrum(slope_db=6.0, cutoff_hz=11_000.0),
            envelope=Envelope(attack_s=0.8, release_s=1.6, swell=0.4, bright_attack_s=1.5),
            sections_cents=(-9.0, 10.0),
            haze_cents=14.0,
            ranks=(Rank(1.0, 0.0), Rank(2.0, -3.0), Rank(4.0, -9.0)),
            width=0.9,
            motion_db=3.0,
            motion_hz=0.9,
        ),
        level_db=-4.5,
    ),
    "riser": Instrument(
        manner="effect",
        voice=Sweep(
            from_hz=250.0,
            to_hz=7000.0,
            octaves=1.1,
            growth=2.4,
            release_s=0.09,
            tone_db=-9.0,
            tremolo_hz=11.0,
        ),
        level_db=-2.0,
    ),
    "noise_swell": Instrument(
        manner="effect",
        voice=Sweep(from_hz=900.0, to_hz=5200.0, octaves=1.5, growth=3.0, release_s=0.5),
        level_db=-3.0,
    ),
    "boom": Instrument(
        manner="effect",
        voice=Kit(
            drums=(
                Drum(
                    pitches=_ANY_PITCH,
                    ring_s=2.6,
                    falls=(
                        Fall(from_hz=118.0, to_hz=33.0, settle_s=0.13, level_db=3.0, ring_s=2.6),
                        Fall(from_hz=190.0, to_hz=61.0, settle_s=0.08, level_db=-4.0, ring_s=1.1),
                    ),
                    bursts=(
                        Burst(low_hz=50, high_hz=380, level_db=0.0, ring_s=0.7),
                        Burst(low_hz=700, high_hz=3500, level_db=-13.0, ring_s=0.05, soft_db=-14),
                    ),
                ),
            )
        ),
        level_db=6.0,
    ),
    "braam": Instrument(
        manner="effect",
        voice=Ensemble(
            dark=Spectrum(slope_db=6.0, cutoff_hz=300.0),
            bright=Spectrum(slope_db=3.0, cutoff_hz=1700.0, cutoff_order=3),
            envelope=Envelope(
                attack_s=0.03,
                release_s=0.9,
                decay_s=1.6,
                sustain=0.35,
                bright_attack_s=0.12,
                bright_decay_s=1.8,
            ),
            sections_cents=(-16.0, -7.0, 8.0, 17.0),
            haze_cents=14.0,
            ranks=(Rank(1.0, 0.0), Rank(2.0, -2.0), Rank(0.5, -6.0), Rank(3.0, -9.0)),
            width=0.6,
            motion_db=0.6,
            motion_hz=3.0,
        ),
        level_db=3.0,
    ),
}
"""Beds, transitions, hits and drums."""
