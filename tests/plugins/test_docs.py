"""The documentation says what the program does: its commands parse, its examples run."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from musiscene_daemon.main import build_parser as build_daemon_parser
from musiscene_gui.main import build_parser as build_panel_parser
from musiscene_plugins.cli.parser import build_parser
from musiscene_training.cli import build_parser as build_training_parser

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^(?: {4}.*\n)+", re.MULTILINE)
RUN = re.compile(r"<!-- run -->\n```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(musiscene[\w-]* [^`\n]+)`")
PARSERS = {
    "musiscene": build_parser,
    "musiscene-train": build_training_parser,
    "musiscened": build_daemon_parser,
    "musiscene-panel": build_panel_parser,
}
LEFT_OUT = re.compile(r"…|\.\.\.( |$)|\[|<")
"""Marks a command that is told of in general."""


def commands() -> Iterator[tuple[str, str]]:
    """Each line of a block of code that calls one of our commands, with its page's name."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        blocks = [block for _, block in FENCED.findall(text)]
        blocks += INDENTED.findall(FENCED.sub("", text))
        for line in re.sub(r"\\\n *", "", "".join(blocks)).splitlines():
            # What follows two spaces or a number sign describes the command.
            command = re.split(r"(?<=\S)\s{2,}|\s#\s", line.strip())[0]
            # Settings and the folder of an environment may stand before it.
            command = re.sub(r"^(?:[A-Z_]+=\S+ )*(?:\S*/bin/)?", "", command)
            program = command.split(" ")[0]
            if program in PARSERS and LEFT_OUT.search(command) is None:
                yield page.name, command


COMMANDS = sorted(set(commands()))


def test_there_are_commands_to_check() -> None:
    assert len(COMMANDS) > 60
    assert {"README.md", "captions.md", "training.md"} <= {page for page, _ in COMMANDS}


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_a_command_of_the_documentation_parses(
    page: str, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    program, *arguments = shlex.split(command)
    code: object = 0
    try:
        PARSERS[program]().parse_args(arguments)
    except SystemExit as end:
        code = end.code
    assert not code, f"{page}: {command}\n{capsys.readouterr().err}"


def mentions() -> Iterator[tuple[str, str]]:
    """Each command that stands within a sentence or a table, with its page's name."""
    for page in PAGES:
        text = FENCED.sub("", page.read_text(encoding="utf-8"))
        for command in INLINE.findall(text):
            if command.split(" ")[0] in PARSERS and not re.search(r"\|", command):
                yield page.name, command


def test_commands_within_sentences_are_ones_that_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = sorted({one for one in mentions() if LEFT_OUT.search(one[1]) is None})
    assert len(found) > 80
    wrong = []
    for page, command in found:
        program, *arguments = shlex.split(command)
        try:
            PARSERS[program]().parse_args(arguments)
        except SystemExit as end:
            said = capsys.readouterr().err
            # What it is called with may be left out, or stand for something: N, CAPTION.
            named = re.search(r"required|expected one|invalid \w+( \w+)*: '[A-Z]+'", said)
            if end.code and named is None:
                wrong.append(f"{page}: {command}: {said[-200:]}")
    assert not wrong


def examples() -> Iterator[tuple[str, str]]:
    """Blocks after `<!-- run -->`: those that can be run where there is nothing but MusiScene."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for number, block in enumerate(RUN.findall(text)):
            yield f"{page.name}-{number}", block


EXAMPLES = dict(examples())


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_of_the_documentation_runs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/bin:/bin")
    work = tmp_path / "work"
    work.mkdir()
    try:
        done = subprocess.run(
            ["bash", "-eu", "-c", EXAMPLES[name]], cwd=work, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-2000:]
    finally:
        subprocess.run(["musiscene", "daemon", "stop"], cwd=work, capture_output=True)


def test_every_page_is_in_the_site_and_links_lead_somewhere(tmp_path: Path) -> None:
    pytest.importorskip("material", reason="mkdocs-material is not installed")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert 'not included in the "nav"' not in done.stderr
    assert (tmp_path / "site" / "get-started" / "index.html").is_file()
