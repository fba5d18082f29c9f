"""Tiny clips with music and picture, and a downloader that gets them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from tests.support.make_media import make_movie

VIDEO_IDS = tuple(f"clip{number:07d}" for number in range(40))


def make_clip(path: Path, hertz: float = 220.0, seconds: int = 1) -> Path:
    """A movie with two notes a second."""
    times = np.arange(48_000 * seconds) / 48_000
    beaten = 0.3 * np.sin(2 * np.pi * hertz * times) * np.exp(-6 * (times % 0.5))
    path.parent.mkdir(parents=True, exist_ok=True)
    return make_movie(path, frames=25 * seconds, sounds=[beaten[None].astype(np.float32)])


def make_clips(folder: Path, count: int) -> list[Path]:
    """Clips that differ, each of a film of its own."""
    first = make_clip(folder / "film0" / "clip.mp4")
    paths = [first]
    for number in range(1, count):
        path = folder / f"film{number}" / "clip.mp4"
        path.parent.mkdir(parents=True)
        shutil.copy(first, path)
        paths.append(path)
    return paths


def audioset(path: Path, count: int, *, others: int = 2) -> Path:
    """A segments CSV with `count` clips of music, and some of speech."""
    lines = ["# Segments csv", f"# num_ytids={count + others}", "# YTID, start, end, labels"]
    for number in range(count + others):
        label = "/m/04rlf,/t/dd00034" if number < count else "/m/09x0r"
        lines.append(f'{VIDEO_IDS[number]}, {number}.000, {number + 10}.000, "{label}"')
    path.write_text("\n".join(lines) + "\n")
    return path


def downloader(folder: Path, *, failing: tuple[str, ...] = (), wait_s: float = 0.0) -> str:
    """A command that gets the same clip for any id, fails for some, and notes each try in a log."""
    clip = make_clip(folder / "source.mp4")
    fails = "|".join(failing) or "none"
    script = folder / "fetch.sh"
    script.write_text(
        f'echo "$1 $2 $3" >> "{folder}/tried.log"\n'
        f"sleep {wait_s}\n"
        f'case "$1" in {fails}) echo "Video unavailable" >&2; exit 1;; esac\n'
        f'cp "{clip}" "$4"\n'
        f'echo "$1" >> "{folder}/got.log"\n'
    )
    return f"sh {script} {{id}} {{start}} {{length}} {{output}}"
