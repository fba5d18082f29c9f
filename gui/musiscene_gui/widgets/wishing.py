"""What is wished of the music: engine, captions and who writes them, style, takes, loudness."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRegularExpression, Qt
from PySide6.QtGui import QRegularExpressionValidator
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QLineEdit,
    QSpinBox,
    QWidget,
)

from musiscene_core.protocol import EngineInfo
from musiscene_core.protocol.state import CaptionerInfo
from musiscene_core.request import MAX_TAKES, SIGNALS, CaptionStrategy, engine_and_model
from musiscene_gui.viewmodels.connection import ConnectionModel
from musiscene_gui.viewmodels.scene import SceneModel
from musiscene_gui.viewmodels.wishes import STRATEGIES, engine_choices, has_caption, too_long_for
from musiscene_gui.widgets.building import ElidedLabel, refill, row, show_row
from musiscene_gui.widgets.generating import GeneratingGrid
from musiscene_gui.widgets.take_words import idiom_title
from musiscene_gui.widgets.text import Elided

_QUIETEST, _LOUDEST = -40.0, -6.0
_AUTO = _QUIETEST - 1
_FULL = 1.0
_SEED = QRegularExpression(r"\d{0,18}")


class WishGrid(QWidget):
    """The choices, a row each."""

    def __init__(self, scene: SceneModel, connection: ConnectionModel) -> None:
        super().__init__()
        self._scene, self._connection = scene, connection
        self.engine, self.strategy, self.idiom = QComboBox(), QComboBox(), QComboBox()
        self.captioner, self.house = QComboBox(), QComboBox()
        self.about = ElidedLabel("dim")
        self.weight = QDoubleSpinBox(minimum=0.0, maximum=_FULL, singleStep=0.1, value=_FULL)
        self.takes = QSpinBox(minimum=1, maximum=MAX_TAKES)
        self.stems = QComboBox()
        self.loudness = QDoubleSpinBox(minimum=_AUTO, maximum=_LOUDEST, decimals=1, value=_AUTO)
        self.length = QDoubleSpinBox(decimals=2, singleStep=1.0, keyboardTracking=False)
        self.seed = QLineEdit()
        self.seed.setValidator(QRegularExpressionValidator(_SEED, self))
        boxes = (self.engine, self.strategy, self.captioner, self.house, self.idiom, self.stems)
        for box in boxes:
            box.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            box.setMinimumContentsLength(6)
        for box in (self.takes, self.loudness, self.weight, self.length):
            box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        names = ("engine", "steer", "writer", "house", "idiom", "length", "takes")
        self._titles = {name: Elided(cls="dim") for name in names}
        self._stems_title, self._loudness_title = Elided(cls="dim"), Elided(cls="dim")
        self._seed_title = Elided(cls="dim")
        self._house_row = row(self.house, self.weight)
        self._house_row.layout().setStretch(0, 1)
        self.generating = GeneratingGrid(scene)
        self._lay_out()
        self.engine.activated.connect(lambda _: scene.wish(engine=self.engine.currentData()))
        self.strategy.activated.connect(lambda _: scene.wish(strategy=self.strategy.currentData()))
        self.takes.valueChanged.connect(lambda count: scene.wish(takes=count))
        self.stems.activated.connect(lambda _: scene.wish(stems=self.stems.currentData()))
        self.loudness.valueChanged.connect(self._loudness_changed)
        self.length.valueChanged.connect(scene.set_length)
        self.seed.editingFinished.connect(self._seed_changed)
        self.captioner.activated.connect(lambda _: self._captioner_changed())
        self.idiom.activated.connect(lambda _: scene.wish(idiom=self.idiom.currentData()))
        self.house.activated.connect(lambda _: self._house_changed())
        self.weight.valueChanged.connect(lambda _: self._house_changed())
        scene.changed.connect(self.refresh)
        connection.changed.connect(self._engines_changed)
        self.word()

    def refresh(self) -> None:
        """Show the wishes as they are."""
        wishes, scene = self._scene.wishes, self._scene
        for box, value in ((self.takes, wishes.takes), (self.loudness, wishes.loudness_lufs)):
            if not box.hasFocus():
                box.blockSignals(True)
                box.setValue(_AUTO if value is None else value)
                box.blockSignals(False)
        self._show_length()
        if not self.seed.hasFocus():
            self.seed.setText(str(wishes.seed))
        self._show_styles()
        if self.engine.findData(wishes.engine) < 0:
            # What a take of another machine was made by is named, and refused with a reason.
            self.engine.addItem(wishes.engine, wishes.engine)
        for box, data in (
            (self.engine, wishes.engine),
            (self.strategy, wishes.strategy),
            (self.stems, wishes.stems),
            (self.captioner, wishes.captioner),
            (self.house, wishes.adapters[0][0] if wishes.adapters else ""),
        ):
            box.setCurrentIndex(max(0, box.findData(data)))
        for index, name in enumerate(STRATEGIES):
            said = scene.brief is None or has_caption(scene.brief, name)
            self.strategy.model().item(index).setEnabled(said)
        self._show_engine()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Take on another language."""
        if event.type() == QEvent.Type.LanguageChange:
            self.word()
        super().changeEvent(event)

    def word(self) -> None:
        """Say everything in the user's language."""
        named = {
            "engine": (self.tr("Engine"), self.engine),
            "steer": (self.tr("Steered by"), self.strategy),
            "writer": (self.tr("Captions by"), self.captioner),
            "house": (self.tr("House style"), self.house),
            "idiom": (self.tr("Style"), self.idiom),
            "length": (self.tr("Length"), self.length),
            "takes": (self.tr("Takes"), self.takes),
        }
        for key, (text, widget) in named.items():
            self._titles[key].setText(text)
            widget.setAccessibleName(text)
        self._stems_title.setText(self.tr("Stems"))
        self.stems.setAccessibleName(self.tr("Stems"))
        self._loudness_title.setText(self.tr("Loudness"))
        self.loudness.setAccessibleName(self.tr("Loudness"))
        self.loudness.setSpecialValueText(self.tr("automatic"))
        self.loudness.setSuffix(" LUFS")
        self.length.setSuffix(" s")
        self.length.setToolTip(self.tr("From In to Out; another length moves Out"))
        self._seed_title.setText(self.tr("Seed"))
        self.seed.setAccessibleName(self.tr("Seed of the first take"))
        self.seed.setToolTip(self.tr("The same seed and words make the same music again"))
        self.weight.setAccessibleName(self.tr("Weight of the house style"))
        captions: dict[CaptionStrategy, str] = {
            "fusion": self.tr("picture and temp track"),
            "video": self.tr("the picture"),
            "scene_imagination": self.tr("the imagined scene"),
            "music": self.tr("the temp track"),
            "music_conditions": self.tr("musical directions"),
        }
        refill(self.strategy, [(captions[name], name) for name in STRATEGIES])
        refill(
            self.stems,
            [
                (self.tr("by role"), "roles"),
                (self.tr("by instrument"), "instruments"),
                (self.tr("each generated"), "generated"),
            ],
        )
        self._engines_changed()

    def _engines_changed(self) -> None:
        engines = self._connection.engines
        choices = engine_choices(engines)
        names = [name for name, _, _ in choices] or [self._scene.wishes.engine]
        refill(self.engine, [(name, name) for name in names])
        for index, (_, engine, lacks) in enumerate(choices):
            # The panel has no music file to hand over, and says so before anything is asked.
            refused = self._refused(engine)
            ready = not (lacks or engine.needs_music or refused)
            self.engine.model().item(index).setEnabled(ready)
            tip = lacks or refused or (self.tr("Works from a music file") if not ready else "")
            self.engine.setItemData(index, tip or engine.description, Qt.ItemDataRole.ToolTipRole)
        writers = self._captioners()
        measured = self.tr("measures alone")
        entries = [(measured if one.name == SIGNALS else one.name, one.name) for one in writers]
        refill(self.captioner, entries or [(measured, SIGNALS)])
        for index, writer in enumerate(writers):
            refused = self._refused(writer)
            self.captioner.model().item(index).setEnabled(not (writer.needs or refused))
            tip = writer.needs or refused or writer.description
            self.captioner.setItemData(index, tip, Qt.ItemDataRole.ToolTipRole)
        show_row(self._titles["writer"], self.captioner, shown=len(writers) > 1)
        self.refresh()

    def _refused(self, one: EngineInfo | CaptionerInfo) -> str:
        """Why the daemon would refuse it, where its music is for commercial use."""
        status = self._connection.status
        if one.commercial_use or status is None or status.licence != "commercial":
            return ""
        return self.tr("Not for commercial use, which this machine's music is for")

    def _captioners(self) -> tuple[CaptionerInfo, ...]:
        status = self._connection.status
        found = status.captioners if status is not None else ()
        return tuple(sorted(found, key=lambda one: one.name != SIGNALS))

    def _show_styles(self) -> None:
        """The house styles of the captioner, and the styles of the engine, that are chosen."""
        wishes = self._scene.wishes
        writer = next((w for w in self._captioners() if w.name == wishes.captioner), None)
        houses = [one.name for one in writer.adapters] if writer is not None else []
        refill(self.house, [(self.tr("none"), ""), *((name, name) for name in houses)])
        show_row(self._titles["house"], self._house_row, shown=bool(houses))
        self.weight.setEnabled(bool(wishes.adapters))
        info = self._engine()
        idioms = info.idioms if info is not None else ()
        entries = sorted((idiom_title(name), name) for name in idioms)
        refill(self.idiom, [(self.tr("as the scene asks"), ""), *entries])
        self.idiom.setCurrentIndex(max(0, self.idiom.findData(wishes.idiom)))
        show_row(self._titles["idiom"], self.idiom, shown=bool(idioms))

    def _engine(self) -> EngineInfo | None:
        wanted, _ = engine_and_model(self._scene.wishes.engine)
        return next((one for one in self._connection.engines if one.name == wanted), None)

    def _show_engine(self) -> None:
        info = self._engine()
        self.generating.refresh(info, engine_and_model(self._scene.wishes.engine)[1])
        place = self.stems.findData("generated")
        self.stems.model().item(place).setEnabled(info is not None and info.samples)
        self.about.setVisible(info is not None)
        self.about.set_whole(self._said_of(info) if info is not None else "")
        self.engine.setToolTip(info.description if info is not None else "")

    def _said_of(self, info: EngineInfo) -> str:
        if info.lacks or self._refused(info):
            return info.lacks or self._refused(info)
        if too_long_for(info, self._scene.length_s):
            return self.tr("too short for this range: {0} s at most").format(
                f"{info.max_length_s:.0f}"
            )
        can = [self.tr("meets hits") if info.hit_points else self.tr("no hits")]
        can.append(
            self.tr("{0} stems").format(len(info.stems)) if info.stems else self.tr("a mix alone")
        )
        use = "" if info.commercial_use else self.tr(", no commercial use")
        return " · ".join([*can, info.licence + use])

    def _loudness_changed(self, value: float) -> None:
        if _AUTO < value < _QUIETEST:
            return
        self._scene.wish(loudness_lufs=None if value <= _AUTO else value)

    def _show_length(self) -> None:
        if self.length.hasFocus():
            return
        self.length.blockSignals(True)
        self.length.setMaximum(self._scene.longest_s)
        self.length.setValue(self._scene.length_s)
        self.length.blockSignals(False)
        self.length.setEnabled(self._scene.length_s > 0)

    def _seed_changed(self) -> None:
        seed = int(self.seed.text() or "0")
        if seed != self._scene.wishes.seed:
            self._scene.wish(seed=seed)

    def _captioner_changed(self) -> None:
        # Another captioner has other house styles.
        self._scene.wish(captioner=self.captioner.currentData(), adapters=())

    def _house_changed(self) -> None:
        name = self.house.currentData()
        self._scene.wish(adapters=((name, self.weight.value()),) if name else ())

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        small = row(self.takes, self._stems_title, self.stems)
        small.layout().setStretch(2, 1)
        loud = row(self.loudness, None)
        long = row(self.length, self._seed_title, self.seed)
        long.layout().setStretch(2, 1)
        rows = [
            (self._titles["engine"], self.engine),
            (None, self.about),
            (self._titles["steer"], self.strategy),
            (self._titles["writer"], self.captioner),
            (self._titles["house"], self._house_row),
            (self._titles["idiom"], self.idiom),
            (self._titles["takes"], small),
            (self._loudness_title, loud),
            (self._titles["length"], long),
        ]
        for index, (title, widget) in enumerate(rows):
            if title is not None:
                grid.addWidget(title, index, 0)
            grid.addWidget(widget, index, 1)
        grid.addWidget(self.generating, len(rows), 0, 1, 2)
        grid.setColumnStretch(1, 1)
