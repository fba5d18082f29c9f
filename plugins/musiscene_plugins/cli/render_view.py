"""How a take was generated, in words: windows, hits, stems, sketch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from musiscene_core.take import RENDER_FILE

if TYPE_CHECKING:
    from musiscene_core.fitting.report import HitMoved, RenderReport, WindowMade


def render_of(folder: Path) -> dict[str, Any] | None:
    """The render report of a take as plain values; None where it was not generated."""
    report = _read(folder)
    found: dict[str, Any] | None = None if report is None else msgspec.to_builtins(report)
    return found


def render_lines(folder: Path) -> list[str]:
    """A line for each thing worth knowing of a take that was generated."""
    report = _read(folder)
    if report is None:
        return []
    heard = (one for one in report.windows if one.heard)
    lines = [_window(number, one) for number, one in enumerate(heard, start=1)]
    lines += [_hit(hit) for hit in report.hits]
    if report.sketch is not None and report.sketch.near:
        agreed = report.sketch
        lines.append(
            f"With the sketch: {agreed.near} of {agreed.beats} beats within 70 ms (median"
            f" {agreed.median_ms:.0f} ms), {agreed.bars_met} of {agreed.bars} bar lines brought"
            f" together, harmony {agreed.chroma:.0%} alike"
        )
    for stem in report.stems:
        how = "by the sketch's notes and words" if stem.followed else "by words"
        beats = f"{stem.near} of its {stem.beats} beats within 70 ms of the music's"
        lines.append(
            f"Stem {stem.role}: generated {how} in {stem.seconds:.0f} s, {stem.gain_db:+.1f} dB, "
            + (beats if stem.beats else "no beats to compare")
        )
    if report.separation:
        lines.append(f"Stems: {report.separation}")
    return lines


def _hit(hit: HitMoved) -> str:
    """Which hit, what meets it, where that was, what was done, and where an attack is heard now."""
    name = f"{hit.label} at frame {hit.frame}"
    if hit.place is None:
        return f"{name}: not met, neither a beat nor an attack is clear in the music"
    an = "an" if hit.place == "attack" else "a"
    if not hit.met:
        return f"{name}: not met, the nearest {hit.place} is {_off(hit.after_frames)}"
    how = "longer" if hit.percent > 0 else "shorter"
    stretched = (
        f"music before it {abs(hit.percent):.1f} % {how}" if hit.percent else "not stretched"
    )
    heard = "nothing is struck there"
    if hit.struck_frames is not None:
        heard = f"heard {_off(hit.struck_frames)}"
    return (
        f"{name}: met by {an} {hit.place} that was {_off(hit.before_frames)}, {stretched}; {heard}"
    )


def _off(frames: float) -> str:
    if abs(frames) < 0.05:
        return "on it"
    return f"{abs(frames):.1f} frames {'late' if frames > 0 else 'early'}"


def _read(folder: Path) -> RenderReport | None:
    if not (folder / RENDER_FILE).is_file():
        return None
    # Here and not above: most takes are not generated, and need no numbers to be shown.
    from musiscene_core.fitting.report import read_render

    return read_render(folder)


def _window(number: int, made: WindowMade) -> str:
    about = f"Window {number} at {made.start_s:.1f} s: {made.heard}"
    if len(made.scores) > 1:
        reason = made.reasons[made.chosen]
        about += f"; candidate {made.chosen + 1} of {len(made.scores)}: {reason}"
    if made.colour_db:
        about += f" Matched by {made.level_db:+.1f} dB, colour by up to {made.colour_db:.1f} dB."
    return about
