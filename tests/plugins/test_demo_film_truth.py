"""The packaged demo film is what the truth beside its script says it is."""

from __future__ import annotations

import itertools
import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
FILM = ROOT / "plugins" / "musiscene_plugins" / "cli" / "demo_film.mp4"
TRUTH = json.loads((ROOT / "packaging" / "demo_film" / "demo_film.json").read_text("utf-8"))
MOST_BYTES = 3_000_000


@pytest.fixture(scope="module")
def small_grey() -> np.ndarray:
    """Every frame of the film, grey [N, 36, 64]."""
    with av.open(str(FILM)) as film:
        frames = [f.reformat(64, 36, "gray").to_ndarray() for f in film.decode(video=0)]
    return np.stack(frames).astype(np.int16)


def test_the_film_is_small_enough_to_ship_and_starts_with_its_index() -> None:
    data = FILM.read_bytes()
    assert len(data) <= MOST_BYTES
    assert data.index(b"moov") < data.index(b"mdat")


def test_rate_size_and_codecs_are_as_written() -> None:
    with av.open(str(FILM)) as film:
        video, audio = film.streams.video[0], film.streams.audio[0]
        assert video.average_rate == Fraction(TRUTH["rate"])
        assert (video.width, video.height) == (TRUTH["width"], TRUTH["height"])
        assert video.codec_context.name == "h264"
        assert video.codec_context.pix_fmt == "yuv420p"
        assert audio.codec_context.name == "aac"
        assert audio.rate == TRUTH["sample_rate"]
        assert audio.layout.name == "stereo"
        assert float(video.duration * video.time_base) == pytest.approx(
            TRUTH["duration_s"], abs=1e-3
        )


def test_the_film_has_every_frame_and_ends_in_black(small_grey: np.ndarray) -> None:
    assert len(small_grey) == TRUTH["frames"]
    assert TRUTH["duration_s"] == pytest.approx(TRUTH["frames"] / Fraction(TRUTH["rate"]))
    assert small_grey[TRUTH["fade_out_frames"][1] :].mean() < 24


def test_shots_tile_the_film_and_each_cut_is_where_the_truth_says(small_grey: np.ndarray) -> None:
    shots = TRUTH["shots"]
    assert shots[0]["first_frame"] == 0
    assert shots[-1]["end_frame"] == TRUTH["frames"]
    for before, after in itertools.pairwise(shots):
        assert before["end_frame"] == after["first_frame"]
    change = np.abs(np.diff(small_grey, axis=0)).mean(axis=(1, 2))
    for shot in shots:
        if shot["transition"] == "cut":
            first = shot["first_frame"]
            around = change[first - 6 : first + 5]
            assert int(around.argmax()) == 5, f"{shot['name']} does not begin at frame {first}"


def test_the_main_hit_is_the_greatest_leap_of_light(small_grey: np.ndarray) -> None:
    main = [hit["frame"] for hit in TRUTH["hits"] if hit["main"]]
    assert len(main) == 1
    brightness = small_grey.mean(axis=(1, 2))
    assert int(np.diff(brightness).argmax()) + 1 == main[0]


def test_sound_fills_the_film_and_does_not_clip() -> None:
    with av.open(str(FILM)) as film:
        blocks = [f.to_ndarray() for f in film.decode(audio=0)]
    samples = np.concatenate(blocks, axis=1)
    expected = TRUTH["duration_s"] * TRUTH["sample_rate"]
    assert samples.shape[0] == 2
    assert 0 <= samples.shape[1] - expected < 2048
    assert np.abs(samples).max() < 0.9
    for line in TRUTH["dialogue"]:
        start, end = (round(line[k] * TRUTH["sample_rate"]) for k in ("start_s", "end_s"))
        assert 0 <= start < end <= expected
        level = np.sqrt((samples[:, start:end] ** 2).mean())
        assert level > 0.03, line["text"]
