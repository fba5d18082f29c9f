import pytest

from musiscene_core.editor import PlacedTrack, Placement
from musiscene_core.library import Catalogue
from musiscene_gui.viewmodels.placing import EditorPlacer, where_of
from musiscene_gui.viewmodels.takes import TakesModel
from tests.support.panel_takes import AtOnce, copies


class Editor:
    def __init__(self, placement):
        self.placement, self.asked, self.undone = placement, [], []

    def place(self, folders, policy, done, failed):
        self.asked.append((list(folders), policy))
        done(self.placement)

    def undo(self, placement, done, failed):
        self.undone.append(placement)
        done(None)


def tracks(*places):
    return tuple(PlacedTrack(name=f"Score {place}", index=place) for place in places)


def placement(timeline="Reel 3", **more):
    return Placement(timeline=timeline, fingerprint="", **{"tracks": (), "host": "resolve", **more})


@pytest.mark.parametrize(
    ("placed", "where"),
    [
        (placement("/films/cut.scored.otio", tracks=("a",), host="file"), "cut.scored.otio"),
        (placement(added=tracks(3, 4, 5)), "A3–A5"),
        (placement(added=tracks(7)), "A7"),
        (placement(), "Reel 3"),
    ],
)
def test_where_it_was_placed_in_a_few_words(placed, where):
    assert where_of(placed) == where


def test_a_take_is_placed_by_its_folder_and_undone_by_its_placement(composed, tmp_path):
    copy = placement("/films/cut.scored.otio", tracks=("Score",), host="file")
    editor = Editor(copy)
    model = TakesModel(AtOnce(Catalogue(tmp_path)), EditorPlacer(editor))
    folders = copies(composed, tmp_path, 1)
    model.show(folders)
    model.place("A", "replace")
    assert editor.asked == [(folders, "replace")]
    assert model.card("A").placed.where == "cut.scored.otio"
    model.undo_place("A")
    assert editor.undone == [copy]
    assert model.card("A").placed is None


def test_what_the_policy_passes_over_is_said(composed, tmp_path):
    skipped = placement(skipped=("take-1",))
    model = TakesModel(AtOnce(Catalogue(tmp_path)), EditorPlacer(Editor(skipped)))
    model.show(copies(composed, tmp_path, 1))
    errors = []
    model.failed.connect(errors.append)
    model.place("A", "skip")
    assert "already" in errors[0].message
    assert model.card("A").placed is None
    assert not model.card("A").favourite
