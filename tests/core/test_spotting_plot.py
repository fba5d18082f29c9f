"""The scene chart is a picture with something in it, whatever the brief lacks."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from musiscene_core.brief import SceneBrief
from musiscene_core.errors import OutputError
from musiscene_core.spotting.plot import plot_brief
from tests.support.scenes import brief_of


def drawn(brief: SceneBrief, path: Path) -> np.ndarray:
    plot_brief(brief, path)
    return np.asarray(Image.open(path).convert("RGB"))


def test_what_is_in_the_brief_changes_the_chart(tmp_path: Path) -> None:
    plain = drawn(brief_of(20.0), tmp_path / "plain.png")
    full = drawn(
        brief_of(20.0, cuts=(5, 12), dialogue=((1.0, 4.0),), motion=(0.1, 0.9, 0.3)),
        tmp_path / "full.png",
    )
    assert plain.shape == full.shape
    assert min(plain.shape[:2]) > 600
    # Every strip but the unchanged feelings shows the difference.
    changed = np.any(plain != full, axis=(1, 2))
    height = changed.size
    assert changed[: height // 5].any()
    assert changed[height // 4 : height // 2].any()


def test_a_brief_without_a_picture_is_drawn_too(tmp_path: Path) -> None:
    brief = msgspec.structs.replace(brief_of(2.0), curves=None)
    assert drawn(brief, tmp_path / "silent.png").std() > 1


def test_a_chart_that_cannot_be_written_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        plot_brief(brief_of(2.0), tmp_path / "file" / "chart.png")


def test_nothing_covers_what_is_said_at_the_very_end(tmp_path: Path) -> None:
    middle = drawn(brief_of(20.0, dialogue=((10.0, 11.0),)), tmp_path / "middle.png")
    areas = []
    for name, line in (("begin", (0.0, 1.0)), ("end", (19.0, 20.0))):
        brief = brief_of(20.0, dialogue=tuple(sorted(((10.0, 11.0), line))))
        third = slice(0, 500) if name == "begin" else slice(-500, None)
        both = drawn(brief, tmp_path / f"{name}.png")
        # Of the strip in which sound lies.
        sound = slice(middle.shape[0] * 2 // 5, middle.shape[0] * 12 // 25)
        areas.append(np.abs(middle.astype(int) - both)[sound, third].sum())
    assert areas[0] > 100_000
    assert areas[1] == pytest.approx(areas[0], rel=0.1)
