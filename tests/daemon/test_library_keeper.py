from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from musiscene_core.errors import InputError, OutputError, RequestError
from musiscene_core.library import Catalogue, TakeQuery
from musiscene_daemon.keeper import Keeper
from musiscene_daemon.removal import delete_take, purge, remove
from musiscene_daemon.settings import LIBRARY_VARIABLE, Settings
from musiscene_daemon.takes import TakeLibrary
from tests.support.daemons import Home, request, wait_until
from tests.support.take_library import DAY_S, make_take


def keeper_of(data: Path, megabytes: float = 20_000) -> Keeper:
    settings = Settings(
        data_folder=data, log_folder=data / "log", library_bytes=int(megabytes * 1e6)
    )
    return Keeper(TakeLibrary(data), Catalogue(data), settings)


def jobs_in(data: Path) -> list[str]:
    return sorted(path.name for path in (data / "takes").iterdir())


def test_over_its_size_the_oldest_takes_go_but_no_favourite_and_no_young_one(
    tmp_path: Path,
) -> None:
    for number, days in enumerate((9, 8, 7, 6, 0.5, 0.1)):
        make_take(tmp_path, f"x-{number}", seed=number, age_s=days * DAY_S, megabytes=1)
    catalogue = Catalogue(tmp_path)
    oldest = catalogue.find().takes[-1]
    catalogue.set_favourite(oldest.id)
    keeper_of(tmp_path, megabytes=4.5).round()
    assert jobs_in(tmp_path) == ["x-0", "x-3", "x-4", "x-5"]
    keeper_of(tmp_path, megabytes=0.1).round()
    assert jobs_in(tmp_path) == ["x-0", "x-4", "x-5"]
    assert catalogue.find().total_bytes == pytest.approx(3e6, rel=0.01)
    wait_until(lambda: list((tmp_path / "jobs").iterdir()) == [])


def test_equal_files_of_equal_takes_are_stored_once(tmp_path: Path) -> None:
    keeper = keeper_of(tmp_path)
    first = make_take(tmp_path, "a-01", seed=1, megabytes=1, age_s=60)
    keeper.round()
    second = make_take(tmp_path, "a-02", "take-2", seed=1, megabytes=1)
    odd = make_take(tmp_path, "a-03", seed=1, megabytes=1, sound=b"\x02")
    keeper.round()
    for name in ("mix.wav", "stems/melody.wav"):
        assert (first / name).stat().st_ino == (second / name).stat().st_ino
        assert (odd / name).read_bytes() == b"\x02" * 500_000
    (take,) = Catalogue(tmp_path).find().takes
    assert take.copies == 3
    assert Catalogue(tmp_path).find().total_bytes == pytest.approx(2e6, rel=0.02)
    assert sorted(path.name for path in second.rglob(".*")) == []
    remove(TakeLibrary(tmp_path), ["a-01/take-1"])
    assert (second / "mix.wav").read_bytes() == b"\x01" * 500_000


def test_files_that_takes_share_count_once_however_they_came_to_share_them(tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path)
    first = make_take(tmp_path, "a-01", seed=1, megabytes=1, age_s=60)
    alone = catalogue.find()
    assert alone.total_bytes == pytest.approx(1e6, rel=0.01)
    # As a take that was made before is put into a second job's folder.
    again = tmp_path / "takes/a-02/take-1"
    shutil.copytree(first, again, copy_function=os.link)
    both = catalogue.find()
    assert both.takes[0].copies == 2
    assert both.total_bytes == pytest.approx(alone.total_bytes, abs=10)
    remove(TakeLibrary(tmp_path), ["a-01/take-1"])
    left = catalogue.find()
    assert (left.total_bytes, left.takes[0].copies) == (alone.total_bytes, 1)


def test_a_favourite_is_deleted_only_when_told(tmp_path: Path) -> None:
    make_take(tmp_path, "a-01", "take-1", seed=1)
    make_take(tmp_path, "a-01", "take-2", seed=2)
    library, catalogue = TakeLibrary(tmp_path), Catalogue(tmp_path)
    take = next(take for take in catalogue.find().takes if take.name == "take-1")
    catalogue.set_favourite(take.id)

    def delete(**options: bool) -> None:
        given = {"even_favourite": False, "ended": lambda job: True} | options
        delete_take(library, catalogue, take.id, **given)

    with pytest.raises(RequestError, match="favourite"):
        delete()
    with pytest.raises(RequestError, match="not ended"):
        delete(even_favourite=True, ended=lambda job: job != "01")
    delete(even_favourite=True)
    assert [left.name for left in catalogue.find().takes] == ["take-2"]
    assert not catalogue.marks.is_favourite(take.id)
    with pytest.raises(InputError, match="There is no take"):
        delete()


def test_a_purge_keeps_favourites_and_what_is_being_made(tmp_path: Path) -> None:
    for number in range(230):
        make_take(tmp_path, f"x-{number:03}", seed=number, age_s=1000 - number)
    library, catalogue = TakeLibrary(tmp_path), Catalogue(tmp_path)
    catalogue.set_favourite(catalogue.find(TakeQuery(limit=500)).takes[-1].id)
    assert catalogue.find(TakeQuery(favourite=True)).total == 1

    def ended(job: str) -> bool:
        return job != "001"

    count, freed, more = purge(library, catalogue, ended=ended)
    assert (count, more) == (200, True)
    assert freed > 0
    assert purge(library, catalogue, ended=ended)[::2] == (28, False)
    assert jobs_in(tmp_path) == ["x-000", "x-001"]


@pytest.mark.parametrize(
    "place", ["../outside", "x/../../outside", "linked/take-1", "a-01/linked", "..", "", "a-01/.."]
)
def test_nothing_outside_the_library_is_ever_deleted(tmp_path: Path, place: str) -> None:
    data = tmp_path / "data"
    make_take(data, "a-01")
    outside = make_take(tmp_path / "far", "x-1")
    (tmp_path / "data/outside").mkdir()
    (data / "takes/linked").symlink_to(outside.parent, target_is_directory=True)
    (data / "takes/a-01/linked").symlink_to(outside, target_is_directory=True)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(OutputError, match="outside the library"):
        remove(TakeLibrary(data), [place])
    assert sorted(set(tmp_path.rglob("*")) - {data / "jobs", data / "briefs"}) == before


def test_links_inside_a_deleted_take_are_not_followed(tmp_path: Path) -> None:
    data, outside = tmp_path / "data", tmp_path / "outside"
    take = make_take(data, "a-01")
    outside.mkdir()
    (outside / "film.mov").write_text("dear")
    (take / "link").symlink_to(outside, target_is_directory=True)
    (take / "stems/link").symlink_to(outside / "film.mov")
    assert Catalogue(data).find().total == 1
    remove(TakeLibrary(data), ["a-01/take-1"])
    wait_until(lambda: list((data / "jobs").iterdir()) == [])
    assert (outside / "film.mov").read_text() == "dear"
    assert jobs_in(data) == []


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "much"])
def test_a_size_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(LIBRARY_VARIABLE, text)
    with pytest.raises(InputError, match=LIBRARY_VARIABLE):
        Settings.from_environment()


def test_the_size_is_told_in_gigabytes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.from_environment().library_bytes == 20_000_000_000
    monkeypatch.setenv(LIBRARY_VARIABLE, "0.5")
    assert Settings.from_environment().library_bytes == 500_000_000


def test_takes_are_listed_marked_and_deleted_through_the_daemon(own_home: Home) -> None:
    with own_home.connect() as client:
        first = client.score(request(takes=2, cue="1m1 Dawn"))
        second = client.score(request(takes=1, cue="1m1 Dawn"))
        # The same take made twice is listed once, a little after it is published.
        wait_until(lambda: sorted(take.copies for take in client.takes().takes) == [1, 2])
        young, old = sorted(client.takes().takes, key=lambda take: take.seed)
        assert (young.seed, young.copies, old.seed, old.copies) == (5, 2, 6, 1)
        assert young.group == old.group
        assert Path(young.folder) in (first[0][1], second[0][1])
        assert client.mark_take(young.id, favourite=True, label="Best").label == "Best"
        with pytest.raises(RequestError, match="favourite"):
            client.delete_take(young.id)
        assert client.takes(TakeQuery(favourite=True)).takes[0].id == young.id
        with pytest.raises(InputError, match="There is no take"):
            client.mark_take("0123abcd", favourite=True)
        assert client.purge_takes()[0] == 1
        assert [take.id for take in client.takes().takes] == [young.id]
        assert client.delete_take(young.id, even_favourite=True) > 0
        assert client.takes().takes == ()
    data = own_home.folder / "data"
    assert os.listdir(data / "takes") == []
    assert Catalogue(data).find().total == 0
