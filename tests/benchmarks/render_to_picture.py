"""How well recordings are laid on picture, over cues of ours that stand for what a model renders.

    python -m tests.benchmarks.render_to_picture [--seeds N] [--length S]

Two cases a mood. "free": a cue composed for nothing, at a tempo of its own, is laid on a scene with
hits. "guided": the scene's own sketch, played 1.2 % fast and a little late as a render that keeps
the tempo is, is brought back onto the sketch. Printed: hits met, how far off the cue's TRUE beats
(its tempo map, not what is heard) then are, the largest stretch, and for guided renders the beats
that lie where the sketch has them, before and after. Figures are printed, never asserted.
"""

from __future__ import annotations

import argparse
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from musiscene_core.composing.compose import compose
from musiscene_core.composing.score import score
from musiscene_core.fitting.agreement import sketch_bars_s, sketch_beats_s
from musiscene_core.fitting.following import followed
from musiscene_core.fitting.meeting import Moment
from musiscene_core.fitting.picture import Laid, Wish, lay
from musiscene_core.media import read_audio
from musiscene_core.remixing.grid import find_grid
from musiscene_core.request import ScoreRequest
from musiscene_core.timecode import SAMPLE_RATE
from tests.support.composed import CUTS, MOODS, mood_brief
from tests.support.scenes import brief_of

_SPEED = (247, 250)
_LATE_S = 0.17
_FRAME_MS = 1000 / 24


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--length", type=float, default=32.0)
    chosen = parser.parse_args()
    cuts = tuple(cut for cut in CUTS if cut < chosen.length - 2)
    for case in (_free, _guided):
        print(case.__name__.strip("_"))
        rows = [
            case(mood, seed, chosen.length, cuts) for mood in MOODS for seed in range(chosen.seeds)
        ]
        heard = [row for row in rows if row is not None]
        print(f"  beats sure in {len(heard)} of {len(rows)} cues")
        met, hits, errors, stretches, before, after = zip(*heard, strict=True)
        away = np.concatenate(errors)
        print(f"  hits met {sum(met)} of {sum(hits)}; largest stretch {max(stretches):.2f} %")
        print(
            f"  true beats off the hits met: median {np.median(away):.0f} ms, 9 in 10 within "
            f"{np.quantile(away, 0.9):.0f} ms; within a frame of 24: "
            f"{np.mean(away <= _FRAME_MS):.0%}"
        )
        if case is _guided:
            print(
                f"  true beats off the sketch's: median {np.median(np.concatenate(before)):.0f} ms "
                f"as rendered, {np.median(np.concatenate(after)):.0f} ms as laid; within 70 ms "
                f"{np.mean(np.concatenate(before) <= 70):.0%} -> "
                f"{np.mean(np.concatenate(after) <= 70):.0%}"
            )


def _free(mood, seed, length_s, cuts):
    feel = {name: MOODS[mood].get(name, 0.0) for name in ("valence", "arousal")}
    bpm = 84.0 + 7 * (sum(map(ord, mood)) % 9)
    request = ScoreRequest(
        brief=brief_of(1.08 * length_s + 2, **feel), tempo_bpm=bpm, hits=(), seed=seed
    )
    audio, take = _played(request)
    grid = find_grid(audio)
    if not grid.usable:
        return None
    moments = tuple(Moment(cut, 0.8) for cut in cuts)
    laid = lay(audio, grid, Wish(round(length_s * SAMPLE_RATE), moments, 2.2))
    last = int(take.tempo.beat(audio.shape[1] / SAMPLE_RATE))
    true = np.array([take.tempo.seconds(float(half) / 2) for half in range(2 * last)])
    return (*_judged(laid, laid.moments, true), np.zeros(0), np.zeros(0))


def _guided(mood, seed, length_s, cuts):
    request = ScoreRequest(brief=mood_brief(mood, length_s, cuts=cuts), seed=seed)
    plan = compose(request, seed)
    audio, _ = _played(request)
    fast = resample_poly(audio, *_SPEED, axis=1).astype(np.float32)
    fast = np.pad(fast, ((0, 0), (round(_LATE_S * SAMPLE_RATE), SAMPLE_RATE)))
    grid = followed(find_grid(fast), plan.tempo)
    if grid is None:
        return None
    hits = [Moment(hit.frame / 24, 0.8) for hit in plan.hits]
    near = [hit.at_s for hit in hits]
    bars = [
        Moment(bar, 0.12)
        for bar in sketch_bars_s(plan)
        if 0.5 < bar < length_s - 0.5 and all(abs(bar - hit) > 0.15 for hit in near)
    ]
    moments = tuple(sorted([*hits, *bars], key=lambda one: one.at_s))
    laid = lay(fast, grid, Wish(round(length_s * SAMPLE_RATE), moments, 2.2))
    own = sketch_beats_s(plan)
    rendered = own * _SPEED[0] / _SPEED[1] + _LATE_S
    halves = np.sort(np.concatenate([rendered, (rendered[1:] + rendered[:-1]) / 2]))
    met = [one for one in laid.moments if one.at_s in {round(at, 6) for at in near}]
    count, hit, errors, stretch = _judged(laid, met, halves)
    # Only what sounds before the last accent is laid anywhere.
    inside = own[own <= (laid.accent_s or length_s)]
    now = _now(laid, rendered)
    return (
        *(count, hit, errors, stretch),
        1000 * np.array([np.abs(rendered - beat).min() for beat in inside]),
        1000 * np.array([np.abs(now - beat).min() for beat in inside]),
    )


def _judged(laid: Laid, moments, true):
    """Hits met, hits, how far true beats are from those met in ms, largest stretch in percent."""
    now = _now(laid, true)
    met = [one for one in moments if one.met]
    errors = 1000 * np.array([np.abs(now - one.at_s).min() for one in met])
    return len(met), len(moments), errors, max([0.0, *(abs(p.percent) for p in laid.stretches)])


def _now(laid: Laid, own_s):
    """Where moments of the recording are heard, told from the stretches."""
    own, at = [laid.begin_s], [0.0]
    for part in laid.stretches:
        own += [own[-1] + part.start_s - at[-1]]
        at += [part.start_s]
        own += [own[-1] + (part.end_s - part.start_s) / (1 + part.percent / 100)]
        at += [part.end_s]
    own, at = [*own, own[-1] + 1e4], [*at, at[-1] + 1e4]
    return np.interp(own_s, own, at)


def _played(request: ScoreRequest):
    with tempfile.TemporaryDirectory(prefix="musiscene-bench-") as folder:
        take = score(request, request.seed, "take-1", Path(folder))
        end = Fraction(take.length_samples, SAMPLE_RATE)
        mix = read_audio(
            Path(folder) / take.mix, Fraction(0), end, sample_rate=SAMPLE_RATE, channels=2
        )
    return mix, take


if __name__ == "__main__":
    main()
