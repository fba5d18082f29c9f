"""The code that a person carries from one machine to the other."""

from __future__ import annotations

import random
import socket
import time

import pytest

from musiscene_core.errors import DaemonError, InputError
from musiscene_core.protocol.connection import is_name
from musiscene_core.protocol.pairing import PairingCode, introduce, own_name

CODE = PairingCode(host="192.168.1.5", port=47612, server_key=bytes(range(32)), token=b"0123456789")
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def test_a_code_is_twenty_groups_of_four_and_reads_back() -> None:
    text = str(CODE)
    groups = text.split("-")
    assert (len(groups), {len(group) for group in groups}) == (20, {4})
    assert set("".join(groups)) <= set(CROCKFORD)
    assert PairingCode.from_text(text) == CODE


def test_an_ipv6_code_reads_back() -> None:
    code = PairingCode(host="fd00::2", port=1, server_key=b"k" * 32, token=b"t" * 10)
    assert PairingCode.from_text(str(code)) == code


def test_a_code_reads_as_people_write_it() -> None:
    text = str(CODE)
    assert {"0", "1"} <= set(text)
    spoken = text.lower().replace("-", " ").replace("0", "o").replace("1", "l") + " \n"
    assert PairingCode.from_text(spoken) == CODE


def test_every_mistyped_character_and_swapped_pair_is_noticed() -> None:
    text = str(CODE).replace("-", "")
    chance = random.Random(2)
    for place, right in enumerate(text):
        wrong = chance.choice(CROCKFORD.replace(right, ""))
        mistyped = [text[:place] + wrong + text[place + 1 :], text[:place] + text[place + 1 :]]
        following = text[place + 1 : place + 2]
        if following not in ("", right):
            mistyped.append(text[:place] + following + right + text[place + 2 :])
        for typed in mistyped:
            with pytest.raises(InputError, match="a character of it is wrong"):
                PairingCode.from_text(typed)


@pytest.mark.parametrize(
    "text",
    ["", "-", "U" * 80, "0", "A" * 79, "0" * 80, "0" * 100, "é" * 80, "\0" * 80, "A" * 1_000_000],
)
def test_what_is_no_code_is_refused_in_words(text: str) -> None:
    with pytest.raises(InputError, match="no pairing code"):
        PairingCode.from_text(text)


def test_nobody_there_and_somebody_else_there_are_told_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        code = PairingCode(host="127.0.0.1", port=port - 1, server_key=b"k" * 32, token=b"t" * 10)
        with pytest.raises(DaemonError, match="No daemon waits for this code"):
            introduce(code, "me", timeout_s=0.5)
    began = time.monotonic()
    with pytest.raises(DaemonError, match="No daemon waits for this code"):
        introduce(code, "me", timeout_s=60)
    assert time.monotonic() - began < 30, "a refused connection must not use up the time"


def test_names_are_safe_as_file_names() -> None:
    assert is_name(own_name())
    for name in ("studio", "edit-2.local", "a" * 64):
        assert is_name(name)
    for name in ("", ".", "..", ".hidden", "a/b", "a\\b", "a" * 65, "ä", "a\n", "a b", "-x"):
        assert not is_name(name)
