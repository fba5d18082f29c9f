from musiscene_core.errors import DaemonError
from musiscene_core.library import Catalogue
from musiscene_gui.viewmodels.history import HistoryModel
from tests.support.panel_takes import AtOnce, Later, copies
from tests.support.take_library import make_take


class NoDaemon:
    def ask(self, work, done=None, failed=None):
        failed(DaemonError("The daemon is off.", hint="Start it."))


def history(data, daemon=None):
    model = HistoryModel(AtOnce(Catalogue(data)), daemon or NoDaemon())
    model.errors = []
    model.failed.connect(model.errors.append)
    model.refresh()
    return model


def test_takes_of_one_request_are_one_group_without_any_daemon(composed, tmp_path):
    copies(composed, tmp_path, 3)
    make_take(tmp_path, "other-1", cue="Harbour", age_s=100)
    model = history(tmp_path)
    assert [(group.cue, len(group.takes)) for group in model.groups] == [
        ("scene", 3),
        ("Harbour", 1),
    ]
    assert model.total == 4
    assert model.total_bytes > 0
    assert [folder.name for folder in model.groups[0].folders] == ["take-1", "take-2", "take-3"]


def test_words_find_captions_and_favourites_narrow(tmp_path):
    make_take(tmp_path, "a-1", caption="strings run over wet roofs")
    make_take(tmp_path, "b-1", caption="a harbour at dawn", cue="Harbour", seed=1)
    model = history(tmp_path)
    model.search("roof")
    assert [group.cue for group in model.groups] == ["1m1 The Chase"]
    model.search("")
    harbour = next(group for group in model.groups if group.cue == "Harbour")
    model.set_favourite(harbour.takes[0].id, True)
    model.set_only_favourites(True)
    assert [group.cue for group in model.groups] == ["Harbour"]
    assert len(model.groups[0].favourites) == 1


def test_an_answer_that_was_overtaken_is_not_shown(tmp_path):
    make_take(tmp_path, "a-1", caption="roofs")
    files = Later(Catalogue(tmp_path))
    model = HistoryModel(files, NoDaemon())
    model.search("nothing")
    model.search("roofs")
    shown = []
    model.changed.connect(lambda: shown.append(model.total))
    files.go()
    assert shown == [1]


def test_deleting_without_a_daemon_says_so_and_deletes_nothing(tmp_path):
    make_take(tmp_path, "a-1")
    model = history(tmp_path)
    model.purge()
    assert [error.hint for error in model.errors] == ["Start it."]
    assert model.total == 1


class Deleting:
    """A daemon's client that notes which takes it was to delete."""

    def __init__(self, marks):
        self.marks, self.deleted, self.kept_at_purge = marks, [], []

    def delete_take(self, take_id):
        self.deleted.append(take_id)
        return 10

    def purge_takes(self):
        self.kept_at_purge = sorted(self.marks.read())
        return 0, 0


def test_a_mark_that_the_list_does_not_show_yet_keeps_its_take_and_the_others_are_deleted(tmp_path):
    for seed in range(3):
        make_take(tmp_path, f"a-{seed}", seed=seed)
    catalogue = Catalogue(tmp_path)
    daemon, files = Deleting(catalogue.marks), Later(catalogue)
    model = HistoryModel(files, AtOnce(daemon))
    gone = []
    model.purged.connect(lambda *told: gone.append(told))
    model.refresh()
    files.go()
    takes = model.groups[0].takes
    assert len(takes) == 3
    # As a star in the takes column does: shown at once, written down in its turn.
    files.ask(lambda catalogue: catalogue.marks.set_favourite(takes[1].id, True))
    model.delete(takes)
    model.purge()
    files.go()
    assert daemon.deleted == [takes[0].id, takes[2].id]
    assert daemon.kept_at_purge == [takes[1].id]
    assert gone == [(2, 20), (0, 0)]


def test_opening_a_group_lays_out_its_takes(composed, tmp_path):
    copies(composed, tmp_path, 2)
    model = history(tmp_path)
    opened = []
    model.opened.connect(opened.append)
    model.open(model.groups[0])
    assert [folder.name for folder in opened[0]] == ["take-1", "take-2"]


def test_an_empty_library_is_no_error(tmp_path):
    model = history(tmp_path / "none")
    assert (model.groups, model.total, model.errors) == ((), 0, [])
