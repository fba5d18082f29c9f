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
