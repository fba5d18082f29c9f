"""How many threads: a core is left for the rest, and a wish is heeded or refused."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from musiscene_core.errors import InputError
from musiscene_core.neural import threads


def test_one_core_is_left_free(monkeypatch):
    monkeypatch.delenv(threads.THREADS_VARIABLE, raising=False)
    for cores, expected in ((1, 1), (2, 1), (8, 7)):
        monkeypatch.setattr(threads, "cores", lambda cores=cores: cores)
        assert threads.default_threads() == expected


def test_a_wish_is_heeded(monkeypatch):
    monkeypatch.setenv(threads.THREADS_VARIABLE, " 5 ")
    assert threads.default_threads() == 5


@pytest.mark.parametrize("wish", ["0", "-1", "many", "1e9", "9999999", "٣"])
def test_a_wish_that_is_no_number_is_refused(monkeypatch, wish):
    monkeypatch.setenv(threads.THREADS_VARIABLE, wish)
    with pytest.raises(InputError, match="MUSISCENE_THREADS"):
        threads.default_threads()


def test_waiting_threads_sleep_unless_told_otherwise(monkeypatch):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    threads.prepare()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    threads.prepare()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"


def test_the_number_is_known_before_torch_is_loaded():
    code = "import sys, musiscene_core.neural.threads as t; t.default_threads()\n"
    code += "print('torch' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert printed.stdout.strip() == b"False"


@pytest.mark.models
def test_torch_computes_with_so_many():
    torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
    before = torch.get_num_threads()
    try:
        assert threads.use_threads(3) == 3 == torch.get_num_threads()
    finally:
        torch.set_num_threads(before)
