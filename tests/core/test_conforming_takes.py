"""Takes fitted to film that changed: what stays is the earlier sound, sample for sample."""

from __future__ import annotations

import struct
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import msgspec
import numpy as np
import pytest

from musiscene_core.brief import SceneBrief
from musiscene_core.codec import read_json, to_json
from musiscene_core.composing.rework import CUE_FILE, ComposedCue
from musiscene_core.composing.score import score
from musiscene_core.conforming.earlier import EarlierTake, read_earlier
from musiscene_core.conforming.relocating import relocated
from musiscene_core.conforming.retiming import retimed
from musiscene_core.media import read_audio
from musiscene_core.progress import silent
from musiscene_core.request import ScoreRequest
from musiscene_core.take import Take
from musiscene_core.timeline import TimelineRange
from tests.support.recuts import Shot, laid_out
from tests.support.scenes import brief_of

SHOTS = [Shot(f"s{n}", 0, length) for n, length in enumerate((192, 168, 168, 312, 300, 300))]
TRIMMED = [*SHOTS[:3], Shot("s3", 0, 264), *SHOTS[4:]]
FRAME = 2000
SEED = 3


def brief(timeline: TimelineRange) -> SceneBrief:
    cuts = [(clip.mapping.record.start - timeline.record.start) / 24 for clip in timeline.clips[1:]]
    made = brief_of(timeline.length_seconds, cuts=cuts, sad=1.0)
    return msgspec.structs.replace(made, timeline=timeline)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A composed minute in its folder, with what it was made from."""
    folder = tmp_path_factory.mktemp("old")
    request = ScoreRequest(brief=brief(laid_out(SHOTS)), seed=SEED)
    score(request, SEED, "take-1", folder)
    (folder / "request.json").write_bytes(to_json(request))
    return folder


@pytest.fixture(scope="module")
def trimmed(old: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[EarlierTake, Take, Path]:
    """What was there, the take fitted to a film that lost two seconds, and its folder."""
    timeline = laid_out(TRIMMED)
    before = earlier(old, timeline)
    folder = tmp_path_factory.mktemp("trimmed")
    wanted = wish(timeline, before.take)
    return before, score(wanted, SEED, "take-1", folder, earlier=before), folder


def earlier(old: Path, timeline: TimelineRange) -> EarlierTake:
    found = read_earlier(old, timeline)
    assert found is not None
    return found


def wish(timeline: TimelineRange, take: Take) -> ScoreRequest:
    return ScoreRequest(brief=brief(timeline), seed=SEED, tonic=take.tonic, mode=take.mode)


def sound(folder: Path, name: str, samples: int) -> np.ndarray:  # type: ignore[type-arg]
    end = Fraction(samples, 48_000)
    heard = read_audio(folder / name, Fraction(0), end, sample_rate=48_000, channels=2)
    return np.rint(heard * 2.0**23).astype(np.int64)


def same(before: EarlierTake, take: Take, folder: Path) -> np.ndarray:  # type: ignore[type-arg]
    """Which samples of every stem and the mix are the old ones of the same film [n]."""
    alike = np.zeros(take.length_samples, bool)
    names = [take.mix, *(stem.path for stem in take.stems)]
    pairs = [
        (sound(before.folder, n, before.take.length_samples), sound(folder, n, take.length_samples))
        for n in names
    ]
    for film in before.film:
        was, now = (FRAME * one.start for one in (film.was, film.now))
        length = FRAME * film.now.length
        alike[now : now + length] = np.all(
            [
                np.all(o[:, was : was + length] == n[:, now : now + length], axis=0)
                for o, n in pairs
            ],
            axis=0,
        )
    return alike


def test_two_seconds_out_of_a_minute_leave_four_bars_in_five_as_they_were(
    old: Path, trimmed: tuple[EarlierTake, Take, Path]
) -> None:
    before, take, folder = trimmed
    assert take.tempo is not None
    alike = same(before, take, folder)
    bars = [
        alike[max(0, round(48_000 * take.tempo.seconds(bar.beat))) :][: round(48_000 * length)]
        for bar in take.tempo.bar_lines(take.tempo.beat(0.0), take.tempo.beat(58.0))
        for length in [take.tempo.seconds(bar.beat + bar.beats) - take.tempo.seconds(bar.beat)]
    ]
    assert sum(bool(bar.all()) for bar in bars) >= 0.8 * len(bars)
    assert alike.mean() > 0.85
    assert alike[: 48_000 * 20].all()
    assert alike[-48_000 * 20 :].all()
    stems = sum(sound(folder, stem.path, take.length_samples) for stem in take.stems)
    assert (stems == sound(folder, take.mix, take.length_samples)).all()
    assert take.true_peak_dbtp <= -1.5
    assert take.provenance.conformed_from == before.digest
    assert abs(take.loudness_lufs - before.take.loudness_lufs) < 1.0
    moved = {hit.frame for hit in before.take.hits if hit.frame < 790}
    assert moved <= {hit.frame for hit in take.hits}
    # What was conformed can be conformed again, and the level it plays at is still the first one.
    cues = [read_json(where / CUE_FILE, ComposedCue) for where in (old, folder)]
    assert cues[0].gain_db == cues[1].gain_db


def test_the_seam_is_as_loud_as_the_music_around_it_and_has_no_click(
    old: Path, trimmed: tuple[EarlierTake, Take, Path]
) -> None:
    before, take, folder = trimmed
    alike = same(before, take, folder)
    mix = sound(folder, take.mix, take.length_samples)
    was = sound(old, before.take.mix, before.take.length_samples)
    assert np.abs(np.diff(mix)).max() <= 1.2 * np.abs(np.diff(was)).max()
    seam = np.flatnonzero(~alike)
    power = float((mix[:, seam[0] : seam[-1]] ** 2.0).mean())
    around = float((mix[:, : seam[0]] ** 2.0).mean())
    assert 0.1 < power / around < 10.0


@pytest.mark.parametrize("damage", [b"", b"{}", b"[" * 100_000])
def test_where_the_old_cue_cannot_be_read_all_is_made_anew(
    old: Path, tmp_path: Path, damage: bytes
) -> None:
    short = laid_out([Shot("s0", 0, 96)])
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in ("take.json", "request.json"):
        (copy / path).write_bytes((old / path).read_bytes())
    (copy / CUE_FILE).write_bytes(damage)
    new = tmp_path / "new"
    new.mkdir()
    before = earlier(copy, short)
    take = score(wish(short, before.take), SEED, "take-1", new, earlier=before)
    assert (take.provenance.conformed_from, take.length_samples) == ("", 96 * FRAME)


@pytest.mark.parametrize("heard", [False, True], ids=["its tempo is known", "its beats are heard"])
def test_a_take_without_notes_is_cut_at_its_bars(old: Path, tmp_path: Path, heard: bool) -> None:
    timeline = laid_out(TRIMMED)
    before = earlier(old, timeline)
    if heard:
        before = replace(before, take=msgspec.structs.replace(before.take, tempo=None))
    take = retimed(before, wish(timeline, before.take), "take-1", tmp_path, silent)
    assert take is not None
    assert take.length_samples == 58 * 48_000
    alike = same(before, take, tmp_path)
    assert alike.mean() > 0.85
    assert alike[: 48_000 * 20].all()
    assert alike[-48_000 * 20 :].all()
    mix = sound(tmp_path, take.mix, take.length_samples)
    assert (mix == sum(sound(tmp_path, s.path, take.length_samples) for s in take.stems)).all()
    was = sound(old, before.take.mix, before.take.length_samples)
    assert np.abs(np.diff(mix)).max() <= 1.2 * np.abs(np.diff(was)).max()


def test_a_range_that_only_moved_keeps_its_files_at_a_new_time_reference(
    old: Path, tmp_path: Path
) -> None:
    timeline = laid_out(SHOTS, start=90_000)
    before = earlier(old, timeline)
    take = relocated(before, timeline, "take-1", tmp_path / "new")
    assert take.record == timeline.record
    assert take.provenance.conformed_from == before.digest
    for name in (take.mix, *(stem.path for stem in take.stems)):
        was, now = (old / name).read_bytes(), (tmp_path / "new" / name).read_bytes()
        at = was.index(b"bext") + 8 + 338
        assert struct.unpack("<Q", was[at : at + 8]) == (86_400 * FRAME,)
        assert struct.unpack("<Q", now[at : at + 8]) == (90_000 * FRAME,)
        assert (was[:at], was[at + 8 :]) == (now[:at], now[at + 8 :])


def test_a_folder_that_is_no_take_of_that_range_is_not_used(old: Path, tmp_path: Path) -> None:
    timeline = laid_out(TRIMMED)
    assert read_earlier(tmp_path, timeline) is None
    other = ScoreRequest(brief=brief(timeline))
    assert read_earlier(old, timeline, other) is None
    outside = replace(earlier(old, timeline), folder=old / "stems")
    assert outside.inside("../mix.wav") is None


def test_a_cue_that_misses_its_level_for_what_stayed_says_so(
    old: Path, trimmed: tuple[EarlierTake, Take, Path], tmp_path: Path
) -> None:
    before, near, _ = trimmed
    assert not any("LUFS meant" in one for one in near.warnings)
    wanted = wish(laid_out(TRIMMED), before.take)
    wanted = msgspec.structs.replace(wanted, loudness_lufs=near.loudness_lufs - 7)
    made = score(wanted, SEED, "take-1", tmp_path, earlier=earlier(old, laid_out(TRIMMED)))
    assert made.loudness_lufs == near.loudness_lufs
    assert "It is 7.0 dB louder than the" in " ".join(made.warnings)
