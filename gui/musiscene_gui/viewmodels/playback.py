"""PlaybackModel: the selected take at the playhead: transport, faders, A/B, loop; no Qt.

Positions are cue samples; the timeline's playhead is a record frame. Sound is loaded with the
first take, not before: the window is there sooner without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace as changed_to
from typing import TYPE_CHECKING, Any

from musiscene_core.errors import MediaError, MusiSceneError
from musiscene_core.library import Catalogue
from musiscene_core.ranges import FrameRange
from musiscene_core.timecode import FrameRate, frame_to_sample, sample_to_frame
from musiscene_core.timeline import TimelineRange
from musiscene_gui.viewmodels.asking import Asker
from musiscene_gui.viewmodels.observable import Signal
from musiscene_gui.viewmodels.take_files import TakeFiles
from musiscene_gui.viewmodels.takes import TakesModel
from musiscene_gui.viewmodels.timeline import TimelineModel

if TYPE_CHECKING:
    from musiscene_gui.audio import Deck, Player
    from musiscene_gui.audio.beside import Beside

LOUDEST_DB, SOFTEST_DB = 6.0, -60.0


@dataclass(frozen=True)
class StemFader:
    """A stem's place in what is heard.

    Attributes:
        name: the stem's title.
        role: what it carries.
        level_db: SOFTEST_DB is silence.
        muted: not heard.
        solo: of a take with solos, only those are heard.
    """

    name: str
    role: str
    level_db: float = 0.0
    muted: bool = False
    solo: bool = False


class PlaybackModel:
    """What is heard, and where.

    Attributes:
        state_changed: emits nothing, when it plays or stops, or another take is heard.
        moved: emits nothing, when the place that is heard moved.
        faders_changed: emits the letter of the take whose faders moved.
        options_changed: emits nothing: loop, equal loudness, what is heard beside.
        failed: emits an error that the user should see.
        loop: whether the range (or the marked part) goes round.
        equal_loudness: whether all takes are as loud as the softest.
        music: whether takes are heard; else only what lies beside them.
        dialogue, temp_track: whether they are heard beside the takes.
    """

    def __init__(
        self,
        takes: TakesModel,
        timeline: TimelineModel,
        files: Asker[Catalogue],
        *,
        decoding: Asker[Catalogue] | None = None,
        silent: bool = False,
    ) -> None:
        """Follow `takes` and `timeline`.

        Args:
            takes: what is selected is heard.
            timeline: its playhead goes along.
            files: opens takes in a thread of its own.
            decoding: decodes what lies beside them, which takes longer; `files` where None.
            silent: never use a loudspeaker.
        """
        self.state_changed, self.moved = Signal(), Signal()
        self.faders_changed, self.options_changed = Signal(), Signal()
        self.failed = Signal()
        self.loop = False
        self.equal_loudness = False
        self.music = True
        self.dialogue = True
        self.temp_track = False
        self._takes, self._timeline, self._files = takes, timeline, files
        self._decoding = decoding or files
        self._silent = silent
        self._player: Player | None = None
        self._loaded: dict[str, TakeFiles] = {}
        # Opened in another thread, which may end before anybody here hears of it.
        self._opened: set[Deck] = set()
        self._faders: dict[str, tuple[StemFader, ...]] = {}
        self._beside: Beside | None = None
        self._beside_of: TimelineRange | None = None
        self._following = False
        self._was_playing = False
        takes.changed.connect(self._load)
        takes.selection_changed.connect(self._listen)
        timeline.playhead_changed.connect(self._follow_playhead)
        timeline.range_changed.connect(self._apply_loop)

    @property
    def playing(self) -> bool:
        """Whether it plays."""
        return self._player is not None and self._player.mixer.playing

    @property
    def position(self) -> int:
        """The cue sample that is heard."""
        return self._player.heard() if self._player is not None else 0

    @property
    def length(self) -> int:
        """Samples of the cue; 0 while there is nothing to hear."""
        return self._player.mixer.length if self._player is not None else 0

    @property
    def backend(self) -> str:
        """What plays, while it does."""
        return self._player.backend if self._player is not None else ""

    @property
    def has_beside(self) -> tuple[bool, bool]:
        """Whether there is dialogue, and a temp track, to be heard beside the takes."""
        beside = self._beside
        return (beside is not None and beside.dialogue, beside is not None and beside.temp_track)

    def frame(self) -> int:
        """The record frame that is heard."""
        record, rate = self._record()
        return record.start + sample_to_frame(self.position, rate)

    def faders(self, letter: str) -> tuple[StemFader, ...]:
        """A take's faders; none before it was loaded."""
        return self._faders.get(letter, ())

    def toggle(self) -> None:
        """Play, or stop."""
        if self.playing:
            self.pause()
        else:
            self.play()

    @property
    def backwards(self) -> bool:
        """Whether it plays backwards."""
        return self._player is not None and self._player.mixer.backwards

    def play(self, *, backwards: bool = False) -> None:
        """Play on from the playhead, either way."""
        if not self.length or self._player is None:
            return
        try:
            said = self._player.play(backwards=backwards)
        except MediaError as error:
            self.failed.emit(error)
            return
        if said is not None:
            self.failed.emit(said)
        self._say_state()

    def pause(self) -> None:
        """Stop, and stay."""
        if self._player is not None:
            self._player.pause()
            self._say_state()
            self._tell_place()

    def seek(self, sample: int) -> None:
        """Go to a cue sample."""
        if self._player is not None:
            self._player.mixer.seek(sample)
            self._tell_place()

    def to_start(self) -> None:
        """Go to the beginning; while nothing is laid out, of the range."""
        if self._player is None:
            self._timeline.set_playhead(self._timeline.range.start)
        self.seek(0)

    def play_backwards(self) -> None:
        """Play from the playhead to the beginning."""
        self.play(backwards=True)

    def step(self, frames: int) -> None:
        """Go on by so many frames, or back, and stand still there."""
        if self._player is None:
            self._timeline.step(frames)
            return
        self.pause()
        _, rate = self._record()
        frame = sample_to_frame(self.position, rate) + frames
        self.seek(frame_to_sample(max(0, frame), rate))

    def set_loop(self, loop: bool) -> None:
        """Go round between In and Out, or not."""
        self.loop = loop
        self._apply_loop()
        self.options_changed.emit()

    def set_equal_loudness(self, equal: bool) -> None:
        """Hear all takes as loud as the softest of them."""
        self.equal_loudness = equal
        self._apply_all()
        self.options_changed.emit()

    def set_music(self, music: bool) -> None:
        """Hear the takes, or only what lies beside them."""
        self.music = music
        self._listen()
        self.options_changed.emit()

    def set_beside(self, *, dialogue: bool | None = None, temp_track: bool | None = None) -> None:
        """Hear dialogue, or the temp track, beside the takes."""
        self.dialogue = self.dialogue if dialogue is None else dialogue
        self.temp_track = self.temp_track if temp_track is None else temp_track
        self._apply_beside()
        self.options_changed.emit()

    def set_fader(
        self,
        letter: str,
        name: str,
        *,
        level_db: float | None = None,
        muted: bool | None = None,
        solo: bool | None = None,
    ) -> None:
        """Move one stem's fader; None leaves as it is."""
        wanted: dict[str, Any] = {"muted": muted, "solo": solo}
        if level_db is not None:
            wanted["level_db"] = min(max(level_db, SOFTEST_DB), LOUDEST_DB)
        changes = {key: value for key, value in wanted.items() if value is not None}
        self._faders[letter] = tuple(
            changed_to(fader, **changes) if fader.name == name else fader
            for fader in self.faders(letter)
        )
        self._apply(letter)
        self.faders_changed.emit(letter)

    def audible(self, letter: str, name: str) -> bool:
        """Whether a stem is heard when its take is."""
        faders = self.faders(letter)
        soloed = any(fader.solo for fader in faders)
        mine = next((fader for fader in faders if fader.name == name), None)
        return mine is not None and not mine.muted and (mine.solo or not soloed)

    def hear_beside(self, timeline: TimelineRange | None) -> None:
        """Have the dialogue and temp track of a range at hand; None lets go of them."""
        if timeline == self._beside_of:
            return
        self._beside_of = timeline
        if timeline is None:
            self._have_beside(None)
            return

        def decode(_: Catalogue) -> Beside:
            from musiscene_gui.audio.beside import decode_beside

            return decode_beside(timeline)

        def have(beside: Beside) -> None:
            if self._beside_of == timeline:
                self._have_beside(beside)

        self._decoding.ask(decode, have, self.failed.emit)

    def tick(self) -> None:
        """Look how far it is: to be called at every frame while it plays, else now and then."""
        if self._player is None:
            return
        for error in self._player.tick():
            self.failed.emit(error)
        if self.playing:
            self._tell_place()
        if self.playing != self._was_playing:
            self._tell_place()
            self._say_state()

    def close(self) -> None:
        """Stop and let go of all files; once nothing is opened any more."""
        for deck in self._opened:
            deck.close()
        if self._player is not None:
            self._player.close()

    def _load(self) -> None:
        """Have the takes laid out at hand, and no others."""
        wanted = {card.letter: card.files for card in self._takes.cards}
        for letter, files in list(self._loaded.items()):
            if letter not in wanted or wanted[letter].folder != files.folder:
                del self._loaded[letter]
                self._faders.pop(letter, None)
                if self._player is not None:
                    self._player.mixer.unload(letter)
        for letter, files in wanted.items():
            if letter not in self._loaded:
                self._loaded[letter] = files
                self._open(letter, files)
        self._say_state()

    def _open(self, letter: str, files: TakeFiles) -> None:
        def opened(_: Catalogue) -> Deck:
            from musiscene_gui.audio.loading import open_deck

            deck = open_deck(files.folder, files.take)
            self._opened.add(deck)
            return deck

        def have(deck: Deck) -> None:
            self._opened.discard(deck)
            if self._loaded.get(letter) is not files:
                deck.close()
                return
            stems = files.take.stems
            self._faders[letter] = tuple(StemFader(stem.title, stem.role) for stem in stems) or (
                StemFader("mix", "mix"),
            )
            first = not self.length
            self._ready().mixer.load(letter, deck)
            if first and self._timeline.is_open:
                self._follow_playhead()
            self._apply_all()
            self._listen()
            self.faders_changed.emit(letter)

        def failed(error: MusiSceneError) -> None:
            self.failed.emit(error)

        self._files.ask(opened, have, failed)

    def _ready(self) -> Player:
        if self._player is None:
            from musiscene_gui.audio import Mixer, Player

            self._player = Player(Mixer(), silent=self._silent)
            self._apply_loop()
        return self._player

    def _listen(self) -> None:
        if self._player is None:
            return
        card = self._takes.selected
        brief = card.files.brief if card is not None else None
        self.hear_beside(brief.timeline if brief is not None else None)
        self._player.mixer.listen(card.letter if card is not None and self.music else "")
        self._apply_loop()
        self._say_state()

    def _apply_all(self) -> None:
        for letter in self._loaded:
            self._apply(letter)

    def _apply(self, letter: str) -> None:
        faders = self.faders(letter)
        if self._player is None or not faders:
            return
        from musiscene_gui.audio.player import decibels, matched

        match = 1.0
        if self.equal_loudness:
            letters = [each for each in self._loaded if each in self._faders]
            loudness = [self._loaded[each].take.loudness_lufs for each in letters]
            match = decibels(matched(loudness)[letters.index(letter)])
        self._player.mixer.set_gains(
            letter,
            [
                match * decibels(fader.level_db) if self.audible(letter, fader.name) else 0.0
                for fader in faders
            ],
        )

    def _have_beside(self, beside: Beside | None) -> None:
        self._beside = beside
        if beside is not None and beside.deck.tracks:
            self._ready().mixer.set_bed(beside.deck)
        elif self._player is not None:
            self._player.mixer.set_bed(None)
        for warning in beside.warnings if beside is not None else ():
            self.failed.emit(warning)
        self._apply_beside()
        self.options_changed.emit()

    def _apply_beside(self) -> None:
        if self._player is not None and self._beside is not None:
            heard = {"dialogue": self.dialogue, "temp_track": self.temp_track}
            gains = [1.0 if heard[track.name] else 0.0 for track in self._beside.deck.tracks]
            self._player.mixer.set_bed_gains(gains)

    def _apply_loop(self) -> None:
        if self._player is None:
            return
        card = self._takes.selected
        whole = (0, self._player.mixer.length)
        part = whole
        if card is not None:
            record, rate = card.files.take.record, card.files.take.rate
            marked = record.overlap(self._timeline.range) if self._timeline.is_open else None
            if marked is not None:
                part = (
                    frame_to_sample(marked.start - record.start, rate),
                    min(whole[1], frame_to_sample(marked.end - record.start, rate)),
                )
        seamless = card is not None and card.files.take.loop and part == whole
        self._player.mixer.set_loop(part if self.loop else None, seamless=seamless)

    def _record(self) -> tuple[FrameRange, FrameRate]:
        card = self._takes.selected
        if card is not None:
            return card.files.take.record, card.files.take.rate
        return self._timeline.range, self._timeline.rate

    def _tell_place(self) -> None:
        self._following = True
        try:
            if self._timeline.is_open:
                self._timeline.follow(self.frame())
        finally:
            self._following = False
        self.moved.emit()

    def _follow_playhead(self) -> None:
        """Where the user moved the playhead, the sound goes too."""
        if self._following or self._player is None:
            return
        record, rate = self._record()
        frame = self._timeline.playhead - record.start
        self._player.mixer.seek(frame_to_sample(max(0, frame), rate))
        self.moved.emit()

    def _say_state(self) -> None:
        self._was_playing = self.playing
        self.state_changed.emit()
