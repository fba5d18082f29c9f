"""A GPU that is full or lost is told in words, by trainings, builds and experiments."""

from __future__ import annotations

import pytest

from musiscene_core.errors import EngineError
from musiscene_training.devices import device_in_words

FULL = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79 GiB."
LOST = "CUDA error: an illegal memory access was encountered\nFor debugging consider ..."


@pytest.mark.parametrize(
    ("raised", "says"),
    [
        (FULL, "memory does not suffice: CUDA out of memory. Tried"),
        (LOST, "The GPU failed: CUDA error: an illegal memory access was encountered."),
        ("device-side assert triggered", "The GPU failed"),
    ],
)
def test_what_a_device_did_says_what_to_do_next(raised, says):
    with pytest.raises(EngineError, match=says) as told, device_in_words("Run it again."):
        raise RuntimeError(raised)
    assert told.value.hint.endswith("Run it again.")
    assert "For debugging" not in str(told.value)


def test_a_bug_stays_a_bug():
    with pytest.raises(RuntimeError, match="shapes"), device_in_words("Run it again."):
        raise RuntimeError("shapes cannot be multiplied")
