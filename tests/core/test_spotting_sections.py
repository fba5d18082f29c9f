"""Where music changes enough to be described apart."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from musiscene_core.media import to_int24, write_wav
from musiscene_core.spotting import chroma, timbre
from musiscene_core.spotting.sections import LONGEST_S, SHORTEST_S, boundaries, find_sections
from tests.support.shared_media import shared_media
from tests.support.songs import song


@pytest.mark.parametrize(
    ("bpm", "form", "changes"),
    [(120, "ABAC", (1, 2, 3)), (96, "ABCA", (1, 2, 3)), (140, "AAAA", ()), (100, "AABB", (2,))],
)
def test_sections_are_found_where_the_song_has_them(
    tmp_path: Path, bpm: float, form: str, changes: tuple[int, ...]
) -> None:
    made = song(bpm, form)
    write_wav(tmp_path / "song.wav", to_int24(made.audio))
    length_s = made.samples / 48_000
    sections = find_sections(tmp_path / "song.wav", 0.0, length_s)
    assert (sections[0][0], sections[-1][1]) == (0.0, length_s)
    assert all(first[1] == second[0] for first, second in pairwise(sections))
    begins = [start_s for start_s, _ in sections[1:]]
    truth = [made.bars_s[8 * place] for place in changes]
    assert len(begins) == len(truth)
    assert np.allclose(begins, truth, atol=2.5)


def test_a_part_of_a_file_is_told_in_file_time(tmp_path: Path) -> None:
    made = song(120, "ABAC")
    write_wav(tmp_path / "song.wav", to_int24(made.audio))
    sections = find_sections(tmp_path / "song.wav", 2.0, 62.0)
    assert (sections[0][0], sections[-1][1]) == (2.0, 62.0)
    assert np.allclose([start_s for start_s, _ in sections[1:]], [16.37, 32.37, 48.37], atol=2.5)


def test_what_is_short_is_one_and_is_not_even_opened() -> None:
    assert find_sections("/nowhere.wav", 3.0, 40.0) == ((3.0, 40.0),)


def test_what_never_changes_is_still_cut_before_it_gets_too_long() -> None:
    bands = np.zeros((round(1000 / timbre.HOP_S), timbre.BANDS))
    steps = np.ones((round(1000 / chroma.HOP_S), chroma.STEPS))
    edges = [0.0, *boundaries(bands, steps), 1000.0]
    lengths = np.diff(edges)
    assert lengths.max() <= LONGEST_S
    assert lengths.min() >= SHORTEST_S


def test_a_sound_too_short_for_any_row_has_no_sections() -> None:
    assert boundaries(np.zeros((0, timbre.BANDS)), np.zeros((0, chroma.STEPS))) == []


def test_a_real_track_is_cut_at_its_breaks() -> None:
    sections = find_sections(shared_media("clips/outfoxing.mp3"), 0.0, 97.4)
    assert np.allclose([start_s for start_s, _ in sections], [0.0, 26.0, 38.0, 73.75], atol=1.0)
