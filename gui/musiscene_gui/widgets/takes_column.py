"""TakesColumn: transport, picture and the cards of all takes laid out."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from musiscene_gui.viewmodels.overviews import OverviewsModel
from musiscene_gui.viewmodels.playback import PlaybackModel
from musiscene_gui.viewmodels.takes import TakesModel
from musiscene_gui.viewmodels.timeline import TimelineModel
from musiscene_gui.widgets.compare import CompareDialog
from musiscene_gui.widgets.lanes import LaneView
from musiscene_gui.widgets.lead_sheet import LeadSheetDialog
from musiscene_gui.widgets.take_card import TakeCard
from musiscene_gui.widgets.takes_style import takes_style
from musiscene_gui.widgets.transport import Transport

_FRAME_MS, _IDLE_MS = 16, 200


class TakesColumn(QWidget):
    """Everything about the takes at hand."""

    def __init__(
        self,
        takes: TakesModel,
        playback: PlaybackModel,
        overviews: OverviewsModel,
        timeline: TimelineModel,
        preview: QWidget | None = None,
    ) -> None:
        super().__init__()
        self.setStyleSheet(takes_style())
        self._takes, self._playback, self._overviews = takes, playback, overviews
        self.view = LaneView()
        self.cards: dict[str, TakeCard] = {}
        self.sheet: LeadSheetDialog | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        self.transport = Transport(takes, playback, timeline)
        column.addWidget(self.transport)
        if preview is not None:
            column.addWidget(preview)
        self._empty = QLabel()
        self._empty.setProperty("cls", "dim")
        self._empty.setWordWrap(True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignTop)
        inner = QWidget()
        self._list = QVBoxLayout(inner)
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(6)
        self._list.addWidget(self._empty)
        self._list.addStretch(1)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(inner)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        # The layout gives an opened card its height later than it is selected.
        self._scroll.verticalScrollBar().rangeChanged.connect(lambda *_: self._reveal())
        column.addWidget(self._scroll, 1)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(playback.tick)
        self._timer.start(_IDLE_MS)
        takes.changed.connect(self._show_takes)
        takes.selection_changed.connect(self._show_selection)
        takes.card_changed.connect(self._show_card)
        playback.state_changed.connect(self._show_state)
        playback.moved.connect(self._show_place)
        playback.faders_changed.connect(self._show_faders)
        overviews.changed.connect(self._show_overview)
        self.view.changed.connect(self._show_view)
        self._word()
        self._show_takes()

    def add_above(self, widget: QWidget) -> None:
        """Put a widget between the transport and the takes."""
        self._list.insertWidget(0, widget)

    def compare(self, letter: str) -> CompareDialog:
        """Show the captions of a take beside those of another."""
        dialog = CompareDialog(self._takes, letter, self)
        dialog.open()
        return dialog

    def lead_sheet(self, letter: str) -> None:
        """Show a take's lead sheet, once it is drawn."""
        card = self._takes.card(letter)
        title = card.title if card is not None else letter

        def show(pages: tuple[bytes, ...]) -> None:
            self.sheet = LeadSheetDialog(title, pages, self)
            self.sheet.open()

        self._takes.lead_sheet(letter, show)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Space plays and stops, arrows go from take to take: where no field wants them."""
        if event.key() == Qt.Key.Key_Space:
            self._playback.toggle()
        elif event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._takes.select_next(1 if event.key() == Qt.Key.Key_Down else -1)
        elif event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self._playback.step(1 if event.key() == Qt.Key.Key_Right else -1)
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Take on another language."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self._word()
            for letter in list(self.cards):
                self._remove(letter)
            self._show_takes()

    def _word(self) -> None:
        self._empty.setText(
            self.tr("Takes appear here. Score the scene, or open earlier ones from the history.")
        )
        self._scroll.setAccessibleName(self.tr("Takes"))

    def _show_takes(self) -> None:
        there = {card.letter: card.files.folder for card in self._takes.cards}
        for letter, card in list(self.cards.items()):
            if there.get(letter) != card.folder:
                self._remove(letter)
        longest = max((card.files.take.length_samples for card in self._takes.cards), default=0)
        self.view.set_length(longest)
        for place, card in enumerate(self._takes.cards):
            if card.letter not in self.cards:
                made = TakeCard(
                    card.letter, self._takes, self._playback, self._overviews, self.view
                )
                made.folder = card.files.folder
                made.compare_asked.connect(self.compare)
                made.sheet_asked.connect(self.lead_sheet)
                self.cards[card.letter] = made
            at = self._list.indexOf(self._empty) + 1 + place
            self._list.insertWidget(at, self.cards[card.letter])
        self._empty.setVisible(not self.cards)
        self._show_place()

    def _remove(self, letter: str) -> None:
        card = self.cards.pop(letter)
        self._list.removeWidget(card)
        card.hide()
        card.deleteLater()

    def _show_selection(self) -> None:
        for card in self.cards.values():
            card.show_card()
        selected = self._takes.selected
        if selected is not None and selected.letter in self.cards:
            card = self.cards[selected.letter]
            QTimer.singleShot(0, card, self._reveal)

    def _reveal(self) -> None:
        """Scroll until the opened card is seen; its head where it is too tall to be seen whole."""
        selected = self._takes.selected
        card = self.cards.get(selected.letter) if selected is not None else None
        if card is None:
            return
        bar, height = self._scroll.verticalScrollBar(), self._scroll.viewport().height()
        top, bottom = card.y(), card.y() + card.height()
        if top < bar.value() or bottom > bar.value() + height:
            bar.setValue(top if top < bar.value() else min(top, bottom - height))

    def _show_card(self, letter: str) -> None:
        if letter in self.cards:
            self.cards[letter].show_card()

    def _show_state(self) -> None:
        for card in self.cards.values():
            card.show_playing()
        wanted = _FRAME_MS if self._playback.playing else _IDLE_MS
        if self._timer.interval() != wanted:
            self._timer.start(wanted)

    def _show_place(self) -> None:
        position = self._playback.position
        for card in self.cards.values():
            card.set_position(position)

    def _show_view(self) -> None:
        for card in self.cards.values():
            for lane in card.lanes:
                lane.update()

    def _show_faders(self, letter: str) -> None:
        if letter in self.cards:
            self.cards[letter].show_faders()

    def _show_overview(self, sound: Path) -> None:
        for card in self.cards.values():
            if sound.is_relative_to(card.folder):
                card.show_overviews()
