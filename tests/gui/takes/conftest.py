import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from musiscene_core.codec import to_json
from musiscene_core.composing.score import score
from musiscene_core.progress import silent
from musiscene_core.request import ScoreRequest
from musiscene_core.take import Take
from tests.support.scenes import brief_of


@pytest.fixture(scope="session")
def composed(tmp_path_factory) -> tuple[Path, Take]:
    """A real take of eight seconds, and its folder."""
    folder = tmp_path_factory.mktemp("composed") / "take-1"
    folder.mkdir()
    request = ScoreRequest(brief=brief_of(8.0, cuts=(3.0, 5.5), valence=0.4, calm=1.0))
    take = score(request, 3, "take-1", folder, silent)
    (folder / "take.json").write_bytes(to_json(take))
    (folder / "request.json").write_bytes(to_json(request))
    (folder / "brief.json").write_bytes(to_json(request.brief))
    return folder, take


@pytest.fixture
def opened() -> Iterator[object]:
    """Closes at the end of the test what it is given, and hands it back."""
    with ExitStack() as stack:
        yield lambda thing: stack.enter_context(closing(thing))
