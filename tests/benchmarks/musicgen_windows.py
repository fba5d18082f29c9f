"""Past 30 seconds with music of known beats: joins, drift found and not found, candidates chosen.

    python -m tests.benchmarks.musicgen_windows [--moods N] [--length S]

The engine's own windows, with recordings in the place of what the model writes (see
tests.support.played_musicgen): a cue of ours, and variants of it that drift on purpose. Printed for
each variant: how often all draws of a window that drifts are found out and drawn again, how often a
window that does not drift is, how often the better of two candidates is taken, and how far joins
lie from a true beat, with their step in level and colour before and after matching. Figures are
printed, never asserted.
"""

from __future__ import annotations

import argparse
from collections import defaultdict

import numpy as np

from musiscene_core.composing.compose import compose
from musiscene_core.fitting.matching import matched, third_octaves_db
from musiscene_core.loudness import loudness_of
from musiscene_core.progress import silent
from musiscene_core.request import ScoreRequest
from musiscene_core.timecode import SAMPLE_RATE
from musiscene_daemon.engines.musicgen import laying, writing
from musiscene_daemon.engines.musicgen.listening import at_48k
from tests.support.composed import CUTS, MOODS
from tests.support.played_music import (
    at_model_rate,
    beats_of,
    cue_like,
    dull,
    faster,
    higher,
    played,
)
from tests.support.played_musicgen import PlayedMusicGen, Recording
from tests.support.scenes import brief_of
from tests.support.songs import drone

_NEAR_S = 3.0
"""Before and after a join that are held against each other."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moods", type=int, default=len(MOODS))
    parser.add_argument("--length", type=float, default=52.0)
    chosen = parser.parse_args()
    found: dict[str, list[bool]] = defaultdict(list)
    better: dict[str, list[bool]] = defaultdict(list)
    apart, joins, alarms = [], defaultdict(list), []
    for mood in list(MOODS)[: chosen.moods]:
        scene = _Scene(mood, chosen.length)
        for kind in scene.names:
            # In the second window all candidates drift, and none where it is drawn again.
            model, (sound,) = scene.written(
                lambda asked, kind=kind: kind if (asked.window, asked.draw) == (1, 0) else "even"
            )
            again = any(a.draw and a.window == 1 for a in model.asked)
            if kind == "even":
                alarms += [
                    any(a.draw and a.window == w for a in model.asked)
                    for w in range(1, len(sound.windows))
                ]
                for name, figure in _joined(model, sound).items():
                    joins[name] += figure
                apart += [w.drift for w in sound.windows if w.drift is not None]
            else:
                found[kind].append(again)
            # Where one of two candidates drifts, the first in half of the scenes.
            at = len(found[kind]) % 2
            first = kind in ("beatless",)
            _, (sound,) = scene.written(
                lambda asked, kind=kind, at=at, first=first: (
                    kind
                    if asked.window == (0 if first else 1) and asked.candidate == at
                    else "even"
                ),
                candidates=2,
            )
            if kind != "even":
                better[kind].append(sound.windows[0 if first else 1].chosen != at)
        for kind in ("loud6", "dull"):
            _, (sound,) = scene.written(
                lambda asked, kind=kind: kind if asked.window == 1 else "even"
            )
            for name, figure in _joined(None, sound).items():
                joins[f"{kind}: {name}"] += figure
        print(mood, "done", flush=True)
    print(f"windows drawn again without need: {sum(alarms)} of {len(alarms)}")
    for kind in found:
        print(
            f"{kind:9} found out {sum(found[kind])} of {len(found[kind])}; "
            f"better candidate taken {sum(better[kind])} of {len(better[kind])}"
        )
    for name, figures in joins.items():
        mid, high = np.quantile(figures, (0.5, 0.9))
        print(f"joins, {name}: median {mid:.2f}, 9 in 10 within {high:.2f}, of {len(figures)}")
    for name in ("tempo_percent", "chroma", "level_lu", "colour_db"):
        sizes = [abs(getattr(one, name)) for one in apart if getattr(one, name, None) is not None]
        if sizes:
            print(f"steady music, {name}: median {np.median(sizes):.2f}, most {max(sizes):.2f}")


class _Scene:
    """A scene, its plan, and music for it in variants."""

    def __init__(self, mood: str, length_s: float) -> None:
        feel = {name: MOODS[mood].get(name, 0.0) for name in ("valence", "arousal")}
        cuts = (*CUTS, 41.0, 52.0, 60.0)
        brief = brief_of(length_s, cuts=[cut for cut in cuts if cut < length_s - 2], **feel)
        self.request = ScoreRequest(brief=brief, engine="musicgen", seed=3)
        self.plan = compose(self.request, 3)
        cue = cue_like(
            feel,
            length_s + 16,
            seed=7,
            tempo_bpm=self.plan.tempo.segments[0].bpm,
            tonic=self.plan.tonic,
            mode=self.plan.mode,
        )
        even = played(cue)
        own = beats_of(cue)
        variants = {
            "even": (even, own),
            "dull": (dull(even), own),
            "loud6": (2 * even, own),
            "loud12": (4 * even, own),
            "beatless": (drone(cue.length_s), own),
        }
        changed = {
            "fast3": faster(cue, 1.03),
            "fast6": faster(cue, 1.06),
            "slow8": faster(cue, 0.92),
            "up1": higher(cue, 1),
            "up6": higher(cue, 6),
        }
        variants |= {name: (played(one), beats_of(one)) for name, one in changed.items()}
        self.names = tuple(variants)
        self._recordings = [
            Recording(at_model_rate(sound), beats) for sound, beats in variants.values()
        ]

    def written(self, kind_of, candidates: int = 1):
        """What the engine makes where `kind_of` says what each row plays, and the model."""
        model = PlayedMusicGen(
            self._recordings, lambda asked: self.names.index(kind_of(asked)), start_s=0.35
        )
        length_s = self.request.length_seconds
        work = writing.Work(
            model=model,
            request=self.request,
            plan=self.plan,
            moments=laying.moments_of(self.request, self.plan),
            length_s=length_s + laying.spare_s(length_s),
            candidates=candidates,
        )
        ((sound,),) = writing.sounds(work, [3], silent)
        model.start_beats = self._recordings[0].beats_s - 0.35
        return model, (sound,)


def _joined(model, sound):
    """Of each join: ms to the nearest true beat, and steps in level and colour."""
    audio = at_48k(sound.audio, 32_000)
    edges = [round(w.start_s * SAMPLE_RATE) for w in sound.windows]
    even, _ = matched(audio, [*edges, audio.shape[1]])
    found = defaultdict(list)
    for window, edge in zip(sound.windows[1:], edges[1:], strict=True):
        if model is not None and window.on_beat:
            away = np.abs(model.start_beats - window.start_s).min()
            found["ms from a true beat"].append(1000 * float(away))
        if window is sound.windows[1]:
            for name, of in (("as written", audio), ("matched", even)):
                level, colour = _step(of, edge)
                found[f"level step in LU, {name}"].append(level)
                found[f"colour step in dB, {name}"].append(colour)
    return found


def _step(audio, edge):
    reach = round(_NEAR_S * SAMPLE_RATE)
    before, after = audio[:, edge - reach : edge], audio[:, edge : edge + reach]
    level = abs(loudness_of(after) - loudness_of(before))
    one, two = third_octaves_db(before), third_octaves_db(after)
    heard = np.maximum(one, two) > max(one.max(), two.max()) - 50
    apart = (two - one)[heard]
    return level, float(np.abs(apart - np.median(apart)).mean())


if __name__ == "__main__":
    main()
