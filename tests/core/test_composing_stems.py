"""Finer stems, loops and alternates: exact in length, summing up, seamless, of the same music."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest

from musiscene_core.codec import read_json
from musiscene_core.composing.alternates.stinger import stinger
from musiscene_core.composing.alternates.underscore import HIGHEST, underscored
from musiscene_core.composing.compose import compose
from musiscene_core.composing.looping import whole_bars
from musiscene_core.composing.score import score
from musiscene_core.composing.sound import render
from musiscene_core.composing.tempo import Wish
from musiscene_core.cue import STEM_ROLES, Cue
from musiscene_core.errors import CancelledError, MediaError, RequestError
from musiscene_core.loudness import LoudnessMeter, integrated
from musiscene_core.media import wav_pieces, write_wav
from musiscene_core.request import AlternateName, ScoreRequest
from musiscene_core.take import Alternate, Take
from musiscene_core.tempo_map import TempoMap
from musiscene_core.timecode import SAMPLE_RATE, FrameRate, frame_to_sample
from tests.support.composed import mood_brief, notes_of
from tests.support.scenes import brief_of
from tests.support.sound_cues import cue_of, part_of
from tests.support.sound_measures import level_db

SEED = 3


def wav(path: Path) -> np.ndarray:
    """Integers [2, n] of a whole file."""
    return np.concatenate(list(wav_pieces(path, SAMPLE_RATE)), axis=1).astype(np.int64)


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


REQUEST = ScoreRequest(
    brief=mood_brief("anxious", 6.0, rate="23.976", cuts=(2.2, 3.7), dialogue=((1.0, 2.0),)),
    stems="instruments",
    alternates=("no-melody", "no-drums", "underscore", "15s", "stinger"),
    alternate_stems=True,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Take, Path]:
    folder = tmp_path_factory.mktemp("take")
    return score(REQUEST, SEED, "take-1", folder), folder


def alternate(take: Take, name: str) -> Alternate:
    return next(one for one in take.alternates if one.name == name)


def test_instrument_stems_have_musicians_names_go_by_role_and_sum_to_the_mix(
    made: tuple[Take, Path],
) -> None:
    take, folder = made
    roles = [stem.role for stem in take.stems]
    assert roles == sorted(roles, key=STEM_ROLES.index)
    assert len({stem.title for stem in take.stems}) == len(take.stems) > len(set(roles))
    cue = compose(REQUEST, SEED)
    assert len(take.stems) == len({(part.role, part.instrument) for part in cue.parts})
    assert all(stem.name[0].isupper() and "_" not in stem.name for stem in take.stems)
    sounds = [wav(folder / stem.path) for stem in take.stems]
    assert {sound.shape for sound in sounds} == {(2, take.length_samples)}
    assert np.array_equal(np.sum(sounds, axis=0), wav(folder / take.mix))


def test_every_alternate_that_has_stems_is_their_sum(made: tuple[Take, Path]) -> None:
    take, folder = made
    for name in ("underscore", "stinger"):
        other = alternate(take, name)
        assert len(other.stems) > 1
        total = sum(wav(folder / stem.path) for stem in other.stems)
        assert np.array_equal(total, wav(folder / other.mix))


@pytest.mark.parametrize(("name", "role"), [("no-melody", "melody"), ("no-drums", "percussion")])
def test_a_mix_without_a_role_nulls_against_the_mix_minus_its_stems(
    made: tuple[Take, Path], name: str, role: str
) -> None:
    take, folder = made
    other = alternate(take, name)
    left_out = sum(wav(folder / stem.path) for stem in take.stems if stem.role == role)
    assert np.abs(left_out).max() > 2**14
    rest = wav(folder / take.mix) - left_out
    assert other.gain_db <= 0.0
    error = wav(folder / other.mix) - rest * 10 ** (other.gain_db / 20)
    assert np.abs(error).max() <= (0.5 + 1e-6 if other.gain_db else 0.0)


def test_what_a_stem_kept_down_is_lowered_when_it_is_gone(tmp_path: Path) -> None:
    from musiscene_core.composing.alternates.removed import write_without

    time_s = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    loud = np.round(0.95 * 2**23 * np.sin(2 * np.pi * 440 * time_s)).astype(np.int32)
    both = np.stack([loud, loud])
    write_wav(tmp_path / "mix.wav", both // 4)
    write_wav(tmp_path / "stem.wav", both // 4 - both)
    heard = np.zeros_like(both)

    def sink(name: str, first: int, samples: np.ndarray) -> None:
        heard[:, first : first + samples.shape[1]] = samples

    levels, gain_db = write_without(
        tmp_path / "mix.wav", [tmp_path / "stem.wav"], SAMPLE_RATE, -1.5, sink, lambda share: None
    )
    assert gain_db == pytest.approx(-1.5 - 20 * math.log10(0.95), abs=0.05)
    assert -1.6 < levels.true_peak_dbtp <= -1.5
    assert np.abs(heard - both * 10 ** (gain_db / 20)).max() <= 0.5 + 1e-6


def test_alternates_are_listed_with_what_their_files_hold(made: tuple[Take, Path]) -> None:
    take, folder = made
    assert [one.name for one in take.alternates] == [
        *("no-melody", "no-drums", "underscore", "stinger")
    ]
    assert any("No 15s version" in warning for warning in take.warnings)
    assert all((folder / name).is_file() for name in take.files)
    for other in take.alternates:
        sound = wav(folder / other.mix)
        meter = LoudnessMeter()
        meter.hear((sound / 2.0**23).astype(np.float32))
        assert integrated(meter.finish()) == pytest.approx(other.loudness_lufs, abs=0.02)
        assert sound.shape == (2, other.length_samples)
        assert other.true_peak_dbtp <= -1.5
    assert alternate(take, "stinger").loudness_lufs == pytest.approx(-19.0, abs=0.3)
    assert alternate(take, "underscore").loudness_lufs == pytest.approx(-25.0, abs=0.3)
    assert read_json(folder / "take.json", Take) == take


def test_alternates_too_are_the_same_bytes_again(made: tuple[Take, Path], tmp_path: Path) -> None:
    score(REQUEST, SEED, "take-1", tmp_path)
    assert digests(tmp_path) == digests(made[1])


def test_asking_for_alternates_changes_nothing_of_the_take(
    made: tuple[Take, Path], tmp_path: Path
) -> None:
    plain = msgspec.structs.replace(REQUEST, alternates=(), alternate_stems=False)
    score(plain, SEED, "take-1", tmp_path)
    first, second = digests(tmp_path), digests(made[1])
    assert {name for name in first if first[name] != second[name]} == {"take.json"}


@pytest.mark.parametrize("rate", ["23.976", "25", "29.97"])
@pytest.mark.parametrize("seconds", [15, 30])
def test_a_cut_down_is_exact_and_begins_climaxes_and_ends_on_bar_lines(
    rate: str, seconds: int
) -> None:
    from musiscene_core.composing.alternates.cut_down import shortened

    brief = mood_brief("triumphant", 61.0, rate=rate, cuts=(9.0, 20.0, 38.5, 50.0))
    request = ScoreRequest(brief=brief)
    cue = compose(request, SEED)
    climax = next(section for section in cue.sections if section.name == "climax")
    short, frame = shortened(
        request, cue, seconds, cue.tempo.seconds(climax.start), cue.idiom.split(",")[0]
    )
    exact = FrameRate.parse(rate)
    assert short.brief.timeline.length_samples == frame_to_sample(
        exact.frame_nearest(seconds), exact
    )
    cut = compose(short, SEED, whole_bars=True)
    tempo, bar = cut.tempo, cut.tempo.beats_per_bar
    end = tempo.beat(cut.length_s)
    assert len(tempo.segments) == 1
    assert tempo.seconds(0.0) == 0.0
    assert end == pytest.approx(round(end / bar) * bar, abs=1e-6)
    peak = next(section for section in cut.sections if section.name == "climax")
    assert peak.start % bar == 0
    assert tempo.seconds(peak.start) == pytest.approx(float(exact.seconds(frame)), abs=0.02)
    assert cut.sections[-1].name == "button"
    assert cut.sections[-1].start % bar == 0
    assert {note.start for note in notes_of(cut)} & {0.0}


def test_a_cut_down_is_written_with_the_takes_own_loudness(tmp_path: Path) -> None:
    brief = mood_brief("calm", 16.0, rate="23.976", dialogue=((3.0, 5.0),))
    take = score(ScoreRequest(brief=brief, alternates=("15s",)), SEED, "take-1", tmp_path)
    (cut,) = take.alternates
    # 15 s are 359.6 frames.
    assert cut.length_samples == frame_to_sample(360, take.rate) == 720_720
    assert wav(tmp_path / cut.mix).shape == (2, 720_720)
    assert cut.loudness_lufs == pytest.approx(-19.0, abs=0.3)
    assert cut.stems == ()


def test_a_cut_down_keeps_key_idiom_and_motif() -> None:
    from musiscene_core.composing.alternates.cut_down import shortened

    request = ScoreRequest(brief=mood_brief("triumphant", 61.0))
    cue = compose(request, SEED)
    short, _ = shortened(request, cue, 30, 40.0, cue.idiom.split(",")[0])
    cut = compose(short, SEED, whole_bars=True)
    assert (cut.tonic, cut.mode, cut.scale, cut.idiom) == (
        cue.tonic,
        cue.mode,
        cue.scale,
        cue.idiom,
    )
    assert motif(cut) == motif(cue)


def motif(cue: Cue) -> list[int]:
    """The intervals of the cue's own motif where it is stated whole."""
    told = next(theme for theme in cue.themes if theme.how == "state")
    notes = sorted(
        (
            note
            for note in notes_of(cue, "melody")
            if told.start - 0.1 <= note.start < told.start + told.length - 0.1
        ),
        key=lambda note: note.start,
    )
    line: dict[float, int] = {}
    for note in notes:
        line.setdefault(round(4 * note.start) / 4, note.pitch)
    pitches = list(line.values())
    return [after - before for before, after in pairwise(pitches)]


def test_an_underscore_is_thinner_lower_and_has_no_melody_or_drums() -> None:
    cue = compose(ScoreRequest(brief=mood_brief("triumphant", 40.0)), SEED)
    under = underscored(cue)
    assert {part.role for part in under.parts} <= {"harmony", "bass", "texture"}
    assert len(notes_of(under)) < 0.4 * len(notes_of(cue))
    assert 0 < len(notes_of(under, "bass")) <= len(notes_of(cue, "bass"))
    assert max(note.pitch for note in notes_of(under, "harmony")) <= HIGHEST
    assert max(note.pitch for note in notes_of(cue, "harmony")) > HIGHEST
    loudest = {part.name: max(note.velocity for note in part.notes) for part in cue.parts}
    for part in under.parts:
        assert max(note.velocity for note in part.notes) < loudest[part.name]


def test_an_underscore_leaves_room_where_speech_is_made_out(made: tuple[Take, Path]) -> None:
    take, folder = made
    cue = underscored(compose(REQUEST, SEED))
    plain = render(
        cue,
        length_samples=take.length_samples,
        target_lufs=-25.0,
        max_true_peak_dbtp=-1.5,
        seed=SEED,
    ).mix

    def band_db(sound: np.ndarray, low: float, high: float) -> float:
        power = np.abs(np.fft.rfft(sound.astype(np.float64))) ** 2
        hertz = np.fft.rfftfreq(sound.shape[1], 1 / SAMPLE_RATE)
        return 10 * math.log10(power[:, (hertz >= low) & (hertz < high)].sum())

    under = wav(folder / alternate(take, "underscore").mix)
    against = [
        band_db(under, low, high) - band_db(plain, low, high)
        for low, high in ((1600, 2500), (100, 400))
    ]
    assert -4.0 < against[0] - against[1] < -2.0


def test_a_stinger_is_the_moment_with_whole_bars_before_it() -> None:
    cue = compose(ScoreRequest(brief=mood_brief("triumphant", 61.0)), SEED)
    climax = next(section.start for section in cue.sections if section.name == "climax")
    rate = FrameRate(24)
    cut, frames, at = stinger(cue, climax, rate)
    assert 3.0 <= frames / 24 <= 8.0
    assert cut.tempo.seconds(climax) == pytest.approx(at / 24, abs=1e-6)
    heard = [note for note in notes_of(cut) if abs(note.start - climax) < 0.15]
    assert len(heard) >= len([n for n in notes_of(cue) if abs(n.start - climax) < 0.1]) > 3
    assert max(note.start for note in notes_of(cut)) < climax + 0.2
    assert min(cut.tempo.seconds(note.start) for note in notes_of(cut)) >= -1e-6
    ends = [cut.tempo.seconds(note.start + note.length) for note in notes_of(cut)]
    assert max(ends) == pytest.approx(frames / 24 - 1.4, abs=1e-6)


def loop_request(mood: str, length_s: float, **wish: object) -> ScoreRequest:
    return ScoreRequest(brief=mood_brief(mood, length_s), loop=True, **wish)  # type: ignore[arg-type]


def test_a_loop_is_played_round_without_a_seam() -> None:
    request = loop_request("anxious", 12.0)
    samples = request.brief.timeline.length_samples
    cue = compose(request, SEED)
    mix = _rendered(cue, samples, loop=True)
    twice = np.concatenate([mix, mix], axis=1)
    bend = np.abs(np.diff(twice, n=2, axis=1)).max(axis=0)
    assert bend[samples - 4 : samples + 2].max() < 0.2 * bend.max()
    # What ends at the seam goes on behind it: the same level on both sides of it, not a pause.
    ends = level_db(twice[:, samples - 2400 : samples])
    assert level_db(twice[:, samples : samples + 2400]) > ends - 12.0
    assert ends > level_db(mix) - 30.0


def test_the_end_of_a_loop_rings_in_its_beginning_as_if_it_had_been_played_before() -> None:
    length_s, beats = 4.0, 8
    notes = [(0.0, 0.5, 50, 90), (7.0, 1.0, 66, 100)]
    again = [(start + beats, length, pitch, much) for start, length, pitch, much in notes]
    samples = round(length_s * SAMPLE_RATE)
    once, twice = (
        cue_of([part_of("felt_piano", one, role="harmony")], length_s=seconds, bpm=120.0)
        for one, seconds in ((notes, length_s), ([*notes, *again], 2 * length_s))
    )
    loop = _rendered(once, samples, loop=True)
    plain = _rendered(once, samples, loop=False)
    second_round = _rendered(twice, 2 * samples, loop=False)[:, samples:]
    loop *= np.sqrt(np.mean(second_round**2) / np.mean(loop**2))
    quiet = slice(round(0.6 * SAMPLE_RATE), round(3.2 * SAMPLE_RATE))
    for second in (0.6, 1.2, 2.0):
        window = slice(round(second * SAMPLE_RATE), round((second + 0.4) * SAMPLE_RATE))
        assert level_db(loop[:, window]) == pytest.approx(
            level_db(second_round[:, window]), abs=1.0
        )
    tail = _band(loop[:, quiet]) - _band(plain[:, quiet])
    assert tail > 6.0, "the last note is heard in the beginning"


def _band(sound: np.ndarray) -> float:
    """Level in dB around F sharp 4, the last note's."""
    power = np.abs(np.fft.rfft(sound)) ** 2
    hertz = np.fft.rfftfreq(sound.shape[1], 1 / SAMPLE_RATE)
    near = (hertz > 360) & (hertz < 380)
    return 10 * math.log10(power[:, near].sum() / power.sum())


def _rendered(cue: Cue, samples: int, *, loop: bool) -> np.ndarray:
    rendered = render(
        cue,
        length_samples=samples,
        target_lufs=-20.0,
        max_true_peak_dbtp=-1.5,
        seed=SEED,
        loop=loop,
    )
    assert np.array_equal(rendered.mix, sum(rendered.stems.values()))
    return rendered.mix / 2.0**23


@pytest.mark.parametrize("length_s", [2.0, 7.3, 30.0, 61.7])
def test_a_loop_holds_whole_bars_of_one_tempo_and_says_so(length_s: float) -> None:
    request = loop_request("joyful", length_s, tempo_bpm=117.0)
    cue = compose(request, SEED)
    bar = cue.tempo.beats_per_bar
    end = cue.tempo.beat(cue.length_s)
    assert len(cue.tempo.segments) == 1
    assert end == pytest.approx(round(end / bar) * bar, abs=1e-6)
    nearest = max(1, round(cue.length_s * 117 / 60 / bar))
    assert round(end / bar) == nearest
    assert cue.sections[-1].start == pytest.approx(end - bar)
    last = [note for note in notes_of(cue, "harmony") if note.start >= end - bar - 0.1]
    assert max(note.start + note.length for note in last) > end - 0.2


def test_a_loop_without_a_tempo_asked_prefers_bars_in_fours() -> None:
    found = whole_bars(Wish(110.0, 130.0, 121.0, 4), 32.0)
    assert (found.bpm, found.held) == (120.0, True)
    # 16 bars at 120; the user's own tempo gives way to the nearest bar only.
    assert whole_bars(Wish(127.0, 127.0, 127.0, 4, held=True), 32.0).bpm == pytest.approx(127.5)


def test_a_takes_loop_is_reported(tmp_path: Path) -> None:
    take = score(loop_request("calm", 5.0, tempo_bpm=100.0), SEED, "take-1", tmp_path)
    assert take.loop
    assert take.tempo is not None
    bars = take.tempo.beat(5.0) / take.tempo.beats_per_bar
    assert (
        f"The loop is played at {take.tempo.segments[0].bpm:.2f} BPM, not 100, "
        f"so that the range holds {bars:.0f} bars exactly." in take.warnings
    )


def test_what_cannot_loop_is_refused() -> None:
    with pytest.raises(RequestError, match="A loop lasts 2 s"):
        loop_request("calm", 1.0)


def test_the_same_alternate_twice_is_refused() -> None:
    with pytest.raises(RequestError, match="twice"):
        ScoreRequest(brief=brief_of(5.0), alternates=("15s", "15s"))


@pytest.mark.parametrize("name", ["no-melody", "underscore", "stinger"])
def test_a_cancelled_alternate_stops_at_once(tmp_path: Path, name: AlternateName) -> None:
    def progress(stage: str, fraction: float) -> None:
        if stage.startswith("Making"):
            raise CancelledError("enough")

    request = ScoreRequest(brief=brief_of(2.0), alternates=(name,))
    with pytest.raises(CancelledError):
        score(request, 0, "take-1", tmp_path, progress)
    assert not (tmp_path / "take.json").exists()
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-7],
        lambda data: data[:30],
        lambda data: b"",
        lambda data: b"RIFF" + b"\xff" * 600,
        lambda data: data.replace((48_000).to_bytes(4, "little"), (44_100).to_bytes(4, "little")),
    ],
)
def test_a_damaged_stem_is_an_error_of_ours(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "stem.wav"
    write_wav(path, np.ones((2, 1000), dtype=np.int32))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(MediaError):
        list(wav_pieces(path, 480))


def test_a_tempo_map_moved_keeps_its_beats() -> None:
    cue = cue_of([part_of("harp", [(0.0, 1.0, 60, 80)])], length_s=8.0, bpm=90.0)
    tempo = TempoMap.constant(90.0)
    cut, _, at = stinger(msgspec.structs.replace(cue, tempo=tempo), 6.0, FrameRate(25))
    assert cut.tempo.seconds(6.0) * 25 == pytest.approx(at)
