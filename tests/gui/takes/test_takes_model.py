import pytest

from musiscene_core.codec import to_json
from musiscene_core.critic.critique import Criterion, Critique
from musiscene_core.errors import HostError
from musiscene_core.library import Catalogue
from musiscene_gui.viewmodels.take_files import read_files
from musiscene_gui.viewmodels.takes import Placed, TakesModel
from tests.support.panel_takes import AtOnce, Later, copies


def critique_of(rank):
    fits = Criterion(name="feeling", score=0.8, weight=1.0, says="as calm as the scene")
    return Critique(
        take="take-1",
        rank=rank,
        among=3,
        score=0.8,
        criteria=(fits,),
        reason="Fits.",
        listener="signals",
    )


class Timeline:
    """A placer that keeps what was placed, and may refuse."""

    def __init__(self):
        self.placed, self.refuse = [], False

    def place(self, files, policy, done, failed):
        if self.refuse:
            failed(HostError("The editor refuses.", hint="Open a project."))
            return
        self.placed.append((files.folder, policy))
        done(Placed("A3", files.folder))

    def unplace(self, placed, done, failed):
        self.placed = [item for item in self.placed if item[0] != placed.undo]
        done(None)


@pytest.fixture
def laid_out(composed, tmp_path):
    folders = copies(composed, tmp_path)
    timeline = Timeline()
    model = TakesModel(AtOnce(Catalogue(tmp_path)), timeline)
    model.errors = []
    model.failed.connect(model.errors.append)
    model.show(folders)
    return model


def test_takes_get_letters_and_the_first_is_selected(laid_out):
    assert [card.letter for card in laid_out.cards] == ["A", "B", "C"]
    assert [card.title for card in laid_out.cards] == ["take-1", "take-2", "take-3"]
    assert laid_out.selected.letter == "A"


def test_the_best_ranked_take_is_selected(composed, tmp_path):
    folders = copies(composed, tmp_path)
    for rank, folder in zip((3, 1, 2), folders, strict=True):
        (folder / "critique.json").write_bytes(to_json(critique_of(rank)))
    model = TakesModel(AtOnce(Catalogue(tmp_path)))
    model.show(folders)
    assert model.selected.letter == "B"
    assert model.selected.files.critique == critique_of(1)


@pytest.mark.parametrize("said", ["", "[]", "{", '{"rank": -3, "take": 7}', "[" * 5_000])
def test_a_critique_that_makes_no_sense_harms_nothing(composed, tmp_path, said):
    folder = copies(composed, tmp_path, 1)[0]
    (folder / "critique.json").write_text(said)
    assert read_files(folder, Catalogue(tmp_path)).critique is None


def test_selecting_places_nothing(laid_out):
    seen = []
    laid_out.selection_changed.connect(lambda: seen.append(laid_out.selected.letter))
    laid_out.select("C")
    laid_out.select_next()
    laid_out.select_next(-1)
    assert seen == ["C", "A", "C"]
    assert laid_out.placer.placed == []


def test_placing_stars_a_take_and_can_be_undone(laid_out, tmp_path):
    laid_out.place("B", "replace")
    card = laid_out.card("B")
    assert laid_out.placer.placed == [(card.files.folder, "replace")]
    assert card.favourite
    assert card.placed.where == "A3"
    assert Catalogue(tmp_path).find().takes[0].favourite in (True, False)
    assert [take.favourite for take in Catalogue(tmp_path).find().takes].count(True) == 1
    assert laid_out.undoable.letter == "B"
    laid_out.undo_place()
    assert laid_out.placer.placed == []
    assert laid_out.card("B").placed is None
    assert laid_out.undoable is None


def test_an_editor_that_refuses_is_heard_and_the_take_can_be_placed_again(laid_out):
    laid_out.placer.refuse = True
    laid_out.place("A")
    assert [error.message for error in laid_out.errors] == ["The editor refuses."]
    assert not laid_out.card("A").favourite
    laid_out.placer.refuse = False
    laid_out.place("A")
    assert laid_out.card("A").placed is not None


def test_without_a_timeline_placing_says_what_to_do(laid_out):
    laid_out.placer = None
    laid_out.place("A")
    assert "Open one" in laid_out.errors[0].hint


def test_names_and_stars_are_kept_in_the_library(laid_out, tmp_path):
    laid_out.rename("A", "  Held   breath ")
    laid_out.set_favourite("A", True)
    assert laid_out.card("A").title == "Held breath"
    again = read_files(laid_out.card("A").files.folder, Catalogue(tmp_path)).record
    assert (again.label, again.favourite) == ("Held breath", True)
    laid_out.rename("A", "")
    assert laid_out.card("A").title == "take-1"


def test_a_name_that_cannot_be_kept_is_taken_back_and_said(laid_out):
    laid_out.rename("A", "x" * 500)
    assert laid_out.card("A").title == "take-1"
    assert "characters" in laid_out.errors[0].message


def test_marks_show_before_they_are_written(composed, tmp_path):
    files = Later(Catalogue(tmp_path))
    model = TakesModel(files)
    model.show(copies(composed, tmp_path, 1))
    files.go()
    model.set_favourite("A", True)
    assert model.card("A").favourite
    assert not read_files(model.card("A").files.folder, Catalogue(tmp_path)).record.favourite
    files.go()
    assert read_files(model.card("A").files.folder, Catalogue(tmp_path)).record.favourite


def test_more_takes_keep_the_letters_of_those_that_are_there(laid_out, composed, tmp_path):
    laid_out.close_card("B")
    more = copies(composed, tmp_path / "more", 2)
    laid_out.add([*more, laid_out.card("A").files.folder])
    assert [card.letter for card in laid_out.cards] == ["A", "C", "B", "D"]


def test_a_folder_that_holds_no_take_is_said_and_the_others_open(composed, tmp_path):
    folders = copies(composed, tmp_path, 2)
    (folders[0] / "take.json").write_bytes(b"{")
    model = TakesModel(AtOnce(Catalogue(tmp_path)))
    errors = []
    model.failed.connect(errors.append)
    model.show([*folders, tmp_path / "none"])
    assert [card.title for card in model.cards] == ["take-2"]
    assert len(errors) == 2


def test_captions_go_back_to_the_scene(laid_out):
    wanted = []
    laid_out.captions_wanted.connect(wanted.append)
    laid_out.reuse_captions("C")
    assert wanted[0].captions["fusion"] == "A scene."


def test_hits_are_summed_up_with_the_largest_error(laid_out):
    files = laid_out.card("A").files
    assert files.hits.total == len(files.take.hits) > 0
    assert files.hits.met == files.hits.total
    assert files.hits.worst_frames == max(abs(hit.error_frames) for hit in files.take.hits)


def test_what_was_placed_twice_is_taken_away_twice_the_last_first(laid_out):
    laid_out.place("A")
    laid_out.place("B")
    laid_out.place("A")
    assert len(laid_out.card("A").placements) == 2
    taken = []
    while laid_out.undoable is not None:
        taken.append(laid_out.undoable.letter)
        laid_out.undo_place()
    assert taken == ["A", "B", "A"]
    laid_out.place("A")
    laid_out.place("A", "replace")
    assert len(laid_out.card("A").placements) == 1
