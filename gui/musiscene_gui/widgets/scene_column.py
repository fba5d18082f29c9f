"""SceneColumn: the scene at hand, from its words to the button that has it scored."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QFrame, QProgressBar, QPushButton, QScrollArea, QVBoxLayout, QWidget

from musiscene_core.protocol import JobInfo
from musiscene_gui.viewmodels.panel import Panel
from musiscene_gui.viewmodels.wishes import STRATEGIES
from musiscene_gui.widgets.building import ElidedLabel, label, row, set_class
from musiscene_gui.widgets.captions import Captions
from musiscene_gui.widgets.numbers import decimal
from musiscene_gui.widgets.said import said
from musiscene_gui.widgets.wishing import WishGrid


class SceneColumn(QFrame):
    """Captions and wishes, which scroll; below them the Score button, which is always seen."""

    def __init__(self, panel: Panel) -> None:
        super().__init__()
        self._panel = panel
        self.setProperty("cls", "card")
        self.title, self.range = ElidedLabel("h1"), label("mono")
        self.captions = Captions(panel.scene)
        self.wishes = WishGrid(panel.scene, panel.connection)
        self.spot = QPushButton()
        self.go = QPushButton()
        self.bar = QProgressBar()
        self.stage = ElidedLabel("dim")
        self.estimate, self.read = ElidedLabel("dim"), ElidedLabel("dim")
        self.bar.setRange(0, 1000)
        self._lay_out()
        self.spot.clicked.connect(self._spot)
        self.go.clicked.connect(self.score_or_cancel)
        panel.scene.changed.connect(self.refresh)
        panel.scene.estimate_changed.connect(self._show_estimate)
        panel.timeline.changed.connect(self.refresh)
        panel.timeline.range_changed.connect(self.refresh)
        panel.jobs.changed.connect(self._show_job)
        self.word()

    def score_or_cancel(self) -> None:
        """What the large button does."""
        if self._panel.scene.busy:
            self._panel.scene.cancel()
        else:
            self.captions.commit()
            self._panel.scene.score()

    def _spot(self) -> None:
        self.captions.commit()
        self._panel.scene.spot()

    def refresh(self) -> None:
        """Show everything as it is."""
        scene, timeline = self._panel.scene, self._panel.timeline
        self.title.set_whole(timeline.name or self.tr("No timeline"))
        if timeline.is_open:
            marked = timeline.range
            self.range.setText(
                f"{timeline.timecode(marked.start)} – {timeline.timecode(marked.end)}"
            )
        else:
            self.range.setText("")
        busy = bool(scene.busy)
        self.go.setText(self.tr("Cancel") if busy else self.tr("Score this scene"))
        self.go.setToolTip("Esc" if busy else "Ctrl+Return")
        set_class(self.go, "stop" if busy else "go")
        self.go.setEnabled(timeline.is_open)
        self.spot.setVisible(not busy and not scene.is_current and timeline.is_open)
        self.bar.setVisible(busy)
        self.stage.setVisible(busy)
        self.read.setVisible(scene.busy in ("captioning", "scoring"))
        self.read.set_whole(self._word_for_read())
        if not busy:
            self.bar.setValue(0)
            self.stage.set_whole("")
        elif not self.stage.text():
            self._show_stage(self._word_for_busy(), None)
        self._show_estimate()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Take on another language."""
        if event.type() == QEvent.Type.LanguageChange:
            self.word()
        super().changeEvent(event)

    def word(self) -> None:
        """Say everything in the user's language."""
        self.spot.setText(self.tr("Spot first"))
        self.spot.setToolTip(self.tr("Spot this range first, to read and edit its captions"))
        self.bar.setAccessibleName(self.tr("Progress"))
        self.refresh()

    def _show_job(self, job: JobInfo) -> None:
        if job.id != self._panel.scene.job_id or job.ended:
            return
        self.bar.setValue(round(1000 * job.fraction))
        self.bar.setFormat(f"{100 * job.fraction:.0f} %")
        self._show_stage(said(job.stage) or self.tr("Waiting to begin"), job.eta_s)

    def _show_stage(self, stage: str, eta_s: float | None) -> None:
        left = self.tr("about {0} left").format(_duration(eta_s)) if eta_s is not None else ""
        self.stage.set_whole(" · ".join(filter(None, (stage, left))))

    def _word_for_busy(self) -> str:
        return {
            "reading": self.tr("Reading the timeline"),
            "spotting": self.tr("Watching and listening"),
            "captioning": self.tr("Writing the caption"),
            "scoring": self.tr("Scoring"),
        }.get(self._panel.scene.busy, "")

    def _word_for_read(self) -> str:
        """What the music is made for: what was found in the user's own film, and whose words."""
        brief = self._panel.scene.brief
        if brief is None:
            return ""
        shots, spoken = len(brief.shots), len(brief.dialogue)
        edited = any(self._panel.scene.caption(name).edited for name in STRATEGIES)
        return " · ".join(
            (
                self.tr("1 shot") if shots == 1 else self.tr("{0} shots").format(shots),
                self.tr("dialogue at 1 place")
                if spoken == 1
                else self.tr("dialogue at {0} places").format(spoken),
                self.tr("words edited by you") if edited else self.tr("words as written"),
            )
        )

    def _show_estimate(self) -> None:
        scene = self._panel.scene
        self._foot.setVisible(not scene.busy and self._panel.timeline.is_open)
        what = self.tr("{0} × {1} s").format(scene.wishes.takes, decimal(scene.length_s, 1))
        if scene.estimate_s is None:
            told = self.tr("no estimate yet")
        else:
            told = self.tr("about {0} on this machine").format(_duration(scene.estimate_s))
        self.estimate.set_whole(f"{what} · {told}")

    def _lay_out(self) -> None:
        inner = QWidget()
        words = QVBoxLayout(inner)
        words.setContentsMargins(0, 0, 0, 0)
        words.setSpacing(4)
        words.addWidget(self.captions)
        words.addWidget(self.wishes)
        words.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(inner)
        head = row(self.title, self.range)
        head.layout().setStretch(0, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 6, 10, 6)
        column.setSpacing(5)
        column.addWidget(head)
        column.addWidget(scroll, 1)
        # Beside each other: a row more, and the wishes would have to be scrolled to at 1280 x 800.
        self._foot = row(self.estimate, self.spot)
        self._foot.layout().setStretch(0, 1)
        for widget in (self.read, self.go, self.bar, self.stage, self._foot):
            column.addWidget(widget)


def _duration(seconds: float) -> str:
    whole = max(1, round(seconds))
    return f"{whole} s" if whole < 90 else f"{whole // 60} min {whole % 60:02d} s"
