"""HistoryView: all takes ever made: found by words, opened, kept, deleted."""

from __future__ import annotations

import time

from PySide6.QtCore import QEvent, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMenu,
    QMessageBox,
    QPushButton,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from musiscene_core.keys import read_key
from musiscene_core.library import TakeRecord
from musiscene_gui.viewmodels.history import HistoryModel, TakeGroup
from musiscene_gui.widgets import take_words, theme
from musiscene_gui.widgets.icons import icon
from musiscene_gui.widgets.keys import key_title
from musiscene_gui.widgets.takes_style import takes_style
from musiscene_gui.widgets.text import Elided, icon_button, say

_WHILE_TYPING_MS = 150
_WHAT = Qt.ItemDataRole.UserRole
_COLUMNS = 4


class _Tree(QTreeWidget):
    """Opens with Return, asks to delete with Delete."""

    delete_asked = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """As said above."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentItem():
            self.itemActivated.emit(self.currentItem(), 0)
        elif event.key() == Qt.Key.Key_Delete:
            self.delete_asked.emit()
        else:
            super().keyPressEvent(event)


class HistoryView(QWidget):
    """The take library."""

    def __init__(self, history: HistoryModel) -> None:
        super().__init__()
        self.setStyleSheet(takes_style())
        self._history = history
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        column.addLayout(self._build_head())
        self.tree = _Tree()
        self.tree.setColumnCount(_COLUMNS)
        self.tree.setHeaderHidden(True)
        self.tree.setUniformRowHeights(True)
        self.tree.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.tree.customContextMenuRequested.connect(self._menu)
        self.tree.itemActivated.connect(self._open)
        self.tree.delete_asked.connect(self._delete)
        header = self.tree.header()
        header.setStretchLastSection(False)
        for number in range(_COLUMNS):
            header.setSectionResizeMode(number, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        column.addWidget(self.tree, 1)
        self._said = Elided(cls="dim")
        self._said.hide()
        column.addWidget(self._said)
        history.changed.connect(self._show)
        history.purged.connect(self._say_purged)
        self._word()
        self._show()

    def ask_purge(self) -> QMessageBox:
        """Ask whether all but the favourites shall go."""
        box = QMessageBox(self)
        box.setIcon(QMessageBox.Icon.Warning)
        box.setWindowTitle(self.tr("Clear history"))
        box.setText(self.tr("Delete all takes but the favourites?"))
        box.setInformativeText(
            self.tr("What was placed on a timeline keeps playing only if its take is a favourite.")
        )
        delete = box.addButton(self.tr("Delete"), QMessageBox.ButtonRole.DestructiveRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(QMessageBox.StandardButton.Cancel)
        delete.clicked.connect(self._history.purge)
        box.open()
        return box

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Where it is narrow, a tab says already what this is."""
        super().resizeEvent(event)
        self._title.setVisible(event.size().width() >= theme.NARROW_BELOW - 16)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Take on another language."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self._word()
            self._show()

    def _build_head(self) -> QHBoxLayout:
        head = QHBoxLayout()
        head.setSpacing(6)
        self._title = QLabel()
        self._title.setProperty("cls", "h")
        self.search = QLineEdit()
        self.search.setClearButtonEnabled(True)
        self.search.setMaximumWidth(320)
        self.search.setMinimumWidth(110)
        self._typing = QTimer(self, singleShot=True, interval=_WHILE_TYPING_MS)
        self._typing.timeout.connect(lambda: self._history.search(self.search.text()))
        self.search.textChanged.connect(lambda _: self._typing.start())
        self.favourites = icon_button(self, "star", "")
        self.favourites.setCheckable(True)
        self.favourites.toggled.connect(self._history.set_only_favourites)
        self._size = Elided(cls="dim")
        self.more = QToolButton()
        self.more.setProperty("cls", "link")
        self.more.clicked.connect(self._history.show_more)
        self.purge = QPushButton()
        self.purge.clicked.connect(self.ask_purge)
        for widget in (self._title, self.search, self.favourites):
            head.addWidget(widget)
        head.setStretchFactor(self.search, 1)
        head.addStretch(1)
        for widget in (self._size, self.more, self.purge):
            head.addWidget(widget)
        return head

    def _word(self) -> None:
        self._title.setText(self.tr("History"))
        self.search.setPlaceholderText(self.tr("Search"))
        self.search.setToolTip(self.tr("Search captions, cues, engines"))
        self.search.setAccessibleName(self.tr("Search the history"))
        say(self.favourites, self.tr("Show favourites only"))
        self.more.setText(self.tr("More"))
        self.purge.setText(self.tr("Clear…"))
        self.purge.setToolTip(self.tr("Delete all takes but the favourites"))
        self.tree.setAccessibleName(self.tr("Earlier takes"))

    def _show(self) -> None:
        chosen = self._chosen_ids()
        self.tree.clear()
        for group in self._history.groups:
            item = self._group_item(group)
            self.tree.addTopLevelItem(item)
            if chosen & {take.id for take in group.takes}:
                self.tree.setCurrentItem(item)
        if not self._history.groups:
            searched = self._history.words or self._history.only_favourites
            text = self.tr("Nothing found.") if searched else self.tr("Nothing was made yet.")
            item = QTreeWidgetItem(["", text])
            item.setFlags(Qt.ItemFlag.NoItemFlags)
            self.tree.addTopLevelItem(item)
        count, size = self._history.total, take_words.size(self._history.total_bytes)
        several = self.tr("{count} takes · {size}") if count != 1 else self.tr("1 take · {size}")
        self._size.setText(several.format(count=count, size=size))
        self.more.setVisible(self._history.more)
        self.purge.setEnabled(self._history.total_bytes > 0)

    def _group_item(self, group: TakeGroup) -> QTreeWidgetItem:
        count = len(group.takes)
        takes = self.tr("1 take") if count == 1 else self.tr("{n} takes").format(n=count)
        item = QTreeWidgetItem(
            [
                _when(group.created),
                f"{group.cue} · {group.prompt}" if group.prompt else group.cue,
                takes,
                take_words.size(group.size_bytes),
            ]
        )
        item.setData(0, _WHAT, group)
        item.setToolTip(1, group.prompt)
        if group.favourites:
            item.setIcon(2, icon("star-full", theme.WARN))
            item.setToolTip(2, self.tr("Has a favourite"))
        if count > 1:
            for take in group.takes:
                item.addChild(self._take_item(take))
        return item

    def _take_item(self, take: TakeRecord) -> QTreeWidgetItem:
        facts = [take.label or take.name, self.tr("seed {seed}").format(seed=take.seed)]
        key = read_key(take.key)
        facts.append(key_title(*key) if key is not None else take.key)
        name = " · ".join(filter(None, facts))
        item = QTreeWidgetItem(["", name, "", take_words.size(take.size_bytes)])
        item.setData(0, _WHAT, TakeGroup((take,)))
        if take.favourite:
            item.setIcon(2, icon("star-full", theme.WARN))
        return item

    def _chosen_ids(self) -> set[str]:
        group = self._group(self.tree.currentItem())
        return {take.id for take in group.takes} if group else set()

    def _group(self, item: QTreeWidgetItem | None) -> TakeGroup | None:
        return item.data(0, _WHAT) if item is not None else None

    def _open(self, item: QTreeWidgetItem) -> None:
        group = self._group(item)
        if group is not None:
            self._history.open(group)

    def _delete(self) -> None:
        group = self._group(self.tree.currentItem())
        if group is not None:
            self._history.delete(group.takes)

    def menu(self, item: QTreeWidgetItem) -> QMenu | None:
        """What can be done with an entry."""
        group = self._group(item)
        if group is None:
            return None
        menu = QMenu(self)
        menu.addAction(self.tr("Open")).triggered.connect(lambda: self._history.open(group))
        if len(group.takes) == 1:
            take = group.takes[0]
            star = self.tr("No longer a favourite") if take.favourite else self.tr("Keep")
            menu.addAction(star).triggered.connect(
                lambda: self._history.set_favourite(take.id, not take.favourite)
            )
        delete = menu.addAction(self.tr("Delete, but for favourites"))
        delete.triggered.connect(lambda: self._history.delete(group.takes))
        return menu

    def _menu(self, place: QPoint) -> None:
        item = self.tree.itemAt(place)
        menu = self.menu(item) if item is not None else None
        if menu is not None:
            menu.exec(self.tree.viewport().mapToGlobal(place))

    def _say_purged(self, takes: int, size_bytes: int) -> None:
        self._said.setText(
            self.tr("{count} takes deleted, {size} set free.").format(
                count=takes, size=take_words.size(size_bytes)
            )
        )
        self._said.show()
        QTimer.singleShot(8_000, self._said, self._said.hide)


def _when(created: float) -> str:
    """The clock time of today, else the date."""
    then, now = time.localtime(created), time.localtime()
    today = then[:3] == now[:3]
    return time.strftime("%H:%M" if today else "%Y-%m-%d", then)
