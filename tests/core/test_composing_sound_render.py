from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
import scipy.signal

from musiscene_core.brief import DialogueRegion
from musiscene_core.composing.sound import Rendered, render, renderer, tracks_by_part
from musiscene_core.cue import STEM_ROLES, Cue
from musiscene_core.errors import CancelledError, EngineError
from musiscene_core.timecode import SAMPLE_RATE
from tests.support.sound_cues import cue_of, film_cue, one_note, part_of
from tests.support.sound_measures import level_db

LENGTH_S = 8.0


def _render(cue: Cue, length: int, **options: object) -> Rendered:
    settings = {"target_lufs": -18.0, "max_true_peak_dbtp": -1.5, "seed": 7, **options}
    return render(cue, length_samples=length, **settings)  # type: ignore[arg-type]


def _digest(rendered: Rendered) -> str:
    return hashlib.sha256(
        b"".join(rendered.stems[role].tobytes() for role in STEM_ROLES) + rendered.mix.tobytes()
    ).hexdigest()


def _short_film() -> Rendered:
    return _render(film_cue(LENGTH_S), round(LENGTH_S * SAMPLE_RATE))


@pytest.fixture(scope="module")
def film() -> Rendered:
    return _short_film()


def test_the_mix_is_the_exact_sum_of_the_stems(film: Rendered) -> None:
    assert tuple(film.stems) == STEM_ROLES
    total = sum(film.stems[role].astype(np.int64) for role in STEM_ROLES)
    assert np.array_equal(film.mix, total)
    assert np.abs(total).max() < 1 << 23


def test_every_stem_has_the_exact_length_and_sounds(film: Rendered) -> None:
    for stem in (*film.stems.values(), film.mix):
        assert stem.dtype == np.int32
        assert stem.shape == (2, round(LENGTH_S * SAMPLE_RATE))
        assert np.abs(stem).max() > 1 << 14


def test_loudness_and_true_peak_are_on_target(film: Rendered) -> None:
    mix = film.mix / 2.0**23
    assert abs(film.loudness_lufs + 18.0) < 0.3
    meter = pyloudnorm.Meter(SAMPLE_RATE)
    assert meter.integrated_loudness(mix.T) == pytest.approx(film.loudness_lufs, abs=0.1)
    oversampled = np.abs(scipy.signal.resample_poly(mix, 4, 1, axis=1)).max()
    assert 20 * np.log10(oversampled) <= -1.5
    assert film.true_peak_dbtp <= -1.5
    assert film.true_peak_dbtp == pytest.approx(20 * np.log10(oversampled), abs=0.01)


@pytest.mark.parametrize(("target_lufs", "highest"), [(-14.0, -1.5), (-16.0, -3.0), (-24.0, -1.0)])
def test_other_targets_are_met_too(target_lufs: float, highest: float) -> None:
    cue = film_cue(5.0)
    rendered = _render(cue, 240_000, target_lufs=target_lufs, max_true_peak_dbtp=highest)
    assert rendered.loudness_lufs == pytest.approx(target_lufs, abs=0.3)
    assert rendered.true_peak_dbtp <= highest


def test_the_peak_limit_wins_over_a_loudness_that_is_out_of_reach() -> None:
    cue = cue_of([part_of("cinematic_kit", [(0, 0.5, 36, 127), (4, 0.5, 36, 127)])])
    rendered = _render(cue, 192_000, target_lufs=-6.0)
    assert rendered.true_peak_dbtp <= -1.5
    assert rendered.loudness_lufs < -7.0


def test_nothing_clicks_at_the_ends(film: Rendered) -> None:
    mix = film.mix / 2.0**23
    assert np.abs(mix[:, 0]).max() < 1e-4
    assert not mix[:, -1].any()
    assert np.abs(mix[:, -48:]).max() < 0.01 * np.abs(mix[:, -4800:]).max() + 1e-4


def test_nothing_clicks_in_the_middle() -> None:
    chords = [(beat, 2.0, pitch, 80) for beat in (0.0, 2.0, 4.0) for pitch in (50, 57, 62, 66)]
    cue = cue_of([part_of("warm_pad", chords, role="harmony")], bpm=90)
    mix = _render(cue, 5 * SAMPLE_RATE).mix / 2.0**23
    high = scipy.signal.sosfilt(
        scipy.signal.butter(6, 10_000, "highpass", fs=SAMPLE_RATE, output="sos"), mix
    )
    # A click is broadband: it would stand out where a dark pad has little, and that little steady.
    loudest = np.abs(high).max(axis=0).reshape(50, -1).max(axis=1)
    assert loudest.max() < 2.0 * np.median(loudest)
    assert loudest.max() < 4e-3 * np.abs(mix).max()


def test_no_stem_has_an_offset(film: Rendered) -> None:
    for stem in film.stems.values():
        assert abs(stem.mean()) < 1e-3 * np.abs(stem).max()


@pytest.mark.parametrize("instrument", ["pizzicato", "cinematic_kit", "felt_piano", "boom"])
def test_a_note_begins_on_the_sample_its_beat_falls_on(instrument: str) -> None:
    pitch = 36 if instrument == "cinematic_kit" else 60
    cue = cue_of(
        [part_of(instrument, [(1.37, 1.0, pitch, 110)], role="percussion")],
        bpm=101.3,
        offset_s=0.123,
    )
    expected = round(cue.tempo.seconds(1.37) * SAMPLE_RATE)
    stem = np.abs(_render(cue, 2 * SAMPLE_RATE).stems["percussion"]).max(axis=0)
    onset = int(np.flatnonzero(stem > 3e-3 * stem.max())[0])
    assert 0 <= onset - expected <= 24
    assert stem[:expected].max() <= 4, "silent before, but for rounding"
    assert stem[expected : expected + 240].max() > 0.4 * stem.max()


def test_a_pad_is_heard_from_its_first_millisecond_on() -> None:
    stem = _render(one_note("warm_pad", start=1.0), 3 * SAMPLE_RATE).stems["melody"]
    loud = np.abs(stem).max(axis=0)
    onset = int(np.flatnonzero(loud > 1e-4 * loud.max())[0])
    assert 24_000 <= onset < 24_000 + 480


def test_music_ducks_under_dialogue_and_comes_back() -> None:
    cue = cue_of([part_of("sub_bass", [(0, 40, 40, 90)], role="bass")], length_s=12.0)
    speech = (DialogueRegion(start_s=4.0, end_s=7.0),)
    plain = _render(cue, 12 * SAMPLE_RATE).stems["bass"]
    ducked = _render(cue, 12 * SAMPLE_RATE, dialogue=speech).stems["bass"]

    def fall_db(first_s: float, last_s: float) -> float:
        """How far the ducked stem lies below the plain one, against the same before speech."""
        spans = [slice(round(first_s * SAMPLE_RATE), round(last_s * SAMPLE_RATE))]
        spans.append(slice(2 * SAMPLE_RATE, 3 * SAMPLE_RATE))
        inside, before = (level_db(ducked[:, s]) - level_db(plain[:, s]) for s in spans)
        return inside - before

    assert fall_db(4.0, 7.0) == pytest.approx(-5.0, abs=0.2)
    assert fall_db(7.5, 8.5) == pytest.approx(0.0, abs=0.1)
    assert -5.0 < fall_db(3.86, 3.98) < -0.3
    assert -5.0 < fall_db(7.05, 7.35) < -0.3


def test_stems_still_sum_to_the_mix_under_dialogue() -> None:
    speech = (DialogueRegion(start_s=1.0, end_s=2.0), DialogueRegion(start_s=2.2, end_s=9.0))
    rendered = _render(film_cue(5.0), 240_000, dialogue=speech)
    assert np.array_equal(rendered.mix, sum(rendered.stems.values()))
    assert rendered.loudness_lufs == pytest.approx(-18.0, abs=0.3)


def test_the_same_seed_gives_the_same_bytes_in_another_process(film: Rendered) -> None:
    script = (
        "from tests.core.test_composing_sound_render import _digest, _short_film\n"
        "import sys; sys.stdout.write(_digest(_short_film()))\n"
    )
    root = Path(__file__).parents[2]
    other = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert other.stdout == _digest(film)


def test_composing_loads_no_library_that_takes_a_second_to_start() -> None:
    script = (
        "import sys, musiscene_core.composing.score\n"
        "sys.stdout.write(','.join({'scipy.signal', 'scipy.stats'} & set(sys.modules)))\n"
    )
    started = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert started.stdout == ""


def test_another_seed_gives_another_sound_of_the_same_music() -> None:
    cue = one_note("string_ensemble")
    one, two = (_render(cue, 96_000, seed=seed) for seed in (1, 2))
    assert not np.array_equal(one.mix, two.mix)
    assert one.loudness_lufs == pytest.approx(two.loudness_lufs, abs=0.1)


@pytest.mark.parametrize("size", [1_000, 48_000, 777_777])
def test_the_size_of_the_blocks_changes_nothing(
    film: Rendered, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(renderer, "_PLAYED_AT_ONCE", size)
    assert _digest(_short_film()) == _digest(film)


def test_sources_thrown_away_and_made_again_sound_the_same(
    film: Rendered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("musiscene_core.composing.sound.player._SOURCE_BYTES", 0)
    assert _digest(_short_film()) == _digest(film)


def test_pieces_of_the_master_join_without_a_seam(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cue = film_cue(5.0)
    whole = _render(cue, 240_000)
    monkeypatch.setattr("musiscene_core.composing.sound.master.PIECE", 48_000)
    pieced = _render(cue, 240_000)
    assert np.abs(whole.mix - pieced.mix).max() <= 8


def test_a_sum_that_comes_out_too_loud_is_made_again_softer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("musiscene_core.composing.sound.master._MARGIN_DB", -2.0)
    rendered = _render(film_cue(4.0), 192_000, target_lufs=-10.0)
    assert -1.6 < rendered.true_peak_dbtp <= -1.5
    assert np.array_equal(rendered.mix, sum(rendered.stems.values()))


def test_a_stem_for_every_part_holds_the_same_notes_as_a_stem_for_every_role() -> None:
    cue = cue_of(
        [
            part_of("harp", [(0.0, 1.0, 60, 90)], role="harmony"),
            part_of("celesta", [(1.0, 1.0, 72, 90)], role="harmony"),
            part_of("harp", [(2.0, 1.0, 64, 90)], role="harmony"),
        ]
    )
    by_part = _render(cue, 192_000, tracks=tracks_by_part(cue))
    assert list(by_part.stems) == ["harp", "celesta", "harp 2"]
    assert np.array_equal(by_part.mix, sum(by_part.stems.values()))
    by_role = _render(cue, 192_000)
    assert np.abs(by_part.mix - by_role.stems["harmony"]).max() <= 8


def test_no_room_on_the_disk_is_explained_and_nothing_is_left(tmp_path: Path) -> None:
    script = f"""
import resource, signal
from pathlib import Path
from musiscene_core.composing.sound import render_into, tracks_by_role
from musiscene_core.errors import OutputError
from tests.support.sound_cues import one_note
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
cue = one_note("harp")
try:
    render_into(
        lambda *piece: None, cue, tracks_by_role(cue), length_samples=96_000, target_lufs=-18.0,
        max_true_peak_dbtp=-1.5, seed=1, scratch=Path({str(tmp_path)!r}),
    )
except OutputError as error:
    print("refused:", error)
"""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("refused: A temporary file")
    assert list(tmp_path.iterdir()) == []


def test_a_cue_without_notes_is_silent() -> None:
    for parts in ([], [part_of("harp", [])]):
        rendered = _render(cue_of(parts), 48_000)
        assert not rendered.mix.any()
        assert set(rendered.stems) == set(STEM_ROLES)
        assert rendered.loudness_lufs == -200.0
        assert rendered.true_peak_dbtp == -200.0


@pytest.mark.parametrize("length", [1, 2, 47, 480, 4_801, 19_199])
def test_very_short_cues_work(length: int) -> None:
    rendered = _render(film_cue(4.0), length)
    assert rendered.mix.shape == (2, length)
    assert np.array_equal(rendered.mix, sum(rendered.stems.values()))
    assert not rendered.mix[:, -1].any()
    assert np.isfinite(rendered.loudness_lufs)
    assert rendered.true_peak_dbtp <= -1.5


def test_notes_outside_the_cue_are_left_out_and_early_ones_cut() -> None:
    late = _render(one_note("harp", start=100.0), 48_000)
    assert not late.mix.any()
    early = cue_of([part_of("warm_pad", [(0.0, 8.0, 60, 90)])], offset_s=-1.0)
    rendered = _render(early, 96_000)
    assert np.abs(rendered.mix[:, 0]).max() < 1000
    assert np.abs(rendered.mix[:, 4800:9600]).max() > 1 << 17


def test_an_unknown_instrument_is_named_with_those_there_are() -> None:
    with pytest.raises(EngineError, match="kazoo") as caught:
        _render(one_note("kazoo"), 48_000)
    assert "warm_pad" in caught.value.hint


@pytest.mark.parametrize(
    "note",
    [
        *((0.0, 1.0, 128, 90), (0.0, 1.0, -1, 90), (0.0, 1.0, 60, 0), (0.0, 1.0, 60, 128)),
        *((0.0, 0.0, 60, 90), (float("nan"), 1.0, 60, 90), (0.0, float("inf"), 60, 90)),
    ],
)
def test_a_note_that_makes_no_sense_is_refused(note: tuple[float, float, int, int]) -> None:
    with pytest.raises(EngineError, match="cannot be played"):
        _render(cue_of([part_of("harp", [note])]), 48_000)


def test_a_drum_that_the_kit_lacks_is_refused() -> None:
    with pytest.raises(EngineError, match="no drum on note 100"):
        _render(one_note("soft_kit", 100), 48_000)


def test_progress_grows_to_the_end() -> None:
    heard: list[float] = []
    _render(film_cue(4.0), 192_000, progress=lambda stage, fraction: heard.append(fraction))
    assert heard == sorted(heard)
    assert heard[0] == 0.0
    assert heard[-1] == 1.0


@pytest.mark.parametrize("moment", [0.0, 0.01, 0.8])
def test_cancelling_stops_the_work(moment: float) -> None:
    def cancelling(stage: str, fraction: float) -> None:
        if fraction >= moment:
            raise CancelledError("Cancelled.")

    with pytest.raises(CancelledError):
        _render(film_cue(8.0), 384_000, progress=cancelling)


def test_a_fault_while_playing_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*anything: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(renderer, "StripRunner", broken)
    with pytest.raises(ZeroDivisionError):
        _render(film_cue(4.0), 192_000)


def test_a_full_cue_is_balanced_like_an_orchestral_score() -> None:
    mix = _render(film_cue(20.0), 20 * SAMPLE_RATE).mix / 2.0**23
    frequencies, power = scipy.signal.welch(mix, SAMPLE_RATE, nperseg=16_384, axis=-1)
    centres = 40.0 * 2.0 ** np.arange(9)
    octaves = [
        power[:, (frequencies >= hz / 2**0.5) & (frequencies < hz * 2**0.5)].sum() for hz in centres
    ]
    balance = 10 * np.log10(octaves)
    # Measured on 25 orchestral game-score tracks, 40 Hz to 10 kHz.
    target = np.array([-9.5, -0.6, -3.2, -1.7, -2.3, -3.7, -9.7, -17.9, -25.2])
    off = balance - target
    assert np.abs(off - off.mean()).max() < 5.0
    assert 12.0 < 20 * np.log10(np.abs(mix).max()) - level_db(mix) < 20.0
    assert 0.1 < np.corrcoef(mix)[0, 1] < 0.5
