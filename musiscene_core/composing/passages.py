"""Which idiom and scale the cue is in, and where it turns to another.

A cue keeps to one idiom unless its feeling changes strongly, or the words name another for a part:
one palette holds a cue together, and what changes within it is left to sections. Where it does
turn, key, tempo map and motif stay, so that the parts are heard as one piece: tense in D minor,
then triumphant in D major. Knows nothing of beats.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace

from musiscene_core.brief import DIMENSIONS, SURE, Mode, TempTrack
from musiscene_core.composing.chance import Dice
from musiscene_core.composing.idioms import IDIOMS, Idiom, idiom_named
from musiscene_core.composing.scales import BRIGHTNESS, mode_of
from musiscene_core.composing.scene import Mood, Scene
from musiscene_core.composing.styling import styled
from musiscene_core.composing.wording import Wishes
from musiscene_core.errors import RequestError
from musiscene_core.request import ScoreRequest

_APART = 0.7
"""Moods this far apart may each have an idiom of their own."""
_SERVES_ILL = 0.6
"""An idiom that serves the other part at least this well, relative to the best, is kept there."""
_SHORTEST_S = 12.0
_WORDED_SHORTEST_S = 2.0
_MOST = 6


@dataclass(frozen=True)
class Passage:
    """A part of the cue in one idiom and scale, from `start_s` on."""

    start_s: float
    idiom: Idiom
    scale: str


def choose_passages(
    request: ScoreRequest, scene: Scene, wishes: Wishes, seed: int
) -> tuple[Passage, ...]:
    """The cue's passages in order, the first from second 0.

    Raises:
        RequestError: the request names an idiom that does not exist.
    """
    mode = request.mode or (None if request.tonic is not None else wishes.mode)
    edges = [0.0, *_edges(scene, wishes, turning=request.idiom is None), scene.length_s]
    temp = request.brief.temp_track
    found: list[Passage] = []
    chosen: Idiom | None = None
    felt: Mood | None = None
    last: tuple[Idiom, str] | None = None
    for start_s, end_s in itertools.pairwise(edges):
        mood = scene.mood(start_s, end_s)
        named = _named(request, wishes, start_s)
        if named is not None:
            chosen, felt = named, mood
        elif chosen is None or felt is None or mood.distance(felt) > _APART:
            denied = {one.value for one in wishes.of("idiom", start_s) if one.denied}
            chosen, felt = choose_idiom(mood, Dice(seed, "idiom"), mode, denied), mood
        scale = wishes.scale
        if scale is None or (mode is not None and mode_of(scale) != mode):
            scale = choose_scale(chosen, mood, temp, mode, Dice(seed, "scale"))
            if last is not None and last[0] is chosen:
                # Within one idiom only the words change anything: its scale stays.
                scale = last[1]
        last = (chosen, scale)
        idiom = styled(chosen, wishes, (start_s + min(end_s, start_s + 0.2)) / 2)
        if found:
            # The same cells and leaps make the same motif, so that it returns in the new idiom.
            voice = replace(
                idiom.melody, cells=found[0].idiom.melody.cells, leap=found[0].idiom.melody.leap
            )
            idiom = replace(idiom, melody=voice, metres=found[0].idiom.metres)
        if not found or found[-1].idiom != idiom or found[-1].scale != scale:
            found.append(Passage(start_s, idiom, scale))
    return tuple(found)


def idiom_scores(mood: Mood) -> tuple[tuple[Idiom, float], ...]:
    """How well each idiom serves a mood, 0 to 1 and relative to the best."""
    scores = []
    for idiom in IDIOMS:
        serves = sum(mood.weights[DIMENSIONS.index(name)] * much for name, much in idiom.feelings)
        away = ((idiom.valence - mood.valence) ** 2 + (idiom.arousal - mood.arousal) ** 2) / 2
        scores.append((idiom, serves + 0.25 * max(0.0, 1.0 - away * 1.5)))
    best = max(score for _, score in scores)
    return tuple((idiom, score / best) for idiom, score in scores)


def choose_idiom(
    mood: Mood, dice: Dice, mode: Mode | None = None, denied: Iterable[str] = ()
) -> Idiom:
    """An idiom for a mood: the best most often, its neighbours at times."""
    weights = []
    for idiom, score in idiom_scores(mood):
        if idiom.name in denied:
            continue
        fits = mode is None or any(mode_of(scale) == mode for scale, _ in idiom.scales)
        squared = score * score
        # To the sixth: a clear mood leaves little to chance, a mixed one more.
        weights.append((idiom, round(squared * squared * squared * (1.0 if fits else 0.2), 9)))
    return dice.weighted(weights or [(idiom, 1.0) for idiom in IDIOMS])


def choose_scale(idiom: Idiom, mood: Mood, temp: TempTrack, mode: Mode | None, dice: Dice) -> str:
    """One of the idiom's scales: near the mood's valence, and the temp track's mode where sure."""
    lean = temp.mode if temp.present and temp.key_confidence >= SURE else None
    weights = []
    for scale, liking in idiom.scales:
        away = BRIGHTNESS[scale] - mood.valence
        weight = liking / (0.1 + away * away)
        if lean is not None and mode_of(scale) != lean:
            weight *= 0.15
        if mode is None or mode_of(scale) == mode:
            weights.append((scale, weight))
    if not weights:
        return "ionian" if mode == "major" else "aeolian"
    return dice.weighted(weights)


def turn_of_feeling(scene: Scene) -> float | None:
    """When the feeling turns so strongly that one idiom would not serve both sides, in seconds."""
    length_s = scene.length_s
    if length_s < 2 * _SHORTEST_S:
        return None
    moments = [float(s) for s in range(int(_SHORTEST_S), int(length_s - _SHORTEST_S) + 1)]
    step = max(1, len(moments) // 120)
    best = max(
        moments[::step],
        key=lambda s: (scene.mood(0.0, s).distance(scene.mood(s, length_s)), -s),
    )
    before, after = scene.mood(0.0, best), scene.mood(best, length_s)
    if before.distance(after) <= _APART:
        return None
    first = max(idiom_scores(before), key=lambda pair: pair[1])[0].name
    return best if {i.name: s for i, s in idiom_scores(after)}[first] < _SERVES_ILL else None


def _edges(scene: Scene, wishes: Wishes, *, turning: bool) -> list[float]:
    """Where the words, or else the feeling, turn; well apart and in order."""
    kinds = ("idiom", "instrument", "density", "register", "articulation", "mood", "role")
    said = {
        round(second, 6)
        for asked in wishes.asked
        if asked.kind in kinds and not (asked.kind in ("role", "instrument") and asked.denied)
        for second in (asked.start_s, asked.end_s)
    }
    edges: list[float] = []
    for second in sorted(said):
        last = edges[-1] if edges else 0.0
        if last + _WORDED_SHORTEST_S <= second <= scene.length_s - _WORDED_SHORTEST_S:
            edges.append(second)
    turn = turn_of_feeling(scene) if turning and not edges else None
    if turn is not None:
        edges.append(turn)
    return edges[: _MOST - 1]


def _named(request: ScoreRequest, wishes: Wishes, seconds: float) -> Idiom | None:
    if request.idiom is not None:
        try:
            return idiom_named(request.idiom)
        except KeyError:
            raise RequestError(
                f"There is no idiom {request.idiom!r}.",
                hint=f"The idioms are {', '.join(idiom.name for idiom in IDIOMS)}.",
            ) from None
    named = [asked.value for asked in wishes.of("idiom", seconds) if not asked.denied]
    return idiom_named(named[-1]) if named else None
