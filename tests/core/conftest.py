"""Nothing that core's tests keep ends up in the folders of whoever runs them."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session", autouse=True)
def own_home(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MUSISCENE_HOME", str(tmp_path_factory.mktemp("home")))
        yield
