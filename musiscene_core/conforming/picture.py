"""A picture of a recut: the old film above the new, what was kept between them, and what stays.

Knows nothing of how the music was made.
"""

from __future__ import annotations

from collections.abc import Sequence

from musiscene_core.chart_style import DIM, GREEN, ORANGE, SKY, TEXT, as_png, dress
from musiscene_core.conforming.film import kept_film
from musiscene_core.conforming.seams import HeldMusic
from musiscene_core.conforming.shown import shown_clips
from musiscene_core.timeline import TimelineRange

_OLD, _NEW, _MUSIC = 2.0, 1.0, 0.45
_HIGH = 0.3


def draw(old: TimelineRange, new: TimelineRange, held: Sequence[HeldMusic]) -> bytes:
    """PNG of `old` over `new`, film that was kept joined; below, the music that is `held`."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Polygon

    length_s = max(old.length_seconds, new.length_seconds)
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    axis = figure.add_subplot()
    dress(axis, "", length_s)
    for timeline, low in ((old, _OLD), (new, _NEW)):
        for clip in shown_clips(timeline):
            if clip.role != "picture":
                continue
            start, end = float(clip.start_s), float(clip.end_s)
            axis.broken_barh([(start, end - start)], (low, _HIGH), facecolor=SKY, edgecolor="k")
            axis.text(start + 0.1, low + _HIGH / 3, clip.name[:12], fontsize=7, clip_on=True)
    for film in kept_film(old, new):
        a, b = (float(old.rate.seconds(frame)) for frame in (film.was.start, film.was.end))
        c, d = (float(new.rate.seconds(frame)) for frame in (film.now.start, film.now.end))
        corners = [(a, _OLD), (b, _OLD), (d, _NEW + _HIGH), (c, _NEW + _HIGH)]
        axis.add_patch(Polygon(corners, facecolor=DIM, alpha=0.4))
    axis.broken_barh([(0, new.length_seconds)], (_MUSIC, _HIGH), facecolor=ORANGE)
    for music in held:
        begin, end = music.now_s
        axis.broken_barh([(begin, end - begin)], (_MUSIC, _HIGH), facecolor=GREEN)
    axis.set_ylim(_MUSIC - 0.1, _OLD + _HIGH + 0.1)
    axis.set_yticks([low + _HIGH / 2 for low in (_OLD, _NEW, _MUSIC)], ["was", "is", "music"])
    axis.tick_params(labelbottom=True, labelcolor=TEXT)
    axis.set_xlabel("seconds; green: bars that stay, orange: written anew", color=TEXT, fontsize=9)
    return as_png(figure)
