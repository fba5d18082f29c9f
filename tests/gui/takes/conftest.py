from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest


@pytest.fixture
def opened() -> Iterator[object]:
    """Closes at the end of the test what it is given, and hands it back."""
    with ExitStack() as stack:
        yield lambda thing: stack.enter_context(closing(thing))
