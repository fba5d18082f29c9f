"""The arrangement: which parts play in which section, and on which instruments.

Layers enter and leave by the sections' density; every stem gets something to say. Knows nothing of
absolute levels: `gain_db` balances parts among themselves.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import chain
from types import MappingProxyType

from musiscene_core.composing.accents import write_accents
from musiscene_core.composing.bass import write_bass
from musiscene_core.composing.chance import Dice
from musiscene_core.composing.counter import write_counter
from musiscene_core.composing.expression import swells
from musiscene_core.composing.figuration import Figure, held
from musiscene_core.composing.form import Form
from musiscene_core.composing.harmony import VoicedChord
from musiscene_core.composing.melody import Line, write_melody
from musiscene_core.composing.orchestration import doubled, figure_shift
from musiscene_core.composing.percussion import write_percussion
from musiscene_core.composing.performance import Performer, level
from musiscene_core.composing.plan import Plan
from musiscene_core.composing.sound.instruments import INSTRUMENTS
from musiscene_core.composing.statements import Material
from musiscene_core.composing.texture import write_texture
from musiscene_core.composing.visual_beats import visual_beats
from musiscene_core.cue import Note, Part, StemRole

_FIGURE_FROM = 0.3
_BASS_FROM = 0.25
_DOUBLE_FROM = 0.8
_DOUBLE_DB = -5.0
_COUNTER_DB = 0.5
_PANS = MappingProxyType(
    {
        "harp": -0.35,
        "pizzicato": 0.3,
        "felt_piano": -0.1,
        "flute": 0.2,
        "clarinet": -0.2,
        "horn": -0.25,
        "celesta": 0.35,
        "music_box": 0.3,
        "solo_strings": 0.12,
        "bell": 0.25,
    }
)
_GAINS: MappingProxyType[StemRole, float] = MappingProxyType(
    {"harmony": -4.0, "bass": -2.0, "melody": 0.0, "percussion": -2.0, "texture": -6.0}
)


def arrange(
    plan: Plan, form: Form, chords: tuple[VoicedChord, ...], material: Material
) -> tuple[Part, ...]:
    """The cue's parts, in score order."""
    band = _Band(plan, form)
    until = _release(plan, form)
    lines = write_melody(plan, form, chords, material)
    _pads(band, chords, until)
    _figures(band, chords, lines)
    _bass(band, chords, until)
    for line in lines:
        _melody_line(band, line, until)
    _ensure_melody(band, chords, until)
    _counter(band, chords, lines)
    _accents(band, chords)
    band.add("percussion", "Percussion", plan.idiom.drums.kit, write_percussion(plan, form))
    for layer in write_texture(plan, form, chords, until):
        name = layer.instrument.replace("_", " ").capitalize()
        band.add("texture", name, layer.instrument, layer.notes)
    return band.parts()


def _release(plan: Plan, form: Form) -> float:
    """The beat at which the last chord is let go, so that its sound dies away inside the cue.

    A loop's is held until the beginning comes again.
    """
    if plan.loop:
        return plan.end_beat
    last = max([form.final_beat, *(hit.beat for hit in plan.hits)])
    end_s = plan.scene.length_s
    ring = end_s - plan.clock.seconds(last)
    return round(plan.clock.beat(end_s - min(1.2, 0.4 * ring)), 6)


class _Band:
    """Collects notes by part, then plays them."""

    def __init__(self, plan: Plan, form: Form) -> None:
        self.plan = plan
        self.form = form
        self._hits = {round(hit.beat, 5) for hit in plan.hits}
        self._written: dict[tuple[StemRole, str, str], list[Note]] = {}
        self._gains: dict[tuple[StemRole, str, str], float] = {}

    def add(
        self, role: StemRole, name: str, instrument: str, notes: Iterable[Note], gain: float = 0.0
    ) -> None:
        """Write notes into a part; `gain` in dB on top of its role's."""
        key = (role, name, instrument)
        self._written.setdefault(key, []).extend(notes)
        self._gains[key] = gain

    def has(self, role: StemRole) -> bool:
        """Whether any part of the role has notes."""
        return any(notes for (own, _, _), notes in self._written.items() if own == role)

    def parts(self) -> tuple[Part, ...]:
        """All parts with notes, played."""
        performer = Performer(self.plan, self.form)
        parts = []
        moving = [notes for key, notes in self._written.items() if _moves(key)]
        still = [notes for key, notes in self._written.items() if not _moves(key)]
        shares = performer.shares(chain.from_iterable(moving), chain.from_iterable(still))
        for key, written in self._written.items():
            role, name, instrument = key
            notes = performer.thinned(written, shares) if _moves(key) else written
            dice = self.plan.dice(f"play {name} {instrument}")
            sound = INSTRUMENTS[instrument]
            played = performer.played(
                notes,
                dice,
                human=not sound.machine,
                strum=sound.manner == "strummed",
                bowed=sound.manner == "bowed",
            )
            swelling = role != "percussion" and not sound.fades
            if played:
                parts.append(
                    Part(
                        name=name,
                        role=role,
                        instrument=instrument,
                        notes=played,
                        gain_db=_GAINS[role] + self._gains[key],
                        pan=_PANS.get(instrument, 0.0),
                        expression=swells(played, self._hits) if swelling else (),
                    )
                )
        return tuple(parts)


def _moves(key: tuple[StemRole, str, str]) -> bool:
    """Whether a part's notes may be thinned: it moves, rather than holds or sings."""
    role, name, _ = key
    return role in ("bass", "percussion") or name.startswith("Figure")


def _section_chords(form: Form, chords: tuple[VoicedChord, ...], index: int) -> list[VoicedChord]:
    first = bisect_left(chords, index, key=lambda chord: form.section_at(chord.start))
    after = bisect_left(chords, index + 1, key=lambda chord: form.section_at(chord.start))
    return list(chords[first:after])


def _pads(band: _Band, chords: tuple[VoicedChord, ...], until: float) -> None:
    """The chords held, on another instrument now and then, doubled where the cue is fullest."""
    plan, form = band.plan, band.form
    dice = plan.dice("pads")
    pads = plan.idiom.pads
    usual = dice.pick(pads)
    for index, section in enumerate(form.sections):
        here = _section_chords(form, chords, index)
        if not here:
            continue
        pad = usual
        if index > 1 and section.name in ("strip-down", "breakdown", "theme") and dice.chance(0.4):
            pad = dice.pick(pads)
        last = index + 1 == len(form.sections)
        notes = held(form, here, until if last else here[-1].end)
        band.add("harmony", f"Chords ({pad.replace('_', ' ')})", pad, notes, plan.idiom.pad_db)
        if section.density >= _DOUBLE_FROM or (last and plan.idiom.density >= 0.6):
            other = pads[(pads.index(pad) + 1) % len(pads)]
            band.add(
                "harmony",
                f"Chords ({other.replace('_', ' ')})",
                other,
                held(form, here, until if last else here[-1].end),
                plan.idiom.pad_db,
            )


def _figures(band: _Band, chords: tuple[VoicedChord, ...], lines: Sequence[Line]) -> None:
    """The moving harmony, out in the thinnest sections, apart from the melody, low under speech."""
    plan, form = band.plan, band.form
    dice = plan.dice("figures")
    style = plan.idiom.figure
    instrument = dice.pick(style.instruments)
    figure = Figure(style, dice)
    sung = {line.section: [note.pitch for note in line.notes] for line in lines}
    for index, section in enumerate(form.sections[:-1]):
        bars = [bar for bar in form.bars if bar.section == index]
        here = _section_chords(form, chords, index)
        busy = max((bar.activity for bar in bars), default=0.0)
        if not here or (section.density < _FIGURE_FROM and busy < 0.4):
            continue
        if index > 2 and dice.chance(0.3):
            instrument = dice.pick(style.instruments)
        lifted = style.octave if section.name not in ("strip-down", "breakdown") else 0
        unmoved = [voice for chord in here for voice in chord.voices]
        shift = figure_shift(unmoved, sung.get(index, ()), lifted)
        notes = figure.section(form, bars, here, shift=shift)
        name = f"Figure ({instrument.replace('_', ' ')})"
        band.add("harmony", name, instrument, notes, -1.0)


def _accents(band: _Band, chords: tuple[VoicedChord, ...]) -> None:
    """Short chords where the picture changes suddenly, on the first of the figures' instruments."""
    plan, form = band.plan, band.form
    instrument = plan.dice("figures").pick(plan.idiom.figure.instruments)
    notes = write_accents(form, chords, visual_beats(plan, form.final_beat))
    if notes:
        band.add("harmony", f"Accents ({instrument.replace('_', ' ')})", instrument, notes)


def _bass(band: _Band, chords: tuple[VoicedChord, ...], until: float) -> None:
    """The bass, silent in the thinnest sections but for hits."""
    plan, form = band.plan, band.form
    style = plan.idiom.bass
    instrument = plan.dice("bass").pick(style.instruments)
    hits = {hit.beat for hit in plan.hits}
    notes: list[Note] = []
    for index, section in enumerate(form.sections[:-1]):
        bars = [bar for bar in form.bars if bar.section == index]
        here = _section_chords(form, chords, index)
        if not here:
            continue
        following = chords[chords.index(here[-1]) + 1 :][:1]
        line = write_bass(plan.idiom, form, bars, [*here, *following])
        thin = section.density < _BASS_FROM or (index == 0 and section.name == "intro")
        notes += [note for note in line if not thin or note.start in hits]
    for chord in _section_chords(form, chords, len(form.sections) - 1):
        velocity = round(level(form, chord.start) + 8)
        end = min(chord.end, until)
        notes.append(
            Note(chord.start, round(max(0.05, end - chord.start), 6), chord.bass, velocity)
        )
    band.add("bass", "Bass", instrument, notes)


def _melody_line(band: _Band, line: Line, until: float) -> None:
    plan, form = band.plan, band.form
    dice = plan.dice("melody instruments")
    instruments = plan.idiom.melody.instruments
    order = _shuffled(instruments, dice)
    name = form.sections[line.section].name
    # The first voice states; a second one answers in stripped sections and later returns.
    place = 1 if name in ("strip-down", "breakdown", "intro") or line.section % 5 == 4 else 0
    instrument = order[place % len(order)]
    known = (*plan.idiom.melody.instruments, *_PANS)
    wished = (name for placed in line.placed for name in placed.palette if name in known)
    instrument = next(wished, instrument)
    notes = [
        Note(
            note.start,
            min(note.length, until - note.start),
            note.pitch,
            min(118, round(level(form, note.start) + 10)),
        )
        for note in line.notes
        if note.start < until
    ]
    band.add("melody", f"Melody ({instrument.replace('_', ' ')})", instrument, notes)
    if name == "climax":
        other = next((one for one in order if one != instrument), instrument)
        label = f"Melody double ({other.replace('_', ' ')})"
        band.add("melody", label, other, doubled(notes), _DOUBLE_DB)


def _counter(band: _Band, chords: tuple[VoicedChord, ...], lines: Sequence[Line]) -> None:
    """A second voice below the melody, on a held sound that is not the melody's."""
    plan = band.plan
    notes = write_counter(plan, band.form, chords, lines)
    sounds = [*plan.idiom.melody.instruments[1:], *plan.idiom.pads]
    sustained = [name for name in sounds if not INSTRUMENTS[name].fades] or sounds
    instrument = plan.dice("counter").pick(sustained)
    name = f"Counter-melody ({instrument.replace('_', ' ')})"
    band.add("harmony", name, instrument, notes, _COUNTER_DB)


def _shuffled(names: tuple[str, ...], dice: Dice) -> list[str]:
    left, order = list(names), []
    while left:
        order.append(dice.pick(left))
        left.remove(order[-1])
    return order


def _ensure_melody(band: _Band, chords: tuple[VoicedChord, ...], until: float) -> None:
    """One quiet note where speech or sparseness left the melody nothing, if the cue has room."""
    plan, form = band.plan, band.form
    if band.has("melody") or plan.scene.length_s <= 4:
        return
    spoken = plan.scene.speech
    clock = plan.clock
    quietest = min(
        chords,
        key=lambda c: (round(spoken(clock.seconds(c.start), clock.seconds(c.end)), 3), -c.start),
    )
    low, high = plan.idiom.melody.low, plan.idiom.melody.high
    top = next(p for p in range(low, high + 1) if p % 12 in quietest.chord.pitch_classes)
    length = max(0.1, min(quietest.end, until) - quietest.start)
    note = Note(quietest.start, round(length, 6), top, round(0.6 * level(form, quietest.start)))
    band.add("melody", "Melody", plan.idiom.melody.instruments[0], [note])
