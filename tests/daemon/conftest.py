from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from musiscene_core.protocol import Client
from tests.support.daemons import Home, home


@pytest.fixture
def own_home(tmp_path: Path) -> Iterator[Home]:
    """A MUSISCENE_HOME for one test; its daemon is killed afterwards."""
    with home(tmp_path) as place:
        yield place


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A MUSISCENE_HOME with a running daemon for the tests of one module."""
    with home(tmp_path_factory.mktemp("home")) as place:
        with place.connect() as client:
            client.engines()
        yield place


@pytest.fixture
def client(shared_home: Home) -> Iterator[Client]:
    with shared_home.connect() as client:
        yield client
