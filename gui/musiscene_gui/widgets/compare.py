"""CompareDialog: what two takes were made from, side by side, with what differs marked."""

from __future__ import annotations

import difflib
import html

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from musiscene_gui.viewmodels.takes import Card, TakesModel
from musiscene_gui.widgets import take_words, theme


class CompareDialog(QDialog):
    """Two takes' captions, model, seed and figures."""

    def __init__(self, takes: TakesModel, letter: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._takes = takes
        self.setWindowTitle(self.tr("Compare takes"))
        self.resize(720, 480)
        column = QVBoxLayout(self)
        letters = [card.letter for card in takes.cards]
        other = next((each for each in letters if each != letter), letter)
        self.choices = (QComboBox(), QComboBox())
        heads = QGridLayout()
        names = (self.tr("Take on the left"), self.tr("Take on the right"))
        for side, (box, chosen) in enumerate(zip(self.choices, (letter, other), strict=True)):
            for card in takes.cards:
                box.addItem(f"{card.letter} · {card.title}", card.letter)
            box.setCurrentIndex(letters.index(chosen) if chosen in letters else 0)
            box.setAccessibleName(names[side])
            box.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            box.currentIndexChanged.connect(self._show)
            heads.addWidget(box, 0, side)
            reuse = QPushButton(self.tr("Use its captions and seed again"))
            reuse.clicked.connect(
                lambda _=False, box=box: self._takes.reuse_captions(box.currentData())
            )
            heads.addWidget(reuse, 1, side, Qt.AlignmentFlag.AlignLeft)
            heads.setColumnStretch(side, 1)
        column.addLayout(heads)
        self._body = QWidget()
        self._grid = QGridLayout(self._body)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(self._body)
        scroll.setAccessibleName(self.tr("Both takes"))
        column.addWidget(scroll, 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)
        self._show()

    def texts(self, side: int) -> list[str]:
        """What is shown on one side, as HTML, from the top."""
        return [label.text() for label in self._shown[side]]

    def _show(self) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            item.widget().hide()
            item.widget().deleteLater()
        self._shown: tuple[list[QLabel], list[QLabel]] = ([], [])
        cards = [self._takes.card(box.currentData()) for box in self.choices]
        if None in cards:
            return
        described = [self._described(card) for card in cards]
        row = 0
        for name in dict.fromkeys(name for each in described for name in each):
            head = QLabel(name)
            head.setProperty("cls", "h")
            self._grid.addWidget(head, row, 0, 1, 2)
            texts = [each.get(name, "") for each in described]
            for side, text in enumerate(marked(*texts)):
                label = QLabel(text)
                label.setTextFormat(Qt.TextFormat.RichText)
                label.setWordWrap(True)
                label.setAlignment(Qt.AlignmentFlag.AlignTop)
                flags = Qt.TextInteractionFlag
                label.setTextInteractionFlags(
                    flags.TextSelectableByMouse | flags.TextSelectableByKeyboard
                )
                label.setAccessibleName(name)
                self._grid.addWidget(label, row + 1, side)
                self._shown[side].append(label)
            row += 2
        self._grid.setColumnStretch(0, 1)
        self._grid.setColumnStretch(1, 1)
        self._grid.setRowStretch(row, 1)

    def _described(self, card: Card) -> dict[str, str]:
        names = {
            "fusion": self.tr("Fusion"),
            "video": self.tr("Picture"),
            "scene_imagination": self.tr("Imagination"),
            "music": self.tr("Music"),
            "music_conditions": self.tr("Music conditions"),
        }
        files = card.files
        said = {names.get(name, name): text for name, text in files.captions.items()}
        said[self.tr("Made by")] = take_words.made_by(files.take)
        facts = [
            take_words.key_and_tempo(files.take),
            take_words.loudness(files.take),
            take_words.hits(files),
        ]
        said[self.tr("Result")] = " · ".join(filter(None, facts))
        if files.critique is not None:
            said[self.tr("Critic")] = take_words.critic(files.critique)
        return said


def marked(left: str, right: str) -> tuple[str, str]:
    """Two texts as HTML, the words that only one of them has underlined and bright."""
    a, b = left.split(), right.split()
    sides: tuple[list[str], list[str]] = ([], [])
    matcher = difflib.SequenceMatcher(None, a, b, autojunk=False)
    for kind, a0, a1, b0, b1 in matcher.get_opcodes():
        for side, words in enumerate((a[a0:a1], b[b0:b1])):
            text = html.escape(" ".join(words))
            if text and kind != "equal":
                text = f'<u style="color:{theme.BRIGHT}">{text}</u>'
            if text:
                sides[side].append(text)
    return " ".join(sides[0]), " ".join(sides[1])
