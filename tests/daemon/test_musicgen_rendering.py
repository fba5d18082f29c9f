"""From a recording to a take, with real music for the recording: what the composer played.

No weights are needed: what MusicGen would have made is a composed cue at another tempo, in another
place, in several windows.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import msgspec
import numpy as np
import pytest
from scipy.signal import resample_poly

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("transformers", reason="the extra 'models' is not installed")

from musiscene_core.composing.compose import compose  # noqa: E402
from musiscene_core.composing.notation.lead_sheet import lead_sheet_pages  # noqa: E402
from musiscene_core.composing.score import score  # noqa: E402
from musiscene_core.cue import STEM_ROLES  # noqa: E402
from musiscene_core.fitting.report import (  # noqa: E402
    RenderReport,
    StemMade,
    read_render,
)
from musiscene_core.media import read_audio  # noqa: E402
from musiscene_core.progress import silent  # noqa: E402
from musiscene_core.request import ScoreRequest  # noqa: E402
from musiscene_core.take import Provenance, Take  # noqa: E402
from musiscene_daemon.engines.delivery import Made, deliver  # noqa: E402
from musiscene_daemon.engines.musicgen.rendering import (  # noqa: E402
    Model,
    Place,
    Sound,
    rendered,
)
from tests.support.played_music import window  # noqa: E402
from tests.support.scenes import brief_of  # noqa: E402

pytestmark = pytest.mark.models

LENGTH_S, RATE = 22.0, 32_000
CUTS = (5.3, 11.9, 16.4)
MODEL = Model("musicgen", "2", "tiny", "0" * 64, RATE, melody=True)


def played(request: ScoreRequest, folder: Path) -> tuple[np.ndarray, Take]:
    """A composed take's mix at the model's rate, mono, and the take."""
    folder.mkdir()
    take = score(request, request.seed, "take-1", folder)
    end = Fraction(take.length_samples, 48_000)
    mix = read_audio(folder / take.mix, Fraction(0), end, sample_rate=48_000, channels=1)
    return np.asarray(resample_poly(mix, 2, 3, axis=1), np.float32), take


def request_of(**changes: object) -> ScoreRequest:
    brief = brief_of(LENGTH_S, cuts=CUTS, valence=0.4, arousal=0.6)
    return msgspec.structs.replace(ScoreRequest(brief=brief, engine="musicgen"), **changes)


@pytest.fixture(scope="module")
def free(tmp_path_factory: pytest.TempPathFactory) -> tuple[Take, RenderReport, Path]:
    """A recording that knows nothing of the scene: another tempo, no hit where one is wanted."""
    folder = tmp_path_factory.mktemp("free")
    other = ScoreRequest(
        brief=brief_of(26.0, valence=0.4, arousal=0.6), tempo_bpm=117.0, hits=(), seed=5
    )
    audio, _ = played(other, folder / "played")
    audio = audio[:, 3000:]
    request = request_of(sketch="off", stems="instruments")
    (folder / "take").mkdir()
    made = Sound(audio, (window(0.0, 12.0), window(12.0, audio.shape[1] / RATE)), ())
    place = Place("take-1", 5, folder / "take")
    take = rendered(request, compose(request, 0), made, MODEL, place, silent)
    report = read_render(place.folder)
    assert report is not None
    return take, report, place.folder


def samples_of(folder: Path, path: str) -> np.ndarray:
    end = Fraction(round(LENGTH_S * 48_000), 48_000)
    found = read_audio(folder / path, Fraction(0), end, sample_rate=48_000, channels=2)
    return np.rint(found * 2**23).astype(np.int64)


def test_hits_are_met_and_the_report_says_from_how_far(
    free: tuple[Take, RenderReport, Path],
) -> None:
    take, report, _ = free
    assert len(take.hits) + len(take.dropped) == len(CUTS)
    assert len(take.hits) >= 2
    assert all(abs(hit.error_frames) < 0.5 for hit in take.hits)
    met = [hit for hit in report.hits if hit.met]
    assert {hit.frame for hit in met} == {hit.frame for hit in take.hits}
    assert all(abs(hit.after_frames) < 0.1 for hit in met)
    assert max(abs(hit.before_frames) for hit in report.hits) > 1.0
    assert max(abs(part.percent) for part in report.stretches) <= 4.01


def test_the_take_carries_what_lanes_and_lead_sheet_need(
    free: tuple[Take, RenderReport, Path],
) -> None:
    take, report, folder = free
    assert take.tempo is not None
    beats = take.tempo.beat(LENGTH_S - 3) - take.tempo.beat(3.0)
    octaves = np.log2(60 * beats / (LENGTH_S - 6) / 117.0)
    assert abs(octaves - round(octaves)) < 0.06
    assert take.tonic is not None
    assert take.sections
    assert take.sections[0].start <= 0.0
    assert "<harmony>" in (folder / take.musicxml).read_text()
    assert lead_sheet_pages((folder / take.musicxml).read_bytes())
    assert report.accent_s is not None
    assert 0.5 < LENGTH_S - report.accent_s < 3.5


def test_length_is_exact_and_stems_sum_to_the_mix(free: tuple[Take, RenderReport, Path]) -> None:
    take, report, folder = free
    assert [stem.role for stem in take.stems] == list(STEM_ROLES)
    mix = samples_of(folder, take.mix)
    assert mix.shape[1] == take.length_samples == round(LENGTH_S * 48_000)
    assert np.array_equal(sum(samples_of(folder, stem.path) for stem in take.stems), mix)
    assert not mix[:, -1].any()
    assert "SI-SDR" in report.separation
    # An instrument a stem was wished for, which no separation gives.
    assert any("its stems are roles" in said for said in take.warnings)


@pytest.mark.slow
def test_a_render_that_plays_its_sketch_agrees_and_is_layered(tmp_path: Path) -> None:
    request = request_of(sketch="layer")
    audio, sketch = played(msgspec.structs.replace(request, engine="composer"), tmp_path / "played")
    plan = compose(request, request.seed)
    assert sketch.tempo == plan.tempo
    # Late by less than a beat, as a model's render is that keeps the tempo alone.
    audio = np.concatenate([np.zeros((1, round(0.11 * RATE)), np.float32), audio], axis=1)
    (tmp_path / "take").mkdir()
    made = Sound(audio, (window(0.0, audio.shape[1] / RATE),), ())
    place = Place("take-1", 0, tmp_path / "take")
    take = rendered(request, plan, made, MODEL, place, silent)
    report = read_render(place.folder)
    assert report is not None
    agreed = report.sketch
    assert agreed is not None
    assert agreed.near >= 0.8 * agreed.beats
    assert agreed.chroma > 0.7
    assert [stem.name for stem in take.stems] == [""] * 5 + ["sketch"] * 5
    mix = samples_of(place.folder, take.mix)
    assert np.array_equal(sum(samples_of(place.folder, one.path) for one in take.stems), mix)
    layered = [samples_of(place.folder, one.path) for one in take.stems if one.name]
    assert sum(int(np.abs(one).max()) for one in layered) > 1 << 18
    assert {path.name for path in place.folder.iterdir()} == {
        *("mix.wav", "mix.dat", "stems", "take.json", "render.json", "cue.musicxml")
    }


def test_sound_that_another_engine_delivers_with_its_plan_meets_the_hits(tmp_path: Path) -> None:
    request = request_of()
    audio, _ = played(msgspec.structs.replace(request, engine="composer"), tmp_path / "played")
    plan = compose(request, request.seed)
    late = np.concatenate([np.zeros((1, round(0.13 * RATE)), np.float32), audio], axis=1)
    provenance = Provenance(
        engine="jasco", engine_version="1", prompt="a chase", licence="CC-BY-NC-4.0"
    )
    (tmp_path / "take").mkdir()
    made = Made(late, RATE, provenance, ("A word.",), plan, follows=True)
    take = deliver(request, made, "take-1", tmp_path / "take", silent)
    assert {hit.frame for hit in take.hits} == {hit.frame for hit in plan.hits}
    assert all(abs(hit.error_frames) < 0.5 for hit in take.hits)
    assert (take.provenance.engine, take.provenance.prompt) == ("jasco", "a chase")
    assert "A word." in take.warnings
    report = read_render(tmp_path / "take")
    assert report is not None
    assert max(abs(hit.before_frames) for hit in report.hits) > 1.0


def test_stems_side_by_side_are_laid_alike_and_their_beats_are_compared(tmp_path: Path) -> None:
    request = request_of(stems="generated")
    _, sketch = played(msgspec.structs.replace(request, engine="composer"), tmp_path / "played")
    end = Fraction(sketch.length_samples, 48_000)
    late = np.zeros((2, round(0.13 * RATE)), np.float32)
    roles = ("harmony", "bass", "melody", "percussion")
    sounds = []
    for stem in sketch.stems:
        if stem.role in roles:
            path = tmp_path / "played" / stem.path
            own = read_audio(path, Fraction(0), end, sample_rate=48_000, channels=2)
            sounds.append(np.concatenate([late, resample_poly(own, 2, 3, axis=1)], axis=1))
    audio = np.concatenate(sounds).astype(np.float32)
    stems = tuple(StemMade(role=role, followed=True, seconds=1.0) for role in roles)
    plan = compose(request, request.seed)
    made = Sound(audio, (window(0.0, audio.shape[1] / RATE),), (), 0.0, stems)
    (tmp_path / "take").mkdir()
    place = Place("take-1", 0, tmp_path / "take")
    take = rendered(request, plan, made, MODEL, place, silent)
    assert len(take.hits) >= 2
    assert all(abs(hit.error_frames) < 0.5 for hit in take.hits)
    parts = {one.role: samples_of(place.folder, one.path) for one in take.stems}
    mix = samples_of(place.folder, take.mix)
    assert mix.shape[1] == take.length_samples
    assert np.array_equal(sum(parts.values()), mix)
    assert not parts["texture"].any()
    # A stem is its part alone, moved as the music was.
    for role, own in zip(roles, sounds, strict=True):
        heard = parts[role].mean(axis=0)[: 10 * 48_000 : 48]
        before = np.abs(resample_poly(own.mean(axis=0), 3, 2)[: 10 * 48_000 : 48]).max()
        assert (np.abs(heard).max() > 1 << 14) == (before > 1e-2), role
    report = read_render(place.folder)
    assert report is not None
    assert [stem.role for stem in report.stems] == list(roles)
    compared = [stem for stem in report.stems if stem.beats]
    assert compared
    # All play one cue: by chance a fifth of a stem's beats would be the music's.
    assert max(stem.near / stem.beats for stem in compared) > 0.6, report.stems
