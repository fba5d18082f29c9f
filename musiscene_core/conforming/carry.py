"""What of a request outlives a change of its range: held hits, edited captions, all the rest.

A hit goes where its moment went: with its marker, else with the picture under it, else with the
gap it lies in. Captions that a user wrote stay; those from signals are the new range's. An emotion
curve that a user drew stays with its film.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import msgspec

from musiscene_core.brief import Captions, EmotionCurve, SceneBrief
from musiscene_core.conforming.changes import Changes, HitFate
from musiscene_core.conforming.film import KeptFilm, kept_film
from musiscene_core.conforming.shown import ShownClip, shown_clips
from musiscene_core.request import ScoreRequest
from musiscene_core.timeline import TimelineRange

_SEEN = ("picture", "mixed")


def conformed(
    request: ScoreRequest,
    brief: SceneBrief,
    changes: Changes,
    film: Sequence[KeptFilm] | None = None,
) -> ScoreRequest:
    """`request` for the new range, whose `brief` was spotted anew.

    Where every held hit was dropped, the engine chooses.

    Args:
        request: what the music was made from.
        brief: of the new range.
        changes: how it differs.
        film: what it still shows; None finds that out.
    """
    where = {hit.was: hit.now for hit in changes.hits}
    hits = {frame for hit in request.hits or () if (frame := where.get(hit)) is not None}
    mine = request.brief.captions
    captions = {
        name: getattr(mine, name)
        for name in Captions.__struct_fields__
        if getattr(mine, name).edited or getattr(mine, name).origin == "user"
    }
    drawn, warnings = request.brief.emotion_curve, brief.warnings
    curve = brief.emotion_curve
    if drawn.edited:
        if film is None:
            film = kept_film(request.brief.timeline, brief.timeline)
        curve, share = _redrawn(drawn, curve, film, changes)
        if share < 1.0:
            warnings += (
                f"{share:.0%} of the emotion curve is the one that you drew; for film that is new "
                "it goes by the picture.",
            )
    if request.bars:
        warnings += ("Bars that were held in the old range are free in this one.",)
    return msgspec.structs.replace(
        request,
        brief=msgspec.structs.replace(
            brief,
            captions=msgspec.structs.replace(brief.captions, **captions),
            emotion_curve=curve,
            warnings=warnings,
        ),
        hits=tuple(sorted(hits)) or None,
        bars=(),
        themes=tuple(
            use if use.at is None else msgspec.structs.replace(use, at=where.get(use.at))
            for use in request.themes
        ),
    )


def _redrawn(
    drawn: EmotionCurve, spotted: EmotionCurve, film: Sequence[KeptFilm], changes: Changes
) -> tuple[EmotionCurve, float]:
    """What was drawn where its film is kept, what was spotted elsewhere, and the share drawn."""
    points = []
    kept = 0
    for point in spotted.points:
        was_s = _old_time(point.time_s, film, changes)
        index = -1 if was_s is None else round(was_s / drawn.hop_s)
        if not 0 <= index < len(drawn.points):
            points.append(point)
            continue
        kept += 1
        points.append(msgspec.structs.replace(drawn.points[index], time_s=point.time_s))
    share = kept / len(points) if points else 0.0
    curve = msgspec.structs.replace(spotted, points=tuple(points), edited=kept > 0)
    return (drawn, 1.0) if curve.points == drawn.points else (curve, share)


def _old_time(now_s: float, film: Sequence[KeptFilm], changes: Changes) -> float | None:
    for one in film:
        start, end = (
            float(changes.rate_now.seconds(frame)) for frame in (one.now.start, one.now.end)
        )
        if start <= now_s < end:
            return float(changes.rate_was.seconds(one.was.start)) + now_s - start
    return None


def held(request: ScoreRequest) -> tuple[int, ...]:
    """The cue frames that a request names: held hits, and where themes begin."""
    places = {use.at for use in request.themes if use.at is not None}
    return tuple(sorted(places.union(request.hits or ())))


def carried(
    hits: Sequence[int],
    old: TimelineRange,
    new: TimelineRange,
    pairs: Sequence[tuple[ShownClip, ShownClip]],
) -> tuple[HitFate, ...]:
    """Where each held hit went, in their order.

    Args:
        hits: cue frames of the old range.
        old: the old range.
        new: the new range.
        pairs: which clip became which.
    """
    seen = [clip for clip in shown_clips(old) if clip.role in _SEEN]
    became = dict(pairs)
    fates = []
    for frame in hits:
        place, why = _place(frame, old, new, seen, became)
        now = None if place is None else new.rate.frame_nearest(place)
        if now is not None and not 0 <= now < new.record.length:
            now, why = None, "dropped: its moment lies outside the range now"
        fates.append(HitFate(was=frame, now=now, why=why))
    return tuple(fates)


def _place(
    frame: int,
    old: TimelineRange,
    new: TimelineRange,
    seen: Sequence[ShownClip],
    became: dict[ShownClip, ShownClip],
) -> tuple[Fraction | None, str]:
    """The new cue time of an old hit, None where it has none, and why."""
    time_s = old.rate.seconds(frame)
    marker = _marker(frame, old, new)
    if marker is not None:
        return marker
    under = [clip for clip in seen if frame in clip.cue]
    if not under:
        return _in_gap(time_s, seen, became)
    was = max(under, key=lambda clip: clip.layer)
    now = became.get(was)
    if now is None:
        return None, f"dropped: {was.name} is gone"
    if time_s == was.start_s:
        return now.start_s, f"with the beginning of {now.name}"
    if was.speed == 0:
        return now.start_s + (time_s - was.start_s), f"with {now.name}"
    place = now.cue_seconds(was.first_s + (time_s - was.start_s) * was.speed)
    if place is None:
        return None, f"dropped: its moment was cut off {now.name}"
    return place, f"with {now.name}"


def _marker(
    frame: int, old: TimelineRange, new: TimelineRange
) -> tuple[Fraction | None, str] | None:
    """Where the one marker at `frame` went, if its name tells it from all others."""
    for marker in old.markers:
        if marker.record.start - old.record.start != frame or not marker.name:
            continue
        same = [other for other in new.markers if other.name == marker.name]
        if len(same) == 1 and sum(m.name == marker.name for m in old.markers) == 1:
            place = new.rate.seconds(same[0].record.start - new.record.start)
            return place, f"with the marker {marker.name}"
    return None


def _in_gap(
    time_s: Fraction, seen: Sequence[ShownClip], became: dict[ShownClip, ShownClip]
) -> tuple[Fraction, str]:
    """As far behind the last clip before it as it was; where it was, in front of all."""
    before = [clip for clip in seen if clip.end_s <= time_s and clip in became]
    if not before:
        return time_s, "where it was"
    was = max(before, key=lambda clip: clip.end_s)
    return became[was].end_s + (time_s - was.end_s), f"behind {was.name}"
