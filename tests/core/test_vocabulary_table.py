"""The page of the composer's vocabulary says what the tables say."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

from musiscene_core.composing import engine
from musiscene_core.composing.idioms import IDIOMS
from musiscene_core.composing.sound import INSTRUMENTS
from musiscene_core.composing.wording import instruments, vocabulary
from musiscene_core.composing.wording.lexicon import entries

SCRIPT = Path(__file__).resolve().parents[2] / "packaging" / "vocabulary_table.py"


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("vocabulary_table", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_committed_page_is_what_the_tables_give() -> None:
    table = generator()
    assert table.TARGET.read_text(encoding="utf-8") == table.document(), (
        "run: python packaging/vocabulary_table.py"
    )


def test_every_idiom_can_be_named_and_every_instrument_played() -> None:
    names = {idiom.name for idiom in IDIOMS}
    assert set(vocabulary.IDIOM_WORDS) == names == set(engine.IDIOM_NAMES)
    assert len(names) >= 12
    named = {*instruments.INSTRUMENTS, *instruments.STAND_INS}
    named |= {one for _, own in instruments.FAMILIES.values() for one in own}
    named |= {one for own in instruments.SLOTS.values() for one in own}
    named |= {one for own in instruments.FALLBACKS.values() for one in own}
    assert named <= set(INSTRUMENTS)


def test_a_phrase_means_one_thing_of_each_kind() -> None:
    for phrase, meanings in entries().items():
        kinds = [meaning.kind for meaning in meanings]
        assert len(kinds) == len(set(kinds)), phrase
