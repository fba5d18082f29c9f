"""What a repeatable engine made once is found again; what was touched since is made anew."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from musiscene_core.protocol import Client
from musiscene_core.request import ScoreRequest
from tests.support.daemons import Home, request

REPEATABLE = "tests.support.scripted_engine:RepeatableEngine"


class Bench:
    """A daemon with a repeatable engine that keeps a diary of its renders."""

    def __init__(self, home: Home, client: Client, diary: Path) -> None:
        self.home = home
        self.client = client
        self.diary = diary

    def wish(self, engine: str = "repeatable", **fields: int) -> ScoreRequest:
        return request(engine=engine, diary=str(self.diary), **fields)

    def score(self, wish: ScoreRequest) -> list[Path]:
        return [Path(take) for take in self.client.wait(self.client.submit_score(wish)).takes]

    @property
    def renders(self) -> int:
        return len(self.diary.read_text().splitlines())


@pytest.fixture
def bench(own_home: Home, tmp_path: Path) -> Iterator[Bench]:
    with own_home.connect("--engines-from", REPEATABLE) as client:
        yield Bench(own_home, client, tmp_path / "diary")


def files(take: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(take)): path.read_bytes() for path in take.rglob("*") if path.is_file()
    }


def test_equal_content_is_rendered_once_and_stored_once(bench: Bench) -> None:
    first = bench.score(bench.wish(takes=2))
    second = bench.score(bench.wish(takes=2))
    assert bench.renders == 2
    assert [take.name for take in second] == ["take-1", "take-2"]
    assert first[0].parent != second[0].parent
    assert [files(take) for take in first] == [files(take) for take in second]
    assert all((take / "mix.wav").stat().st_nlink == 2 for take in (*first, *second))
    # What was found says nothing of how long such work takes.
    table = sqlite3.connect(bench.home.folder / "data/jobs.sqlite3")
    assert table.execute("select count(*) from past").fetchone() == (1,)
    table.close()


def test_each_result_stands_alone(bench: Bench) -> None:
    (first,) = bench.score(bench.wish())
    (second,) = bench.score(bench.wish())
    whole = files(second)
    shutil.rmtree(first.parent)
    assert files(second) == whole
    (third,) = bench.score(bench.wish())
    second.rename(second.with_name("mine"))
    assert files(third) == whole
    assert bench.renders == 1


def test_another_seed_or_another_engine_renders(bench: Bench) -> None:
    bench.score(bench.wish(seed=1))
    bench.score(bench.wish(seed=2))
    assert bench.renders == 2
    for renders in (3, 4):
        bench.score(bench.wish("scripted"))
        assert bench.renders == renders


def remove(take: Path) -> None:
    (take / "stems/melody.wav").unlink()


def edit(take: Path) -> None:
    mix = take / "mix.wav"
    mix.write_bytes(mix.read_bytes()[:-1] + b"\1")


def truncate(take: Path) -> None:
    (take / "take.json").write_bytes(b'{"name": "ta')


def older_version(take: Path) -> None:
    about = take / "take.json"
    about.write_text(about.read_text().replace('"engine_version": "7"', '"engine_version": "6"'))


@pytest.mark.parametrize("harm", [remove, edit, truncate, older_version])
def test_a_result_that_is_not_what_it_was_is_rendered_again(
    bench: Bench, harm: Callable[[Path], None]
) -> None:
    (first,) = bench.score(bench.wish())
    harm(first)
    (second,) = bench.score(bench.wish())
    assert bench.renders == 2
    assert (second / "stems/melody.wav").is_file()
    # And is found from then on.
    bench.score(bench.wish())
    assert bench.renders == 2
