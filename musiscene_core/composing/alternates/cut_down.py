"""A shorter request for the same music: scene, feelings and climax drawn together in time.

The form becomes shorter as the scene does; key, tempo, idiom, seed and so the material stay. A
cut-down belongs to no picture: shots, dialogue and hits are left behind, but for the climax, which
has a bar line of its own. Knows nothing of notes.
"""

from __future__ import annotations

import msgspec

from musiscene_core.brief import (
    Curve,
    HitPoint,
    PictureCurves,
    SceneBrief,
    Shot,
)
from musiscene_core.composing.looping import whole_bars
from musiscene_core.composing.tempo import Wish
from musiscene_core.cue import Cue
from musiscene_core.ranges import FrameRange
from musiscene_core.request import ScoreRequest

_CLIMAX_FROM, _CLIMAX_TO = 0.45, 0.8
"""Where in a cut-down its climax may lie: it needs something before it, and an end."""


def shortened(
    request: ScoreRequest, cue: Cue, seconds: int, main_s: float, idiom: str | None
) -> tuple[ScoreRequest, int]:
    """The request for a cut-down, and the frame of it on which the climax falls.

    Args:
        request: what the take was made from.
        cue: the take's music.
        seconds: how long the cut-down is, to the nearest frame.
        main_s: where the take's climax begins, in cue seconds.
        idiom: name of the style to keep to; None lets the words and the scene choose again.
    """
    brief = request.brief
    rate = brief.timeline.rate
    frames = rate.frame_nearest(seconds)
    length_s = float(rate.seconds(frames))
    bpm = 60.0 * (cue.tempo.beat(cue.length_s) - cue.tempo.beat(0.0)) / cue.length_s
    beats = cue.tempo.beats_per_bar
    fitted = whole_bars(Wish(bpm, bpm, bpm, beats, held=True), length_s)
    bar_s = 60.0 * beats / fitted.bpm
    bars = round(length_s / bar_s)
    share = min(_CLIMAX_TO, max(_CLIMAX_FROM, main_s / cue.length_s))
    bar = min(max(1, round(share * bars)), max(1, bars - 2))
    climax = min(frames - 1, rate.frame_nearest(bar * bar_s))
    scene = _condensed(brief, frames, length_s / brief.timeline.length_seconds, climax)
    uses = tuple(msgspec.structs.replace(use, at=None) for use in request.themes)
    made = msgspec.structs.replace(
        request,
        brief=scene,
        tempo_bpm=round(min(300.0, max(30.0, bpm)), 6),
        tonic=cue.tonic,
        mode=cue.mode,
        idiom=idiom,
        hits=(climax,),
        bars=(),
        themes=uses,
        loudness_lufs=request.target_lufs,
        loop=False,
        alternates=(),
    )
    return made, climax


def _condensed(brief: SceneBrief, frames: int, share: float, climax: int) -> SceneBrief:
    """The scene drawn together to `frames`, `share` of its length."""
    timeline = brief.timeline
    curves = brief.curves
    if curves is not None:
        drawn = {
            name: _drawn(getattr(curves, name), share) for name in PictureCurves.__struct_fields__
        }
        # What happens suddenly happened to a picture that is not here.
        drawn["saliency"] = Curve(drawn["saliency"].hop_s, (0.0,) * len(drawn["saliency"].values))
        curves = PictureCurves(**drawn)
    temp = brief.temp_track
    emotion = brief.emotion_curve
    return msgspec.structs.replace(
        brief,
        timeline=msgspec.structs.replace(
            timeline,
            record=FrameRange.from_length(timeline.record.start, frames),
            clips=(),
            markers=(),
        ),
        shots=(Shot(start_frame=0, end_frame=frames, transition="start"),),
        curves=curves,
        dialogue=(),
        temp_track=msgspec.structs.replace(temp, beats_s=(), energy=_drawn(temp.energy, share)),
        hit_points=(HitPoint(frame=climax, kind="marker", strength=1.0, rank=1, label="climax"),),
        emotion_curve=msgspec.structs.replace(
            emotion,
            hop_s=emotion.hop_s * share,
            points=tuple(
                msgspec.structs.replace(point, time_s=point.time_s * share)
                for point in emotion.points
            ),
        ),
    )


def _drawn(curve: Curve, share: float) -> Curve:
    return msgspec.structs.replace(curve, hop_s=curve.hop_s * share)
