from __future__ import annotations

from pathlib import Path

from musiscene_core.errors import HostLostError, OutputError
from musiscene_core.ranges import FrameRange
from musiscene_gui.viewmodels.editor import EditorModel
from musiscene_gui.viewmodels.timeline import TimelineModel


class Refusing:
    """An editor side at which every question ends with one error."""

    def __init__(self, error) -> None:
        self.error = error

    def ask(self, work, done=None, failed=None):
        failed(self.error)


def test_an_editor_that_went_away_is_shown_so_and_can_be_read_again() -> None:
    lost = HostLostError("DaVinci Resolve did not answer.", hint="Start it again.")
    editor, told = EditorModel(Refusing(lost), TimelineModel()), []
    editor.state = "open"
    editor.read_range(FrameRange(0, 24), told.append, told.append)
    assert told == [lost]
    assert (editor.state, editor.error) == ("failed", lost)


def test_where_nothing_can_be_typed_no_option_is_named() -> None:
    full = OutputError("/film/x.otio cannot be written.", hint="Choose a folder with --output.")
    editor, told = EditorModel(Refusing(full), TimelineModel()), []
    editor.open_file(Path("/film/x.mp4"))
    editor.place([Path("take-1")], "new", told.append, told.append)
    (error,) = told
    assert error.message == full.message
    assert "--output" not in error.hint
    assert "kept" in error.hint
