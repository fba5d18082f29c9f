"""How often the critic puts a take made for the brief's mood above one made for another.

    python -m tests.benchmarks.critic_ranking [--seeds 2] [--first-seed 200] [--length 24]

Composes takes of nine moods, and judges every pair by the brief of each: a take made for it beside
one made for another mood. "Opposite" is the mood farthest away in the plane of valence and arousal.
The critic's weights were fitted to seeds 0 to 3 and 100 to 102: other seeds tell more.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from itertools import product
from pathlib import Path

from musiscene_core.captioning.generation import Generation
from musiscene_core.composing.score import score
from musiscene_core.critic import HeardTake, judge, windows
from musiscene_core.critic.asking import QUESTIONS, TakeOnDisk, whole
from musiscene_core.progress import silent
from musiscene_core.request import ScoreRequest
from musiscene_daemon.engines.signals import SignalsCaptioner
from tests.support.composed import MOODS, mood_brief

NAMES = tuple(mood for mood in MOODS if mood != "mixed")


def main() -> None:
    """Print how often, by distance, and which pairs go wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--first-seed", type=int, default=200)
    parser.add_argument("--length", type=float, default=24.0)
    given = parser.parse_args()
    seeds = range(given.first_seed, given.first_seed + given.seeds)
    briefs = {mood: mood_brief(mood, given.length) for mood in NAMES}
    with tempfile.TemporaryDirectory() as folder:
        heard = {
            (mood, seed): listened(ScoreRequest(brief=briefs[mood]), seed, Path(folder), mood)
            for mood, seed in product(NAMES, seeds)
        }
    right: dict[str, list[bool]] = {"near": [], "middling": [], "far": [], "opposite": []}
    wrong = []
    for mood, other in product(NAMES, NAMES):
        if mood == other:
            continue
        apart = distance(mood, other)
        kind = "near" if apart < 0.7 else "middling" if apart < 1.2 else "far"
        for one, two in product(seeds, seeds):
            pair = (heard[mood, one], heard[other, two])
            target = ScoreRequest(brief=briefs[mood]).target_lufs
            won = judge(briefs[mood], target, pair, "signals")[0].rank == 1
            right[kind].append(won)
            if other == opposite(mood):
                right["opposite"].append(won)
                if not won:
                    wrong.append(f"{mood} below {other}")
    print(f"{len(NAMES)} moods, {given.seeds} seeds, {given.length:g} s")
    print("\n| the other mood is | pairs | its own mood above |\n|---|---|---|")
    for kind, results in right.items():
        print(f"| {kind} | {len(results)} | {sum(results) / max(1, len(results)):.0%} |")
    print("\nopposites that went wrong:", ", ".join(wrong) or "none")


def listened(request: ScoreRequest, seed: int, folder: Path, mood: str) -> HeardTake:
    """A composed take and what the captioner without a model hears of it."""
    place = folder / f"{mood}-{seed}"
    place.mkdir()
    take = score(request, seed, "take-1", place, silent)
    kept = TakeOnDisk(take, place, request)
    parts = windows(kept.mix, kept.length_s)
    *measured, told = SignalsCaptioner().answer((*parts, whole(kept)), QUESTIONS, Generation())
    words = [caption.text for caption in told.captions]
    return HeardTake(take=take, measured=measured, words=words)


def distance(mood: str, other: str) -> float:
    """In the plane of valence and arousal."""
    places = [(MOODS[name]["valence"], MOODS[name]["arousal"]) for name in (mood, other)]
    return math.dist(*places)


def opposite(mood: str) -> str:
    """The mood farthest away."""
    return max(NAMES, key=lambda other: distance(mood, other))


if __name__ == "__main__":
    main()
