"""TakeCard: one take: what it is called, its figures, its lanes, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, QPoint, QSize, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from musiscene_gui.viewmodels.overviews import OverviewsModel
from musiscene_gui.viewmodels.playback import PlaybackModel, StemFader
from musiscene_gui.viewmodels.takes import Card, TakesModel
from musiscene_gui.widgets import take_words, theme
from musiscene_gui.widgets.icons import icon
from musiscene_gui.widgets.lanes import MIX_HEIGHT, STEM_HEIGHT, Lane, LaneView
from musiscene_gui.widgets.said import said
from musiscene_gui.widgets.stem_row import GUTTER, NAME_WIDTH, FileHandle, StemRow
from musiscene_gui.widgets.text import Elided, icon_button, say

_ROOMY = 640
"""Pixels from which the figures fit beside the name."""
_TIGHT = 470
_NAME_KEEPS_PX = 96


class TakeCard(QFrame):
    """A take laid out.

    Attributes:
        compare_asked, sheet_asked: emit the take's letter.
    """

    compare_asked = Signal(str)
    sheet_asked = Signal(str)

    def __init__(
        self,
        letter: str,
        takes: TakesModel,
        playback: PlaybackModel,
        overviews: OverviewsModel,
        view: LaneView,
    ) -> None:
        super().__init__()
        self.letter = letter
        self._takes, self._playback, self._overviews = takes, playback, overviews
        self._view = view
        self.folder = Path()
        self.rows: list[StemRow] = []
        self._mix: Lane | None = None
        self._opened: bool | None = None
        self._position = 0
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 6, 8, 8)
        column.setSpacing(3)
        self._build_head(column)
        self._facts = Elided(cls="dim")
        self._reasons = Elided(cls="dim")
        facts = QHBoxLayout()
        facts.setSpacing(2)
        facts.addWidget(self._facts, 1)
        self._shortcuts = [
            icon_button(self, name, text)
            for name, text in (
                ("sheet", self.tr("Lead sheet")),
                ("compare", self.tr("Compare captions")),
                ("reset", self.tr("Use its captions and seed again")),
            )
        ]
        for button, what in zip(self._shortcuts, self._ways(), strict=True):
            button.clicked.connect(what)
            button.setProperty("cls", "link")
            facts.addWidget(button)
        column.addLayout(facts)
        column.addWidget(self._reasons)
        self._lanes = QVBoxLayout()
        self._lanes.setSpacing(3)
        column.addLayout(self._lanes)
        self.show_card()

    def show_card(self) -> None:
        """Show the take as it is now."""
        card = self._takes.card(self.letter)
        if card is None:
            return
        selected = self._takes.selected is not None and self._takes.selected.letter == self.letter
        self._style(selected)
        take = card.files.take
        self.setAccessibleName(
            self.tr("Take {letter}: {title}").format(letter=self.letter, title=card.title)
        )
        self._title.setText(card.title)
        # Where it lies is shortened first.
        self._title.setMinimumWidth(min(self._title.sizeHint().width(), _NAME_KEEPS_PX))
        star = self.tr("No longer a favourite") if card.favourite else self.tr("Make a favourite")
        self._star.setIcon(icon("star-full", theme.WARN) if card.favourite else icon("star"))
        self._star.setChecked(card.favourite)
        say(self._star, star)
        self._placed.setVisible(card.placed is not None)
        where = card.placed.where if card.placed else ""
        self._placed.setText(where)
        self._placed.setToolTip(self.tr("Placed on the timeline") + f": {where}")
        self._undo.setVisible(card.placed is not None)
        self._place.setEnabled(not card.placing)
        self._policy.setEnabled(not card.placing)
        figures = [take_words.loudness(take), take_words.hits(card.files)]
        self._figures.setText(" · ".join(filter(None, figures)))
        self._figures.setToolTip(take_words.hits_in_full(card.files))
        facts = [take_words.key_and_tempo(take), take_words.made_by(take)]
        self._facts.setText(" · ".join(filter(None, facts)))
        critique = card.files.critique
        self._reasons.setText(take_words.critic(critique) if critique else "")
        if critique:
            self._reasons.setToolTip(take_words.critic_in_full(critique))
        if selected != self._opened:
            self._opened = selected
            self._build_lanes(card, selected)
        self._arrange()
        self.show_playing()

    def show_playing(self) -> None:
        """Show whether this is the take that plays."""
        mine = self._takes.selected is not None and self._takes.selected.letter == self.letter
        playing = mine and self._playback.playing
        self._play.setIcon(icon("pause" if playing else "play"))
        say(self._play, self.tr("Stop") if playing else self.tr("Listen to this take"))

    def show_faders(self) -> None:
        """Show where the faders stand."""
        for row, fader in zip(self.rows, self._playback.faders(self.letter), strict=False):
            row.show_fader(fader, audible=self._playback.audible(self.letter, fader.name))

    def show_overviews(self) -> None:
        """Draw the waveforms that are there."""
        card = self._takes.card(self.letter)
        if card is None:
            return
        folder, take = card.files.folder, card.files.take
        if self._mix is not None:
            drawn = folder / take.peaks if take.peaks else None
            self._mix.set_overview(self._overviews.get(folder / take.mix, drawn))
        for row, path in zip(self.rows, self._stem_paths(card), strict=True):
            row.lane.set_overview(self._overviews.get(path))

    def set_position(self, sample: int) -> None:
        """Move the playhead."""
        self._position = sample
        for lane in self.lanes:
            lane.set_position(sample)

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The lanes that are shown."""
        mix = (self._mix,) if self._mix is not None else ()
        return (*mix, *(row.lane for row in self.rows))

    def rename(self) -> None:
        """Let the user type another name."""
        self._name.setText(self._title.text())
        self._title.hide()
        self._name.show()
        self._name.setFocus()
        self._name.selectAll()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Figures go to a line of their own where it is narrow."""
        super().resizeEvent(event)
        self._arrange()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Audition it."""
        self._takes.select(self.letter)
        super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """F2 renames, Return auditions."""
        if event.key() == Qt.Key.Key_F2:
            self.rename()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._takes.select(self.letter)
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QWidget, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Escape leaves the name as it was; a double click on it begins to change it."""
        if watched is self._title and event.type() == QEvent.Type.MouseButtonDblClick:
            self.rename()
            return True
        escape = event.type() == QEvent.Type.KeyPress and event.key() == Qt.Key.Key_Escape
        if watched is self._name and escape:
            self._end_rename(keep=False)
            return True
        return super().eventFilter(watched, event)

    def _build_head(self, column: QVBoxLayout) -> None:
        head = QHBoxLayout()
        head.setSpacing(5)
        self._play = icon_button(self, "play", self.tr("Listen to this take"))
        self._play.clicked.connect(self._toggle)
        self._badge = QLabel(self.letter)
        self._badge.setFixedSize(22, 22)
        self._badge.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._title = Elided(cls="h")
        self._title.installEventFilter(self)
        self._name = QLineEdit()
        self._name.setAccessibleName(self.tr("Name of the take"))
        self._name.setMaxLength(200)
        self._name.hide()
        self._name.installEventFilter(self)
        self._name.editingFinished.connect(lambda: self._end_rename(keep=True))
        self._star = icon_button(self, "star", self.tr("Make a favourite"))
        self._star.setCheckable(True)
        self._star.setProperty("cls", "star")
        self._star.clicked.connect(self._toggle_favourite)
        self._placed = Elided(cls="pill")
        undo = self.tr("Take it off the timeline again")
        self._undo = icon_button(self, "undo", undo, key="Ctrl+Z")
        self._undo.clicked.connect(lambda: self._takes.undo_place(self.letter))
        self._figures = Elided(cls="dim")
        self._figures.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._place = QPushButton(self.tr("Place on timeline"))
        self._place.setToolTip(self.tr("Lay the stems on new music tracks") + "  (P)")
        self._place.clicked.connect(lambda: self._takes.place(self.letter))
        self._policy = icon_button(self, "chevron-down", self.tr("Other ways to place"))
        self._policy.clicked.connect(lambda: self._pop(self._policy, self.place_menu()))
        self._more = icon_button(self, "more", self.tr("More"))
        self._more.clicked.connect(lambda: self._pop(self._more, self.more_menu()))
        for widget in (self._play, self._badge, self._title, self._name, self._star):
            head.addWidget(widget)
        head.addWidget(self._placed)
        head.addWidget(self._undo)
        head.addStretch(1)
        for widget in (self._figures, self._place, self._policy, self._more):
            head.addWidget(widget)
        self._head = head
        column.addLayout(head)
        self._below = QHBoxLayout()
        column.addLayout(self._below)

    def place_menu(self) -> QMenu:
        """The ways to place beside music that was placed before."""
        menu = QMenu(self)
        texts = {
            "new": self.tr("On new tracks"),
            "replace": self.tr("Replace what I placed here before"),
            "skip": self.tr("Only where nothing was placed before"),
        }
        for policy, text in texts.items():
            action = menu.addAction(text)
            action.triggered.connect(
                lambda _=False, policy=policy: self._takes.place(self.letter, policy)
            )
        return menu

    def more_menu(self) -> QMenu:
        """What else can be done with the take."""
        menu = QMenu(self)
        sheet, compare, reuse = self._ways()
        actions = (
            (self.tr("Rename") + "\tF2", self.rename),
            (self.tr("Lead sheet"), sheet),
            (self.tr("Compare captions"), compare),
            (self.tr("Use its captions and seed again"), reuse),
            (self.tr("Copy seed"), self._copy_seed),
            (self.tr("Show in folder"), self._show_folder),
            (self.tr("Lay aside"), lambda: self._takes.close_card(self.letter)),
        )
        for text, what in actions:
            menu.addAction(text).triggered.connect(what)
        return menu

    def _ways(self) -> tuple[Callable[[], object], ...]:
        return (
            lambda: self.sheet_asked.emit(self.letter),
            lambda: self.compare_asked.emit(self.letter),
            lambda: self._takes.reuse_captions(self.letter),
        )

    def _build_lanes(self, card: Card, selected: bool) -> None:
        while (item := self._lanes.takeAt(0)) is not None:
            if item.widget() is not None:
                item.widget().hide()
                item.widget().deleteLater()
        self.rows, self._mix = [], None
        if selected and card.files.take.stems:
            faders = self._playback.faders(self.letter)
            if card.files.separation:
                made = self.tr("Stems: {0}").format(said(card.files.separation))
                self._lanes.addWidget(Elided(made, "dim"))
            for number in range(len(card.files.take.stems)):
                self._lanes.addWidget(self._stem_row(card, number, faders))
        else:
            self._lanes.addWidget(self._mix_row(card))
        marks = card.files.dialogue, [share for share, _ in card.files.hit_places]
        for lane in self.lanes:
            lane.set_marks(*marks)
            lane.set_position(self._position)
            lane.sought.connect(self._seek)
        self.show_overviews()
        self.show_faders()

    def _stem_row(self, card: Card, number: int, faders: tuple[StemFader, ...]) -> StemRow:
        stem = card.files.take.stems[number]
        colour = theme.STEMS.get(stem.role, theme.OTHER_STEMS[number % len(theme.OTHER_STEMS)])
        title = take_words.stem_title(stem)
        lane = Lane(self._view, colour, self._lane_name(title), height=STEM_HEIGHT)
        fader = faders[number] if number < len(faders) else StemFader(stem.title, stem.role)
        row = StemRow(fader, title, card.files.folder / stem.path, colour, lane)
        row.fader_moved.connect(
            lambda name, what, value: self._playback.set_fader(self.letter, name, **{what: value})
        )
        self.rows.append(row)
        return row

    def _mix_row(self, card: Card) -> QWidget:
        made = QWidget()
        row = QHBoxLayout(made)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        title = take_words.role_title("mix")
        path = card.files.folder / card.files.take.mix
        handle = FileHandle(title, path, theme.STEMS["mix"])
        self._mix = Lane(self._view, theme.STEMS["mix"], self._lane_name(title), height=MIX_HEIGHT)
        row.addWidget(handle)
        row.addSpacing(GUTTER - NAME_WIDTH - row.spacing())
        row.addWidget(self._mix, 1)
        return made

    def _lane_name(self, title: str) -> str:
        return self.tr("Waveform of {stem}, take {letter}").format(stem=title, letter=self.letter)

    def _stem_paths(self, card: Card) -> list[Path]:
        return [card.files.folder / stem.path for stem in card.files.take.stems][: len(self.rows)]

    def _style(self, selected: bool) -> None:
        for widget, cls in (
            (self, "takesel" if selected else "take"),
            (self._badge, "badge-on" if selected else "badge"),
            (self._place, "primary" if selected else ""),
        ):
            if widget.property("cls") != cls:
                widget.setProperty("cls", cls)
                widget.style().unpolish(widget)
                widget.style().polish(widget)

    def _arrange(self) -> None:
        width = self.width()
        roomy = width >= _ROOMY
        if self._below.indexOf(self._figures) >= 0 and roomy:
            self._below.removeWidget(self._figures)
            self._head.insertWidget(self._head.count() - 3, self._figures)
        elif not roomy and self._below.indexOf(self._figures) < 0:
            self._head.removeWidget(self._figures)
            self._below.addWidget(self._figures)
        self._place.setText(
            self.tr("Place on timeline") if width >= _TIGHT else self.tr("Place", "short")
        )
        self._facts.setVisible(bool(self._opened) and bool(self._facts.text()))
        for button in self._shortcuts:
            button.setVisible(bool(self._opened))
        self._reasons.setVisible(bool(self._reasons.text()))
        self._name.setMinimumWidth(min(220, width // 3))

    def _seek(self, sample: int) -> None:
        self._takes.select(self.letter)
        self._playback.seek(sample)

    def _toggle(self) -> None:
        mine = self._takes.selected is not None and self._takes.selected.letter == self.letter
        if mine:
            self._playback.toggle()
            return
        self._takes.select(self.letter)
        self._playback.play()

    def _toggle_favourite(self) -> None:
        card = self._takes.card(self.letter)
        if card is not None:
            self._takes.set_favourite(self.letter, not card.favourite)

    def _end_rename(self, *, keep: bool) -> None:
        if self._name.isHidden():
            return
        self._name.hide()
        self._title.show()
        card = self._takes.card(self.letter)
        if keep and card is not None and self._name.text() != card.title:
            self._takes.rename(self.letter, self._name.text())

    def _copy_seed(self) -> None:
        card = self._takes.card(self.letter)
        if card is not None:
            QApplication.clipboard().setText(str(card.files.take.provenance.seed))

    def _show_folder(self) -> None:
        card = self._takes.card(self.letter)
        if card is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(card.files.folder)))

    def _pop(self, button: QWidget, menu: QMenu) -> None:
        menu.exec(button.mapToGlobal(QPoint(0, button.height())))

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As tall as its lanes."""
        return QSize(400, super().sizeHint().height())
