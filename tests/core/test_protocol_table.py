"""The page of the daemon's messages says what the types say."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import get_args

import msgspec

from musiscene_core.protocol.messages import Reply, Request

SCRIPT = Path(__file__).resolve().parents[2] / "packaging" / "protocol_table.py"


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("protocol_table", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_committed_page_is_what_the_types_give() -> None:
    table = generator()
    assert table.TARGET.read_text(encoding="utf-8") == table.document(), (
        "run: python packaging/protocol_table.py"
    )


def test_every_message_and_field_is_on_the_page() -> None:
    sections = generator().document().split("\n### ")
    for kind in (*get_args(Request), *get_args(Reply)):
        tag = kind.__struct_config__.tag
        (section,) = [text for text in sections if text.startswith(f"{kind.__name__} `{tag}`")]
        for field in msgspec.structs.fields(kind):
            assert f"\n| `{field.name}` | " in section


def test_a_field_is_told_with_type_default_and_meaning() -> None:
    page = generator().document()
    assert (
        "| `malformed` | `int` | `0` | messages refused because they could not be read. |" in page
    )
    assert "| `job_id` | `str` |  | its name from now on. |" in page
