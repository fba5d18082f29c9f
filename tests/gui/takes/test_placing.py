import msgspec
import pytest

from musiscene_core.codec import read_json, to_json
from musiscene_core.editor import PlacedTrack, Placement
from musiscene_core.library import Catalogue
from musiscene_core.ranges import SourceMapping
from musiscene_core.request import ScoreRequest
from musiscene_core.timeline import MediaReference, TimelineClip
from musiscene_gui.viewmodels.placing import EditorPlacer, where_of
from musiscene_gui.viewmodels.takes import TakesModel
from musiscene_gui.viewmodels.timeline import TimelineModel
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
    model = TakesModel(AtOnce(Catalogue(tmp_path)), EditorPlacer(editor, TimelineModel()))
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
    model = TakesModel(AtOnce(Catalogue(tmp_path)), EditorPlacer(Editor(skipped), TimelineModel()))
    model.show(copies(composed, tmp_path, 1))
    errors = []
    model.failed.connect(errors.append)
    model.place("A", "skip")
    assert "already" in errors[0].message
    assert model.card("A").placed is None
    assert not model.card("A").favourite


def test_a_take_is_not_placed_on_another_film_that_was_opened_since(composed, tmp_path):
    editor, timeline = Editor(placement(tracks=tracks(3))), TimelineModel()
    model = TakesModel(AtOnce(Catalogue(tmp_path)), EditorPlacer(editor, timeline))
    errors = []
    model.failed.connect(errors.append)
    (folder,) = copies(composed, tmp_path, 1)
    request = read_json(folder / "request.json", ScoreRequest)
    scene = request.brief.timeline
    rate, record = scene.rate, scene.record

    def shot(path):
        mapping = SourceMapping(record, rate, 0, rate)
        media = MediaReference(path=path)
        return TimelineClip(
            name="shot", media=media, mapping=mapping, track="V1", track_index=0, role="picture"
        )

    scene = msgspec.structs.replace(scene, clips=(shot("/films/Reel 3.mp4"),))
    brief = msgspec.structs.replace(request.brief, timeline=scene)
    request = msgspec.structs.replace(request, brief=brief)
    (folder / "request.json").write_bytes(to_json(request))
    model.show([folder])
    timeline.open("another", rate, record, (shot("/films/another.mp4"),), ())
    model.place("A")
    assert "other footage" in errors[0].message
    assert editor.asked == []
    # Its proxies, in another folder, are the film all the same.
    timeline.open("reel", rate, record, (shot("/proxies/reel 3.mov"),), ())
    model.place("A")
    assert len(editor.asked) == len(errors) == 1
