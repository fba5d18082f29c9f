"""Transport: play, step, loop, which take is heard, and what beside it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from musiscene_core.timecode import format_timecode
from musiscene_gui.viewmodels.playback import PlaybackModel
from musiscene_gui.viewmodels.takes import TakesModel
from musiscene_gui.viewmodels.timeline import TimelineModel
from musiscene_gui.widgets.flow import FlowLayout
from musiscene_gui.widgets.icons import icon
from musiscene_gui.widgets.text import icon_button, say

_DIRECT = 9
"""Takes that a digit selects."""


class Transport(QWidget):
    """The row above the takes."""

    def __init__(self, takes: TakesModel, playback: PlaybackModel, timeline: TimelineModel) -> None:
        super().__init__()
        self._takes, self._playback, self._timeline = takes, playback, timeline
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(self._build_buttons())
        column.addWidget(self._build_options())
        self._shortcuts()
        self._word()
        takes.changed.connect(self._show_letters)
        takes.selection_changed.connect(self._show_letters)
        playback.state_changed.connect(self._show_state)
        playback.options_changed.connect(self._show_options)
        playback.moved.connect(self._show_place)
        timeline.playhead_changed.connect(self._show_place)
        timeline.changed.connect(self._show_letters)
        self._show_letters()
        self._show_options()
        self._show_place()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Take on another language."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self._word()

    def _build_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(3)
        self.start = icon_button(self, "to-in", "")
        self.back = icon_button(self, "back", "")
        self.frame_back = icon_button(self, "frame-back", "")
        self.play = icon_button(self, "play", "")
        self.frame_on = icon_button(self, "frame-on", "")
        self.start.clicked.connect(self._playback.to_start)
        self.back.clicked.connect(self._playback.play_backwards)
        self.frame_back.clicked.connect(lambda: self._playback.step(-1))
        self.play.clicked.connect(self._playback.toggle)
        self.frame_on.clicked.connect(lambda: self._playback.step(1))
        self.place = QLabel()
        self.place.setProperty("cls", "mono")
        for widget in (self.start, self.back, self.frame_back, self.play, self.frame_on):
            row.addWidget(widget)
        row.addSpacing(4)
        row.addWidget(self.place)
        row.addStretch(1)
        self._group = QButtonGroup(self)
        self._letters = QHBoxLayout()
        self._letters.setSpacing(3)
        row.addLayout(self._letters)
        self.none = self._letter_button("0")
        self.none.clicked.connect(lambda: self._playback.set_music(False))
        row.addWidget(self.none)
        return row

    def _build_options(self) -> QWidget:
        made = QWidget()
        row = FlowLayout(made, spacing=10)
        self.loop, self.equal = QCheckBox(), QCheckBox()
        self.dialogue, self.temp = QCheckBox(), QCheckBox()
        self.loop.toggled.connect(self._playback.set_loop)
        self.equal.toggled.connect(self._playback.set_equal_loudness)
        self.dialogue.toggled.connect(lambda on: self._playback.set_beside(dialogue=on))
        self.temp.toggled.connect(lambda on: self._playback.set_beside(temp_track=on))
        for box in (self.loop, self.equal, self.dialogue, self.temp):
            row.addWidget(box)
        return made

    def _shortcuts(self) -> None:
        keys = {
            "J": self._playback.play_backwards,
            "K": self._playback.pause,
            "L": self._playback.play,
            "Shift+I": self._playback.to_start,
            ",": lambda: self._playback.step(-1),
            ".": lambda: self._playback.step(1),
            "P": self._place_selected,
            "0": lambda: self._playback.set_music(False),
        }
        for number in range(1, _DIRECT + 1):
            keys[str(number)] = lambda at=number - 1: self._hear(at)
        for key, what in keys.items():
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
            shortcut.activated.connect(what)

    def _word(self) -> None:
        say(self.start, self.tr("To the beginning"), "Shift+I")
        say(self.back, self.tr("Play backwards"), "J")
        say(self.frame_back, self.tr("A frame back"), ",")
        say(self.frame_on, self.tr("A frame on"), ".")
        say(self.none, self.tr("No music"), "0")
        self.loop.setText(self.tr("Loop range"))
        self.equal.setText(self.tr("Equal loudness"))
        self.equal.setToolTip(self.tr("Hear every take as loud as the softest of them"))
        self.dialogue.setText(self.tr("With dialogue"))
        self.temp.setText(self.tr("With temp track"))
        self.place.setAccessibleName(self.tr("Timecode at the playhead"))
        self._show_state()

    def _show_letters(self) -> None:
        letters = [card.letter for card in self._takes.cards]
        shown = [button for button in self._group.buttons() if button is not self.none]
        if [button.text() for button in shown] != letters:
            for button in shown:
                self._group.removeButton(button)
                self._letters.removeWidget(button)
                button.hide()
                button.deleteLater()
            for number, letter in enumerate(letters):
                self._letters.addWidget(self._letter_button(letter, number))
        selected = self._takes.selected
        for button in self._group.buttons():
            heard = button.text() == (selected.letter if selected else "")
            button.setChecked(heard if self._playback.music else button is self.none)
        for button in (self.back, self.play):
            button.setEnabled(bool(letters))
        for button in (self.start, self.frame_back, self.frame_on):
            button.setEnabled(bool(letters) or self._timeline.is_open)
        self.none.setVisible(bool(letters))

    def _letter_button(self, letter: str, number: int = -1) -> QToolButton:
        button = QToolButton()
        button.setText(letter)
        button.setCheckable(True)
        button.setProperty("cls", "ab")
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._group.addButton(button)
        if number >= 0:
            key = str(number + 1) if number < _DIRECT else ""
            say(button, self.tr("Listen to take {letter}").format(letter=letter), key)
            button.clicked.connect(lambda: self._hear(number))
        return button

    def _hear(self, number: int) -> None:
        if number < len(self._takes.cards):
            self._takes.select(self._takes.cards[number].letter)
            if not self._playback.music:
                self._playback.set_music(True)

    def _place_selected(self) -> None:
        if self._takes.selected is not None:
            self._takes.place(self._takes.selected.letter)

    def _show_state(self) -> None:
        playing = self._playback.playing
        self.play.setIcon(icon("pause" if playing else "play"))
        if playing:
            say(self.play, self.tr("Stop"), "K")
        else:
            say(self.play, self.tr("Play"), "L")

    def _show_options(self) -> None:
        there_dialogue, there_temp = self._playback.has_beside
        for box, value, there in (
            (self.loop, self._playback.loop, True),
            (self.equal, self._playback.equal_loudness, True),
            (self.dialogue, self._playback.dialogue, there_dialogue),
            (self.temp, self._playback.temp_track, there_temp),
        ):
            box.blockSignals(True)
            box.setChecked(value)
            box.blockSignals(False)
            box.setVisible(there)
        self._show_letters()

    def _show_place(self) -> None:
        selected = self._takes.selected
        if selected is not None:
            self.place.setText(format_timecode(self._playback.frame(), selected.files.take.rate))
        elif self._timeline.is_open:
            self.place.setText(self._timeline.timecode(self._timeline.playhead))
        else:
            self.place.setText("")
