"""Write the panel's pictures: wide, narrow, at work, placed, with an error, in German, at 2x.

    python packaging/screenshots.py FILM OUTPUT

Needs the extra `gui` and no screen. Works in a home of its own and on a copy of the film there;
stops its daemon again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

SIZES = {"wide": (1280, 800), "middle": (1031, 720), "narrow": (447, 900)}
TIMEOUT_S = 180.0


def main() -> int:
    film, output = Path(sys.argv[1]).absolute(), Path(sys.argv[2]).absolute()
    output.mkdir(parents=True, exist_ok=True)
    if len(sys.argv) > 3:
        take_pictures(film, output, language=sys.argv[3], name=sys.argv[4])
        return 0
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "MUSISCENE_HOME": home}
        # What is placed lies beside its film.
        copy = Path(shutil.copy(film, home))
        again = [sys.executable, __file__, str(copy), str(output)]
        for language, name, factor in (("en", "", "1"), ("de", "german-", "1"), ("en", "2x-", "2")):
            scaled = {**environment, "QT_SCALE_FACTOR": factor}
            subprocess.run([*again, language, name], env=scaled, check=True)
        stop = [sys.executable, "-m", "musiscene_plugins.cli.main", "daemon", "stop"]
        subprocess.run(stop, env=environment, check=False)
    return 0


def take_pictures(film: Path, output: Path, *, language: str, name: str) -> None:
    from PySide6.QtGui import QCursor

    from musiscene_core.errors import HostError
    from musiscene_gui.application import Application, prepared_qt
    from musiscene_gui.viewmodels.setup import COMMANDS
    from musiscene_gui.widgets.language import use_language
    from musiscene_gui.widgets.settings_dialog import SettingsDialog
    from musiscene_gui.widgets.setup_page import SetupDialog

    qt = prepared_qt(sys.argv[:1])
    # Nothing is to look as if the pointer were over it.
    QCursor.setPos(-1, -1)
    use_language(language)
    application = Application(silent=True, language=language)
    application.start()
    panel, window = application.panel, application.window

    def until(true: Callable[[], object]) -> None:
        deadline = time.monotonic() + TIMEOUT_S
        while not true():
            qt.processEvents()
            time.sleep(0.01)
            if time.monotonic() > deadline:
                raise SystemExit(f"nothing came of it: {panel.scene.error or panel.editor.error}")

    def quiet() -> bool:
        listening = application.listening
        desks = (application.thumbnails._desk, listening._files, listening._decoding)
        return not any(desk.waiting for desk in desks)

    def saved(widget: QWidget, kind: str) -> None:
        end = time.monotonic() + 0.4
        until(lambda: time.monotonic() > end)
        widget.grab().save(str(output / f"{name}{kind}.png"))

    def picture(kind: str, size: str = "wide") -> None:
        window.resize(*SIZES[size])
        # What is drawn may ask for more pictures, so twice.
        for _ in range(2):
            end = time.monotonic() + 0.4
            until(lambda end=end: time.monotonic() > end and quiet())
        window.grab().save(str(output / f"{name}{kind}.png"))

    picture("first")
    panel.settings.welcomed = True
    application.open_file(str(film))
    until(lambda: panel.editor.state == "open" and panel.connection.engines)
    application.notices.refresh()
    panel.scene.spot()
    until(lambda: not panel.scene.busy)
    start = panel.timeline.record.start
    panel.timeline.set_playhead(start + panel.timeline.range.length // 3)
    for hit in [i for i, one in enumerate(panel.scene.hits) if one.rank in (1, 2, 3)]:
        panel.scene.toggle_hit(hit)
    length_s = panel.scene.length_s
    panel.scene.draw_curve("arousal", (0.0, -0.4), (0.55 * length_s, 0.8))
    panel.scene.draw_curve("arousal", (0.55 * length_s, 0.8), (length_s, -0.2))
    # Other music for each run: what was made before would be there at once.
    seed = 10 * [*dict.fromkeys(("", "german-", "2x-", name))].index(name)
    panel.scene.wish(takes=3, seed=seed)
    panel.scene.score()
    until(lambda: any(job.fraction > 0.3 for job in panel.jobs.active))
    picture("working", "middle")
    until(lambda: not panel.scene.busy and len(application.listening.takes.cards) >= 3)
    takes = application.listening.takes
    takes.select("A")
    until(lambda: panel.timeline.heard)
    takes.place("A")
    until(lambda: panel.timeline.placed)
    picture("wide")
    application.strip.strip.set_line("valence")
    panel.timeline.zoom(0.4)
    picture("zoomed")
    application.strip.strip.set_line("arousal")
    panel.timeline.zoom_to_fit()
    picture("middle", "middle")
    picture("narrow", "narrow")
    window.show_page("takes")
    picture("narrow-takes", "narrow")
    window.show_page("history")
    picture("narrow-history", "narrow")
    error = HostError("The connection to the editor broke.", hint="Reload the timeline.")
    panel.scene.show_error(error, "reload")
    picture("error")
    panel.scene.dismiss()
    application.show_setup()
    until(lambda: len(application.setup._there) == len(COMMANDS))
    dialog = window.findChild(SetupDialog)
    saved(dialog, "setup")
    dialog.close()
    settings = SettingsDialog(panel, window)
    settings.open()
    saved(settings, "settings")
    settings.close()
    application.close()


if __name__ == "__main__":
    sys.exit(main())
