"""The user's SoundFonts: what their tables say is what sounds, and a broken one is refused."""

from __future__ import annotations

import hashlib
import io
import shutil
import struct
import subprocess
from pathlib import Path

import av
import mido
import msgspec
import numpy as np
import pytest

from musiscene_core.composing.score import score
from musiscene_core.composing.sound import INSTRUMENTS, render
from musiscene_core.composing.sound.sampler import orchestra_of
from musiscene_core.composing.sound.sampler.font import SoundFont
from musiscene_core.composing.sound.sampler.orchestra import PROGRAMS, Preset
from musiscene_core.composing.sound.sampler.samples import Samples
from musiscene_core.composing.sound.sampler.zones import zones_of
from musiscene_core.composing.sound.signal import hertz
from musiscene_core.composing.sound.voice import Strike
from musiscene_core.errors import MediaError
from musiscene_core.request import ScoreRequest
from musiscene_core.timecode import SAMPLE_RATE
from tests.support.scenes import brief_of
from tests.support.sound_cues import cue_of, one_note, part_of
from tests.support.sound_measures import centroid_hz, cents_off, level_db
from tests.support.soundfonts import KEYS, VELOCITIES, Program, Wave, between, sine, soundfont

DEBIAN_FONT = Path("/usr/share/sounds/sf3/FluidR3Mono_GM.sf3")
LOOPED = Wave(sine(480, 0.5), loop=(4800, 9600), pitch=69)
"""480 Hz said to be A4; its loop is 48 whole periods."""

LOOP_MODE, ATTENUATION, FILTER, PAN, EXCLUSIVE = 54, 48, 8, 17, 57
COARSE, FINE, ROOT, ATTACK, DECAY, SUSTAIN, RELEASE = 51, 52, 58, 34, 36, 37, 38


def opened(tmp_path: Path, *programs: Program, waves: tuple[Wave, ...] = (LOOPED,)) -> SoundFont:
    path = tmp_path / "font.sf2"
    path.write_bytes(soundfont(waves, programs))
    return SoundFont(path)


def played(
    font: SoundFont, pitch: int, *, velocity: int = 127, seconds: float = 1.0, program: int = 0
) -> np.ndarray:
    """A note of the font's program, at the level of its velocity."""
    preset = Preset(zones_of(font, 0, program), Samples(font))
    held = round(seconds * SAMPLE_RATE)
    random = np.random.default_rng(0)
    source = preset.source(pitch, held, random)
    strike = Strike(0, held, velocity / 127, 0)
    return source.play(strike, source.length(strike), random) * (velocity / 127) ** 2


@pytest.mark.parametrize("pitch", [45, 69, 81])
def test_a_looped_sample_holds_its_pitch_for_as_long_as_the_note(
    tmp_path: Path, pitch: int
) -> None:
    font = opened(tmp_path, Program(0, 0, [(0, {LOOP_MODE: 1})]))
    note = played(font, pitch, seconds=3.0)
    expected = 480.0 * 2 ** ((pitch - 69) / 12)
    assert abs(cents_off(note[:, :144_000], expected)) < 1.0
    late = note[:, 96_000:144_000]
    assert level_db(late) == pytest.approx(level_db(note[:, 4800:48_000]), abs=0.1)
    spectrum = np.abs(np.fft.rfft(late[0] * np.hanning(48_000)))
    frequencies = np.fft.rfftfreq(48_000, 1 / SAMPLE_RATE)
    beside = np.abs(frequencies - expected) > 20
    assert spectrum[beside].max() < 2e-3 * spectrum.max(), "no click where the loop closes"


def test_tuning_root_and_scale_are_obeyed(tmp_path: Path) -> None:
    font = opened(
        tmp_path,
        Program(0, 0, [(0, {LOOP_MODE: 1, COARSE: 2, FINE: 50})]),
        Program(0, 1, [(0, {LOOP_MODE: 1, ROOT: 57})], above={FINE: -25}),
        Program(0, 2, [(0, {LOOP_MODE: 1, 56: 50})]),
    )
    for program, pitch, semitones in ((0, 69, 2.5), (1, 69, 11.75), (2, 73, 2.0)):
        note = played(font, pitch, program=program)
        assert abs(cents_off(note, 480.0 * 2 ** (semitones / 12))) < 1.5


def test_keys_and_velocities_choose_the_sample(tmp_path: Path) -> None:
    low, high, loud = (Wave(sine(f, 0.5), loop=(4800, 9600)) for f in (300, 600, 900))
    zones = [
        (0, {KEYS: between(0, 68), LOOP_MODE: 1, ROOT: 60}),
        (1, {KEYS: between(69, 127), VELOCITIES: between(0, 99), LOOP_MODE: 1, ROOT: 70}),
        (2, {KEYS: between(69, 127), VELOCITIES: between(100, 127), LOOP_MODE: 1, ROOT: 70}),
    ]
    font = opened(tmp_path, Program(0, 0, zones), waves=(low, high, loud))
    for pitch, velocity, expected in ((60, 80, 300), (70, 80, 600), (70, 120, 900)):
        assert abs(cents_off(played(font, pitch, velocity=velocity), expected)) < 2.0


def test_level_pan_and_velocity_are_obeyed(tmp_path: Path) -> None:
    font = opened(
        tmp_path,
        Program(0, 0, [(0, {LOOP_MODE: 1})]),
        Program(0, 1, [(0, {LOOP_MODE: 1, ATTENUATION: 200})]),
        Program(0, 2, [(0, {LOOP_MODE: 1, PAN: -500})]),
    )
    full = level_db(played(font, 69))
    assert full == pytest.approx(20 * np.log10(0.5 / 2**0.5), abs=0.4)
    assert level_db(played(font, 69, program=1)) - full == pytest.approx(-8.0, abs=0.1)
    left, right = played(font, 69, program=2)
    assert np.abs(right).max() < 1e-6 * np.abs(left).max()
    soft = level_db(played(font, 69, velocity=64))
    assert soft - full == pytest.approx(40 * np.log10(64 / 127), abs=0.5)


def test_the_envelope_rises_decays_and_releases_in_its_times(tmp_path: Path) -> None:
    shape = {LOOP_MODE: 1, ATTACK: 0, DECAY: 1200, SUSTAIN: 250, RELEASE: 0}
    note = played(opened(tmp_path, Program(0, 0, [(0, shape)])), 69, seconds=3.0)

    def at(seconds: float) -> float:
        here = round(seconds * SAMPLE_RATE)
        return level_db(note[:, here - 480 : here + 480])

    assert at(0.5) - at(1.0) == pytest.approx(-3.0, abs=0.4), "a sine's rise in one second"
    assert at(1.25) - at(1.0) == pytest.approx(-12.0, abs=0.6), "96 dB in two seconds"
    assert at(2.9) - at(1.0) == pytest.approx(-24.0, abs=0.4)
    assert at(3.25) - at(2.9) == pytest.approx(-24.0, abs=0.6), "96 dB in one second"
    assert not note[:, -1].any()


def test_a_filter_darkens_and_velocity_opens_it(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(-12_000, 12_000, 48_000).astype(np.int16)
    font = opened(
        tmp_path,
        Program(0, 0, [(0, {LOOP_MODE: 1})]),
        Program(0, 1, [(0, {LOOP_MODE: 1, FILTER: 8000})]),
        waves=(Wave(noise, loop=(100, 47_900)),),
    )
    bright, dark = (centroid_hz(played(font, 69, program=program)) for program in (0, 1))
    assert dark < 0.3 * bright
    assert centroid_hz(played(font, 69, velocity=40)) < 0.8 * bright


def test_drums_of_one_class_choke_each_other(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(-9000, 9000, 48_000).astype(np.int16)
    zones = [
        (0, {KEYS: between(0, 45), EXCLUSIVE: 1}),
        (0, {KEYS: between(46, 127), EXCLUSIVE: 1}),
    ]
    path = tmp_path / "kit.sf2"
    path.write_bytes(soundfont([Wave(noise)], [Program(128, 48, zones)]))
    instruments = orchestra_of(path).instruments

    def rendered(*notes: tuple[float, float, int, int]) -> np.ndarray:
        cue = cue_of([part_of("cinematic_kit", notes, role="percussion")])
        return render(
            cue,
            length_samples=96_000,
            target_lufs=-18.0,
            max_true_peak_dbtp=-1.5,
            seed=1,
            instruments=instruments,
        ).stems["percussion"]

    ringing, choked = rendered((0, 1, 46, 120)), rendered((0, 1, 46, 120), (0.5, 1, 42, 1))
    before, after = slice(2400, 11_000), slice(14_400, 24_000)
    fall = level_db(ringing[:, after]) - level_db(ringing[:, before])
    assert level_db(choked[:, after]) - level_db(choked[:, before]) < fall - 10.0


def test_what_a_font_lacks_our_own_instruments_play_and_it_is_told(tmp_path: Path) -> None:
    path = tmp_path / "flute.sf2"
    path.write_bytes(soundfont([LOOPED], [Program(0, 73, [(0, {LOOP_MODE: 1})])]))
    orchestra = orchestra_of(path)
    assert isinstance(orchestra.instruments["flute"].voice, Preset)
    assert orchestra.instruments["horn"] is INSTRUMENTS["horn"]
    assert "horn" in orchestra.warnings[0]
    assert ", flute," not in orchestra.warnings[0]
    assert orchestra.digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_sampled_instrument_is_as_loud_as_ours_and_gives_the_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "flute.sf2"
    path.write_bytes(soundfont([LOOPED], [Program(0, 73, [(0, {LOOP_MODE: 1})])]))

    def sound(instruments: object) -> np.ndarray:
        return render(
            one_note("flute", 72, velocity=110),
            length_samples=96_000,
            target_lufs=-18.0,
            max_true_peak_dbtp=-1.5,
            seed=1,
            instruments=instruments,  # type: ignore[arg-type]
        ).stems["melody"]

    one, two, own = (
        sound(instruments)
        for instruments in (
            orchestra_of(path).instruments,
            orchestra_of(path).instruments,
            INSTRUMENTS,
        )
    )
    assert np.array_equal(one, two)
    assert not np.array_equal(one, own)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_font_is_refused(tmp_path: Path, share: float) -> None:
    whole = soundfont([LOOPED], [Program(0, 0, [(0, {})])])
    path = tmp_path / "cut.sf2"
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(MediaError) as caught:
        orchestra_of(path)
    assert caught.value.hint


def test_a_font_of_random_damage_is_played_or_refused_but_never_worse(tmp_path: Path) -> None:
    whole = soundfont([LOOPED], [Program(0, 73, [(0, {LOOP_MODE: 1, FILTER: 9000})])])
    tables = whole.index(b"pdta")
    random = np.random.default_rng(11)
    refused = 0
    for trial in range(60):
        broken = bytearray(whole)
        for _ in range(4):
            broken[int(random.integers(tables, len(whole)))] = int(random.integers(256))
        path = tmp_path / f"{trial}.sf2"
        path.write_bytes(broken)
        try:
            voice = orchestra_of(path).instruments["flute"].voice
            source = voice.source(72, 4800, random)
            strike = Strike(0, 4800, 0.8, 0)
            note = source.play(strike, min(9600, source.length(strike)), random)
        except MediaError:
            refused += 1
            continue
        assert np.isfinite(note).all()
    assert 0 < refused < 60


def test_a_font_that_claims_more_than_it_holds_is_refused(tmp_path: Path) -> None:
    whole = bytearray(soundfont([LOOPED], [Program(0, 73, [(0, {LOOP_MODE: 1})])]))
    header = whole.index(b"wave 0")
    struct.pack_into("<II", whole, header + 20, 0, 0xFFFFFFF0)
    path = tmp_path / "huge.sf2"
    path.write_bytes(whole)
    with pytest.raises(MediaError, match="outside the sample data"):
        orchestra_of(path)


def test_presets_whose_zones_multiply_without_end_are_refused(tmp_path: Path) -> None:
    # 200 zones of the preset, each naming an instrument of 200 zones.
    zones = [(0, {}) for _ in range(200)]
    path = _written(tmp_path, soundfont([LOOPED], [Program(0, 73, zones, repeated=200)]))
    with pytest.raises(MediaError, match="zones"):
        orchestra_of(path)


def test_a_compressed_sample_that_is_no_vorbis_is_refused(tmp_path: Path) -> None:
    whole = bytearray(soundfont([LOOPED], [Program(0, 73, [(0, {LOOP_MODE: 1})])]))
    struct.pack_into("<H", whole, whole.index(b"wave 0") + 44, 0x10)
    with pytest.raises(MediaError, match="cannot be decoded"):
        orchestra_of(_written(tmp_path, whole))


def test_a_compressed_sample_sounds_like_the_plain_one(tmp_path: Path) -> None:
    plain = _played_flute(_written(tmp_path, soundfont([LOOPED], [FLUTE])))
    packed = _played_flute(_written(tmp_path, _compressed(LOOPED)))
    assert level_db(packed) == pytest.approx(level_db(plain), abs=0.5)
    assert abs(cents_off(packed, 480.0 * 2 ** (3 / 12))) < 1.0


FLUTE = Program(0, 73, [(0, {LOOP_MODE: 1})])


def _written(folder: Path, data: bytes) -> Path:
    path = folder / f"{hashlib.sha256(data).hexdigest()[:8]}.sf2"
    path.write_bytes(data)
    return path


def _played_flute(path: Path) -> np.ndarray:
    return played(SoundFont(path), 72, program=73)


def _compressed(wave: Wave) -> bytes:
    """A font whose only sample is Ogg Vorbis."""
    packed = io.BytesIO()
    with av.open(packed, "w", format="ogg") as container:
        # FFmpeg's own encoder knows two channels only; the first one is what a player takes.
        stream = container.add_stream(
            "vorbis", rate=wave.rate, options={"strict": "experimental"}, layout="stereo"
        )
        values = np.tile((wave.values / 32_768).astype(np.float32), (2, 1))
        frame = av.AudioFrame.from_ndarray(values, format="fltp", layout="stereo")
        frame.sample_rate = wave.rate
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    data = packed.getvalue()
    data += bytes(len(data) % 2)
    carrier = Wave(np.frombuffer(data, "<i2"), pitch=wave.pitch, rate=wave.rate)
    whole = bytearray(soundfont([carrier], [FLUTE]))
    header = whole.index(b"wave 0")
    struct.pack_into("<IIII", whole, header + 20, 0, len(data), *wave.loop)
    struct.pack_into("<H", whole, header + 44, 0x10)
    return bytes(whole)


@pytest.mark.parametrize(
    ("kind", "body"),
    [(b"nothing at all", b""), (b"RIFF", b"WAVE" + bytes(50)), (b"\0" * 64, b"")],
)
def test_what_is_no_soundfont_is_refused(tmp_path: Path, kind: bytes, body: bytes) -> None:
    path = tmp_path / "odd.sf2"
    path.write_bytes(kind + struct.pack("<I", len(body)) + body)
    with pytest.raises(MediaError, match="no SoundFont"):
        orchestra_of(path)


def test_a_missing_font_is_explained(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="cannot be read"):
        orchestra_of(tmp_path / "none.sf2")


fluidsynth = pytest.mark.skipif(
    not DEBIAN_FONT.exists() or shutil.which("fluidsynth") is None,
    reason="needs fluidsynth and Debian's fluidr3mono-gm-soundfont",
)
COMPARED = (
    *("felt_piano", "celesta", "bell", "solo_strings", "contrabass", "pizzicato", "harp"),
    *("string_ensemble", "soft_choir", "horn", "brass_ensemble", "clarinet", "flute"),
)
VELOCITIES_COMPARED = (40, 80, 120)
SLOT_S, HELD_S = 5.0, 1.0


def _pitches(name: str) -> tuple[int, int, int]:
    middle = PROGRAMS[name].reference
    return middle - 7, middle, middle + 8


@fluidsynth
def test_pitch_and_level_are_fluidsynths(tmp_path: Path) -> None:
    notes = [
        (name, pitch, velocity)
        for name in COMPARED
        for pitch in _pitches(name)
        for velocity in VELOCITIES_COMPARED
    ]
    theirs = _by_fluidsynth(tmp_path, notes)
    font = SoundFont(DEBIAN_FONT)
    samples = Samples(font)
    far: list[tuple[str, int, int, float]] = []
    for number, (name, pitch, velocity) in enumerate(notes):
        preset = Preset(zones_of(font, 0, PROGRAMS[name].program), samples)
        held = round(HELD_S * SAMPLE_RATE)
        random = np.random.default_rng(0)
        source = preset.source(pitch, held, random)
        strike = Strike(0, held, velocity / 127, 0)
        ours = source.play(strike, source.length(strike), random)[:, :held]
        ours = ours * (velocity / 127) ** 2
        at = round(number * SLOT_S * SAMPLE_RATE)
        reference = theirs[:, at : at + held]
        apart = level_db(ours) - level_db(reference)
        if abs(apart) > 3.0:
            far.append((name, pitch, velocity, apart))
        assert abs(_apart_cents(ours[0], reference[0], hertz(pitch))) < 4.0, (name, pitch)
    assert not far


def _apart_cents(one: np.ndarray, two: np.ndarray, fundamental_hz: float) -> float:
    """How far the strongest partial they share lies apart."""
    size = 1 << 19
    window = np.hanning(len(one))
    spectra = [np.abs(np.fft.rfft(wave * window, n=size)) for wave in (one, two)]
    frequencies = np.fft.rfftfreq(size, 1 / SAMPLE_RATE)
    strongest = float(frequencies[int(np.argmax(spectra[1]))])
    near = np.abs(frequencies - strongest) < 0.03 * max(strongest, fundamental_hz)
    middles = [
        float((frequencies * power**2)[near].sum() / (power**2)[near].sum()) for power in spectra
    ]
    return 1200 * float(np.log2(middles[0] / middles[1]))


def _by_fluidsynth(folder: Path, notes: list[tuple[str, int, int]]) -> np.ndarray:
    """The notes one after the other, without effects, at our scale."""
    midi = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack()
    midi.tracks.append(track)
    track.append(mido.MetaMessage("set_tempo", tempo=500_000))
    track.append(mido.Message("control_change", control=7, value=127))
    waiting = 0
    for name, pitch, velocity in notes:
        track.append(mido.Message("program_change", program=PROGRAMS[name].program, time=waiting))
        track.append(mido.Message("note_on", note=pitch, velocity=velocity))
        track.append(mido.Message("note_off", note=pitch, time=round(HELD_S * 960)))
        waiting = round((SLOT_S - HELD_S) * 960)
    track.append(mido.MetaMessage("end_of_track", time=waiting))
    midi.save(str(folder / "notes.mid"))
    gain = 0.5
    subprocess.run(
        [
            *("fluidsynth", "-ni", "-R", "0", "-C", "0", "-g", str(gain), "-r", str(SAMPLE_RATE)),
            *("-O", "float", "-T", "wav", "-F", str(folder / "notes.wav")),
            *(str(DEBIAN_FONT), str(folder / "notes.mid")),
        ],
        check=True,
        capture_output=True,
    )
    with av.open(str(folder / "notes.wav")) as container:
        frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
    flat = np.concatenate([frame.reshape(-1) for frame in frames])
    # FluidSynth puts a centred voice 3 dB down on each side.
    return flat.reshape(-1, 2).T / gain * 2**0.5


def test_a_take_played_by_a_font_says_so_and_comes_out_the_same_again(tmp_path: Path) -> None:
    font = tmp_path / "strings.sf2"
    programs = [Program(0, number, [(0, {LOOP_MODE: 1})]) for number in (0, 43, 48, 71, 89)]
    font.write_bytes(soundfont([LOOPED], programs))
    request = ScoreRequest(brief=brief_of(4.0, arousal=-0.5), sounds=str(font))
    takes = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        takes.append(score(request, 3, "take-1", tmp_path / name))
    one, two = ((tmp_path / name / "mix.wav").read_bytes() for name in ("one", "two"))
    assert one == two
    assert takes[0] == takes[1]
    provenance = takes[0].provenance
    assert provenance.model == "strings.sf2"
    assert provenance.model_hash == hashlib.sha256(font.read_bytes()).hexdigest()
    assert not provenance.commercial_use
    assert any("horn" in warning for warning in takes[0].warnings)
    plain = tmp_path / "plain"
    plain.mkdir()
    own = score(msgspec.structs.replace(request, sounds=""), 3, "take-1", plain)
    assert own.provenance.commercial_use
    assert (plain / "mix.wav").read_bytes() != one
