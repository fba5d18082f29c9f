"""Errors survive the wire, and failed writes say what to do."""

from __future__ import annotations

import errno
import pickle

import pytest

from musiscene_core import errors


def all_errors() -> list[type[errors.MusiSceneError]]:
    return [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.MusiSceneError)
    ]


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [kind.code for kind in all_errors()]
    assert len(codes) == len(set(codes)) >= 15


def test_a_refinement_without_a_code_of_its_own_is_never_rebuilt() -> None:
    class RefinedError(errors.InputError):
        """What a module raises and catches by itself."""

    rebuilt = errors.from_code(RefinedError.code, "It broke.")
    assert type(rebuilt) is errors.InputError


@pytest.mark.parametrize("kind", all_errors(), ids=lambda kind: kind.code)
def test_an_error_is_rebuilt_from_what_was_sent(kind: type[errors.MusiSceneError]) -> None:
    sent = kind("It broke.", hint="Mend it.")
    rebuilt = errors.from_code(sent.code, sent.message, sent.hint)
    assert (type(rebuilt), str(rebuilt)) == (kind, "It broke. Mend it.")
    assert str(pickle.loads(pickle.dumps(sent))) == "It broke. Mend it."


def test_an_unknown_code_from_a_newer_daemon_is_still_an_error() -> None:
    assert type(errors.from_code("from_the_future", "It broke.")) is errors.MusiSceneError


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EACCES, "no permission"),
        (errno.ENOTDIR, "a file stands"),
        (errno.ENOENT, "its folder or drive is gone"),
        (errno.ENAMETOOLONG, "the name is too long"),
    ],
)
def test_a_failed_write_says_why_and_what_to_do(number: int, words: str) -> None:
    error = errors.OutputError.from_os(OSError(number, "x"), "/there")
    assert words in error.message
    assert error.hint
