"""The plan: what to write, before a note is written.

Chooses idiom, scale, key, metre, tempo map and hits from the brief, holding what the request
holds. Knows nothing of notes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from musiscene_core.brief import SURE, Mode, TempTrack
from musiscene_core.composing.chance import Dice
from musiscene_core.composing.idioms import Idiom
from musiscene_core.composing.looping import whole_bars as in_whole_bars
from musiscene_core.composing.passages import Passage, choose_passages
from musiscene_core.composing.scales import mode_of
from musiscene_core.composing.scene import Mood, Named, Scene
from musiscene_core.composing.tempo import Wish
from musiscene_core.composing.timing import PlannedHit, Timing, make_timing
from musiscene_core.composing.wording import TempoAsked, Wishes, read_wishes
from musiscene_core.cue import DroppedHit, HitResult
from musiscene_core.request import ScoreRequest
from musiscene_core.tempo_map import TempoMap

RING_ONLY_S = 4.0
"""A range shorter than this is one chord that rings."""
_TONIC_WEIGHTS = (1.0, 0.5, 1.2, 0.8, 1.1, 1.0, 0.5, 1.1, 0.6, 1.2, 0.9, 0.6)
_FARTHEST = 1.08
"""An idiom is played this much faster or slower than is usual, to keep a temp track's beat.

At 1.3 the bars of quickly cut footage became so long that what moves in them averages out: accents
followed the picture's movement with a rank correlation of 0.59 where it had been 0.83.
"""
"""How well each pitch class from C suits the players."""


@dataclass(frozen=True)
class Plan:
    """Everything decided before the form.

    Attributes:
        seed: of all chance.
        scene: what is scored.
        mood: of the whole.
        wishes: from the captions.
        idiom: the style, of the longest passage.
        scale: name of its scale.
        passages: the idioms and scales one after the other, from cue second 0.
        tonic: pitch class from C = 0.
        tempo: the tempo map.
        hits: met moments in order, on distinct beats.
        report: one a hit that is met.
        dropped: the candidates left out.
        start_beat: the beat at cue second 0, rounded up; never after beat 0.
        end_beat: the beat at the cue's end, rounded down.
        loop: whether the end leads into the beginning.
    """

    seed: int
    scene: Scene
    mood: Mood
    wishes: Wishes
    idiom: Idiom
    scale: str
    passages: tuple[Passage, ...]
    tonic: int
    tempo: TempoMap
    hits: tuple[PlannedHit, ...]
    report: tuple[HitResult, ...]
    dropped: tuple[DroppedHit, ...]
    start_beat: float
    end_beat: float
    loop: bool = False

    @property
    def mode(self) -> Mode:
        """Major or minor."""
        return mode_of(self.scale)

    @property
    def clock(self) -> TempoMap:
        """The tempo map, where it is asked for seconds."""
        return self.tempo

    @property
    def beats_per_bar(self) -> int:
        """The metre of bars that no hit changed; a bar's own is `tempo.bar_at(beat).beats`."""
        return self.tempo.beats_per_bar

    @property
    def main_hit(self) -> PlannedHit | None:
        """The hit that leads."""
        return next((hit for hit in self.hits if hit.main), None)

    def within(self, passage: Passage) -> Plan:
        """The same plan in the idiom and scale of one of its passages."""
        return replace(self, idiom=passage.idiom, scale=passage.scale)

    def passage_at(self, seconds: float) -> Passage:
        """The passage at cue time `seconds`."""
        begun = [passage for passage in self.passages if passage.start_s <= seconds + 1e-9]
        return begun[-1] if begun else self.passages[0]

    def dice(self, stage: str) -> Dice:
        """Chance for one stage of the work."""
        return Dice(self.seed, stage)


class Fit(Protocol):
    """Fits the music's time to a request, as make_timing does."""

    def __call__(
        self, request: ScoreRequest, wish: Wish, moments: Sequence[float], *, whole_bars: bool
    ) -> Timing:
        """See make_timing."""


def make_plan(
    request: ScoreRequest, seed: int, *, whole_bars: bool = False, fit: Fit = make_timing
) -> Plan:
    """Decide what to write for `request`.

    Args:
        request: what is wanted.
        seed: of all chance.
        whole_bars: the range holds whole bars of one tempo, as a loop's does.
        fit: decides about time.
    """
    whole_bars = whole_bars or request.loop
    wishes = read_wishes(request)
    moods = [
        Named(one.value, one.start_s, one.end_s, one.amount, one.denied)
        for one in wishes.of("mood")
    ]
    scene = Scene(request.brief, moods)
    passages = choose_passages(request, scene, wishes, seed)
    lead = _longest(passages, scene.length_s)
    idiom = lead.idiom
    temp = request.brief.temp_track
    tonic = request.tonic if request.tonic is not None else wishes.tonic
    if tonic is None:
        tonic = _choose_tonic(temp, Dice(seed, f"tonic {idiom.name}"))
    wish = _choose_tempo(request, wishes, idiom, scene, Dice(seed, "tempo"))
    if whole_bars:
        wish = in_whole_bars(wish, scene.length_s)
    timing = fit(request, wish, wishes.moments, whole_bars=whole_bars)
    return Plan(
        seed=seed,
        scene=scene,
        mood=scene.mood(0.0, scene.length_s),
        wishes=wishes,
        idiom=idiom,
        scale=lead.scale,
        passages=passages,
        tonic=tonic,
        tempo=timing.tempo,
        hits=timing.hits,
        report=timing.report,
        dropped=timing.dropped,
        start_beat=timing.start_beat,
        end_beat=timing.end_beat,
        loop=request.loop,
    )


def _choose_tonic(temp: TempTrack, dice: Dice) -> int:
    if temp.present and temp.key is not None and temp.key_confidence >= SURE:
        return temp.key % 12
    return dice.weighted(tuple(enumerate(_TONIC_WEIGHTS)))


def _choose_tempo(
    request: ScoreRequest, wishes: Wishes, idiom: Idiom, scene: Scene, dice: Dice
) -> Wish:
    """The tempo to aim at: the request's, the captions', the temp track's, or the scene's own."""
    metre = dice.weighted(idiom.metres)
    low, high = float(idiom.bpm[0]), float(idiom.bpm[1])
    asked = wishes.tempo
    held = request.tempo_bpm or asked.bpm
    if held is not None:
        return Wish(held, held, float(held), metre, held=True)
    pace = 0.6 * (scene.mood(0.0, scene.length_s).arousal + 1) / 2
    curves = request.brief.curves
    cuts = curves.cut_rate.array().mean() if curves and curves.cut_rate.values else 12.0
    pace += 0.4 * min(1.0, float(cuts) / 30.0)
    if asked.low > 0 or asked.high < math.inf:
        low = max(asked.low, min(low, asked.high * 0.9))
        high = min(asked.high, max(high, asked.low * 1.1))
    bpm = low + (high - low) * min(1.0, max(0.0, pace + dice.sway(0.35)))
    if asked.factor != 1.0:
        bpm *= asked.factor
        return Wish(bpm * 0.97, bpm * 1.03, round(bpm, 3), metre)
    temp = request.brief.temp_track
    said = asked != TempoAsked()
    if temp.present and temp.tempo_confidence >= SURE and temp.tempo_bpm > 0 and not said:
        folded = _folded(temp.tempo_bpm, low, high)
        if folded is not None:
            bpm, low, high = folded, folded * 0.96, folded * 1.04
    return Wish(low, high, round(bpm, 3), metre)


def _longest(passages: tuple[Passage, ...], length_s: float) -> Passage:
    """The passage that lasts longest; what it sounds like decides tempo and metre."""
    ends = [*(passage.start_s for passage in passages[1:]), length_s]
    lasts = [round(end - passage.start_s, 3) for passage, end in zip(passages, ends, strict=True)]
    return passages[lasts.index(max(lasts))]


def _folded(bpm: float, low: float, high: float) -> float | None:
    """`bpm`, or its half or double: the nearest to [low, high], if an idiom can be played so."""

    def apart(tempo: float) -> float:
        return max(low / tempo, tempo / high, 1.0)

    nearest = min((bpm, bpm / 2, bpm * 2), key=apart)
    return nearest if apart(nearest) <= _FARTHEST else None
