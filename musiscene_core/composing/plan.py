"""The plan: what to write, before a note is written.

Chooses idiom, scale, key, metre, tempo map and hits from the brief, holding what the request
holds. Knows nothing of notes.
"""

from __future__ import annotations

from dataclasses import dataclass

from musiscene_core.brief import DIMENSIONS, Mode, TempTrack
from musiscene_core.composing.chance import Dice
from musiscene_core.composing.hits import ChosenHit, choose_hits, main_hit
from musiscene_core.composing.idioms import IDIOMS, Idiom
from musiscene_core.composing.scales import BRIGHTNESS, mode_of
from musiscene_core.composing.scene import Mood, Scene
from musiscene_core.composing.tempo import Clock, Target, Wish, solve
from musiscene_core.composing.wording import Wishes, read_wishes
from musiscene_core.cue import HitResult, TempoMap
from musiscene_core.request import ScoreRequest

SURE = 0.6
"""From this confidence on the temp track's tempo and key are leant towards."""
RING_ONLY_S = 4.0
"""A range shorter than this is one chord that rings."""
_TONIC_WEIGHTS = (1.0, 0.5, 1.2, 0.8, 1.1, 1.0, 0.5, 1.1, 0.6, 1.2, 0.9, 0.6)
"""How well each pitch class from C suits the players."""


@dataclass(frozen=True)
class PlannedHit:
    """A hit in the music: its beat, how much it matters (0 to 1), and whether it leads."""

    beat: float
    weight: float
    main: bool


@dataclass(frozen=True)
class Plan:
    """Everything decided before the form.

    Attributes:
        seed: of all chance.
        scene: what is scored.
        mood: of the whole.
        wishes: from the captions.
        idiom: the style.
        scale: name of the scale.
        tonic: pitch class from C = 0.
        tempo: the tempo map.
        clock: the same, quick to ask.
        hits: met moments in order, on distinct beats.
        report: one a chosen hit point.
        start_beat: the beat at cue second 0, rounded up; never after beat 0.
        end_beat: the beat at the cue's end, rounded down.
    """

    seed: int
    scene: Scene
    mood: Mood
    wishes: Wishes
    idiom: Idiom
    scale: str
    tonic: int
    tempo: TempoMap
    clock: Clock
    hits: tuple[PlannedHit, ...]
    report: tuple[HitResult, ...]
    start_beat: float
    end_beat: float

    @property
    def mode(self) -> Mode:
        """Major or minor."""
        return mode_of(self.scale)

    @property
    def beats_per_bar(self) -> int:
        """The metre."""
        return self.tempo.beats_per_bar

    @property
    def main_hit(self) -> PlannedHit | None:
        """The hit that leads."""
        return next((hit for hit in self.hits if hit.main), None)

    def dice(self, stage: str) -> Dice:
        """Chance for one stage of the work."""
        return Dice(self.seed, stage)


def make_plan(request: ScoreRequest, seed: int) -> Plan:
    """Decide what to write for `request`."""
    scene = Scene(request.brief)
    wishes = read_wishes(request)
    mood = scene.mood(0.0, scene.length_s)
    mode = request.mode or (None if request.tonic is not None else wishes.mode)
    idiom = choose_idiom(mood, Dice(seed, "idiom"), mode)
    temp = request.brief.temp_track
    scale = _choose_scale(idiom, mood, temp, mode, Dice(seed, "scale"))
    tonic = request.tonic if request.tonic is not None else wishes.tonic
    if tonic is None:
        tonic = _choose_tonic(temp, Dice(seed, f"tonic {idiom.name}"))
    wish = _choose_tempo(request, wishes, idiom, scene, Dice(seed, "tempo"))
    chosen = choose_hits(request)
    tempo, met = _fit(request, chosen, scene.length_s, wish)
    clock = Clock(tempo)
    start_beat = _inward(clock, clock.beat(0.0), 0.0, 1.0)
    met = tuple((hit, max(beat, start_beat)) for hit, beat in met)
    rate = request.brief.timeline.rate
    leading = main_hit([hit for hit, _ in met])
    results = tuple(
        HitResult.measured(hit.frame, hit.kind, hit.label, beat, tempo, rate) for hit, beat in met
    )
    planned: dict[float, PlannedHit] = {}
    for index, (hit, beat) in enumerate(met):
        known = planned.get(beat)
        weight = max(hit.weight, known.weight if known else 0.0)
        main = index == leading or (known is not None and known.main)
        planned[beat] = PlannedHit(beat, weight, main)
    return Plan(
        seed=seed,
        scene=scene,
        mood=mood,
        wishes=wishes,
        idiom=idiom,
        scale=scale,
        tonic=tonic,
        tempo=tempo,
        clock=clock,
        hits=tuple(planned[beat] for beat in sorted(planned)),
        report=results,
        start_beat=start_beat,
        end_beat=_inward(clock, clock.beat(scene.length_s), scene.length_s, -1.0),
    )


def idiom_scores(mood: Mood) -> tuple[tuple[Idiom, float], ...]:
    """How well each idiom serves a mood, 0 to 1 and relative to the best."""
    scores = []
    for idiom in IDIOMS:
        serves = sum(mood.weights[DIMENSIONS.index(name)] * much for name, much in idiom.feelings)
        away = ((idiom.valence - mood.valence) ** 2 + (idiom.arousal - mood.arousal) ** 2) / 2
        scores.append((idiom, serves + 0.25 * max(0.0, 1.0 - away * 1.5)))
    best = max(score for _, score in scores)
    return tuple((idiom, score / best) for idiom, score in scores)


def choose_idiom(mood: Mood, dice: Dice, mode: Mode | None = None) -> Idiom:
    """An idiom for a mood: the best most often, its neighbours at times."""
    weights = []
    for idiom, score in idiom_scores(mood):
        fits = mode is None or any(mode_of(scale) == mode for scale, _ in idiom.scales)
        squared = score * score
        # To the sixth: a clear mood leaves little to chance, a mixed one more.
        weights.append((idiom, round(squared * squared * squared * (1.0 if fits else 0.2), 9)))
    return dice.weighted(weights)


def _choose_scale(idiom: Idiom, mood: Mood, temp: TempTrack, mode: Mode | None, dice: Dice) -> str:
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


def _choose_tonic(temp: TempTrack, dice: Dice) -> int:
    sure = temp.present and temp.key is not None and temp.key_confidence >= SURE
    if sure and temp.key is not None and dice.chance(0.7):
        return temp.key % 12
    return dice.weighted(tuple(enumerate(_TONIC_WEIGHTS)))


def _choose_tempo(
    request: ScoreRequest, wishes: Wishes, idiom: Idiom, scene: Scene, dice: Dice
) -> Wish:
    """The tempo to aim at: the request's, the captions', the temp track's, or the scene's own."""
    metre = dice.weighted(idiom.metres)
    low, high = float(idiom.bpm[0]), float(idiom.bpm[1])
    held = request.tempo_bpm or wishes.tempo_bpm
    if held is not None:
        return Wish(held, held, float(held), metre, held=True)
    pace = 0.6 * (scene.mood(0.0, scene.length_s).arousal + 1) / 2
    curves = request.brief.curves
    cuts = curves.cut_rate.array().mean() if curves and curves.cut_rate.values else 12.0
    pace += 0.4 * min(1.0, float(cuts) / 30.0)
    bpm = low + (high - low) * min(1.0, max(0.0, pace + dice.sway(0.35)))
    temp = request.brief.temp_track
    if temp.present and temp.tempo_confidence >= SURE and temp.tempo_bpm > 0:
        folded = _folded(temp.tempo_bpm, low * 0.92, high * 1.08)
        if folded is not None:
            bpm = folded
            low, high = max(low * 0.9, folded * 0.96), min(high * 1.1, folded * 1.04)
    return Wish(low, high, round(bpm, 3), metre)


def _folded(bpm: float, low: float, high: float) -> float | None:
    """`bpm`, or its half or double, where that lies between `low` and `high`."""
    return next((bpm * factor for factor in (1.0, 0.5, 2.0) if low <= bpm * factor <= high), None)


def _fit(
    request: ScoreRequest, chosen: tuple[ChosenHit, ...], length_s: float, wish: Wish
) -> tuple[TempoMap, tuple[tuple[ChosenHit, float], ...]]:
    """The tempo map, and each hit that the music meets with its beat.

    The user's hits are all kept: one that no beat can meet is met between beats, as a stinger, and
    under a held tempo its error is told. A candidate of ours that a held tempo misses is worth
    more left out than met badly.
    """
    targets = [Target(hit.seconds, hit.weight) for hit in chosen]
    solution = solve(targets, main_hit(chosen), length_s, wish)
    met = dict(solution.met)
    if request.hits is not None:
        every = tuple(
            (hit, met.get(index, round(solution.tempo.beat(hit.seconds), 6)))
            for index, hit in enumerate(chosen)
        )
        return solution.tempo, tuple(
            (hit, _inside(solution.tempo, b, length_s)) for hit, b in every
        )
    missed = [
        index
        for index, beat in met.items()
        if abs(solution.tempo.seconds(beat) - chosen[index].seconds) > 0.0401
    ]
    if missed:
        weakest = min(missed, key=lambda index: chosen[index].weight)
        fewer = chosen[:weakest] + chosen[weakest + 1 :]
        return _fit(request, fewer, length_s, wish)
    return solution.tempo, tuple((chosen[index], beat) for index, beat in solution.met)


def _inside(tempo: TempoMap, beat: float, length_s: float) -> float:
    """`beat`, or just before the end where it would fall past it."""
    if tempo.seconds(beat) < length_s - 1e-3:
        return beat
    return round(tempo.beat(length_s - min(0.05, length_s / 2)), 6)


def _inward(clock: Clock, beat: float, limit_s: float, direction: float) -> float:
    """`beat` rounded to a millionth so that it never lies outside the cue."""
    rounded = round(beat, 6)
    while (clock.seconds(rounded) - limit_s) * direction < 0:
        rounded = round(rounded + direction * 1e-6, 6)
    return rounded
