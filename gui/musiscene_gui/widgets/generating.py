"""What is wished of an engine that generates: sketch, melody, and how it draws what it writes."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QGridLayout, QLabel, QSpinBox, QWidget

from musiscene_core.protocol import EngineInfo
from musiscene_core.sampling import MOST_GUIDANCE, MOST_TEMPERATURE, MOST_TOP_K, Sampling
from musiscene_gui.viewmodels.scene import SceneModel
from musiscene_gui.widgets.building import refill, show_row
from musiscene_gui.widgets.text import Elided


class GeneratingGrid(QWidget):
    """Two rows of two choices; those that the engine has no use for are not shown."""

    def __init__(self, scene: SceneModel) -> None:
        super().__init__()
        self._scene = scene
        self.sketch, self.melody = QComboBox(), QComboBox()
        self.guidance = QDoubleSpinBox(minimum=1.0, maximum=MOST_GUIDANCE, singleStep=0.5)
        self.temperature = QDoubleSpinBox(maximum=MOST_TEMPERATURE, singleStep=0.1)
        self.top_k = QSpinBox(maximum=MOST_TOP_K, singleStep=50)
        self.top_p = QDoubleSpinBox(maximum=1.0, singleStep=0.05)
        self._drawing = {
            "guidance": self.guidance,
            "temperature": self.temperature,
            "top_k": self.top_k,
            "top_p": self.top_p,
        }
        self._titles: dict[QWidget, QLabel] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        for index, widget in enumerate((self.sketch, self.melody, *self._drawing.values())):
            self._titles[widget] = Elided(cls="dim")
            line, beside = divmod(index, 2)
            grid.addWidget(self._titles[widget], line, 2 * beside)
            grid.addWidget(widget, line, 2 * beside + 1)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        for box in (self.sketch, self.melody):
            box.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            box.setMinimumContentsLength(6)
        for spin in self._drawing.values():
            spin.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            spin.valueChanged.connect(lambda _: self._drawing_changed())
        self.sketch.activated.connect(lambda _: scene.wish(sketch=self.sketch.currentData()))
        self.melody.activated.connect(lambda _: scene.wish(melody=self.melody.currentData()))
        self.word()

    def refresh(self, engine: EngineInfo | None, model: str = "") -> None:
        """Show the wishes as they are, as far as `engine` with its model heeds them."""
        wishes = self._scene.wishes
        sketches = engine is not None and engine.sketches
        self._show(self.sketch, shown=sketches)
        self._show(self.melody, shown=sketches and engine.takes_sound(model))
        for name, spin in self._drawing.items():
            self._show(spin, shown=engine is not None and engine.samples)
            if not spin.hasFocus():
                spin.blockSignals(True)
                spin.setValue(getattr(wishes.sampling, name))
                spin.blockSignals(False)
        for box, data in ((self.sketch, wishes.sketch), (self.melody, wishes.melody)):
            box.setCurrentIndex(max(0, box.findData(data)))

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Take on another language."""
        if event.type() == QEvent.Type.LanguageChange:
            self.word()
        super().changeEvent(event)

    def word(self) -> None:
        """Say everything in the user's language."""
        named = (
            (self.sketch, self.tr("Sketch"), self.tr("What becomes of the composer's own cue")),
            (self.melody, self.tr("Melody"), self.tr("Whose melody the music follows")),
            (self.guidance, self.tr("Guidance"), self.tr("How much more words count than nothing")),
            (self.temperature, self.tr("Temperature"), self.tr("How freely tokens are drawn")),
            (self.top_k, self.tr("Top-k"), self.tr("Draw among so many tokens; 0 for all")),
            (self.top_p, self.tr("Top-p"), self.tr("Draw among this much chance; 0 for all")),
        )
        for widget, title, tip in named:
            self._titles[widget].setText(title)
            widget.setAccessibleName(title)
            widget.setToolTip(tip)
        choices = (
            (
                self.sketch,
                (self.tr("followed"), "guide"),
                (self.tr("heard too"), "layer"),
                (self.tr("unused"), "off"),
            ),
            (
                self.melody,
                (self.tr("the sketch's"), "sketch"),
                (self.tr("the temp track's"), "temp"),
            ),
        )
        for box, *entries in choices:
            refill(box, entries)

    def _show(self, widget: QWidget, *, shown: bool) -> None:
        show_row(self._titles[widget], widget, shown=shown)

    def _drawing_changed(self) -> None:
        drawn = {name: round(spin.value(), 2) for name, spin in self._drawing.items()}
        self._scene.wish(sampling=Sampling(**drawn))
