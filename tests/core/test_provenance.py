"""How music says how it was made: in its files, in the ledger, and read back from hostile ones."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
import subprocess
import sys
import wave
from pathlib import Path

import msgspec
import pytest

from musiscene_core.brief import Caption, HowWritten
from musiscene_core.composing.score import score
from musiscene_core.errors import InputError, MediaError, RequestError
from musiscene_core.media import find_ffmpeg
from musiscene_core.media.wav import set_time_reference
from musiscene_core.provenance.explaining import explain
from musiscene_core.provenance.ledger import FIRST, Ledger, read_lines
from musiscene_core.provenance.marks import find_mark, mark
from musiscene_core.provenance.noting import note, state
from musiscene_core.provenance.riff import append, read_wav
from musiscene_core.provenance.statement import STATEMENT_FILE, read_statement
from musiscene_core.request import ScoreRequest
from musiscene_core.take import Take
from musiscene_plugins.cli.main import main
from tests.support.scenes import brief_of

PROMPT = 'Slow <strings> & "horns"\x01 über ￾ Wasser'


def wish() -> ScoreRequest:
    brief = brief_of(3.0)
    how = HowWritten(writer="mullama", model="abc", adapters=(("house", 0.5),))
    captions = msgspec.structs.replace(brief.captions, fusion=Caption("Slow.", "model", how=how))
    return ScoreRequest(brief=msgspec.structs.replace(brief, captions=captions))


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Take, Path]:
    folder = tmp_path_factory.mktemp("library") / "takes" / "cue-1" / "take-1"
    folder.mkdir(parents=True)
    take = score(wish(), 5, "take-1", folder)
    made = msgspec.structs.replace(take.provenance, prompt=PROMPT)
    return msgspec.structs.replace(take, provenance=made), folder


@pytest.fixture
def library(played: tuple[Take, Path], tmp_path: Path) -> Path:
    root = tmp_path / "data"
    shutil.copytree(played[1].parents[2], root)
    return root


@pytest.fixture
def marked(played: tuple[Take, Path], library: Path) -> Path:
    """The take's folder, its files marked."""
    folder = library / "takes" / "cue-1" / "take-1"
    state(played[0], wish(), folder, 1_800_000_000.0)
    return folder


def frames(path: Path) -> bytes:
    with wave.open(str(path)) as file:
        return file.readframes(file.getnframes())


def test_every_file_says_how_it_was_made_and_its_samples_stay(played, marked: Path) -> None:
    take, before = played
    for part in (take.mix, *(stem.path for stem in take.stems)):
        assert frames(marked / part) == frames(before / part)
        found = explain(marked / part)
        assert (found.verdict, found.part) == ("as made", part)
        assert found.sound == hashlib.sha256(frames(before / part)).hexdigest()
        assert found.statement is not None
        assert (found.statement.engine, found.statement.seed) == ("composer", 5)
        assert found.statement.prompt == PROMPT
        assert found.statement.words[0].adapters == (("house", 0.5),)
        size = (marked / part).stat().st_size
        assert struct.unpack("<I", (marked / part).read_bytes()[4:8])[0] == size - 8


def test_equal_takes_stay_equal_files(played, marked: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    shutil.copytree(played[1], again)
    more = msgspec.structs.replace(wish(), takes=3, critic="nano", seed=2)
    state(played[0], more, again, 1_900_000_000.0)
    assert (again / "mix.wav").read_bytes() == (marked / "mix.wav").read_bytes()


def test_marking_twice_leaves_one_mark(played, marked: Path) -> None:
    before = (marked / "mix.wav").read_bytes()
    state(played[0], wish(), marked, 1_800_000_001.0)
    assert (marked / "mix.wav").read_bytes() == before


def test_a_file_that_is_none_costs_no_take(played, marked: Path) -> None:
    (marked / "stems" / "bass.wav").write_bytes(b"no sound")
    state(played[0], wish(), marked, 1_800_000_000.0)
    found = explain(marked / "mix.wav")
    assert found.verdict == "as made"
    assert found.statement is not None
    assert "stems/bass.wav" not in found.statement.sound
    assert (marked / "stems" / "bass.wav").read_bytes() == b"no sound"


def test_ffmpeg_reads_a_marked_file_as_before(played, marked: Path) -> None:
    import av

    with av.open(str(marked / "mix.wav")) as file:
        assert file.duration == round(played[0].length_samples / 48_000 * av.time_base)
        assert "MusiScene" in " ".join(file.metadata.values())


def test_a_file_that_moves_on_the_timeline_is_as_made(marked: Path) -> None:
    set_time_reference(marked / "mix.wav", 48_000 * 3600)
    assert explain(marked / "mix.wav").verdict == "as made"


def test_one_changed_sample_is_seen(marked: Path) -> None:
    path = marked / "mix.wav"
    wav = read_wav(path)
    data = bytearray(path.read_bytes())
    data[wav.data.begin + wav.data.length // 2] ^= 1
    path.write_bytes(data)
    found = explain(path)
    assert (found.verdict, found.part) == ("changed", "")
    assert found.statement is not None


def test_a_statement_that_was_changed_is_no_statement(marked: Path) -> None:
    path = marked / "mix.wav"
    data = path.read_bytes()
    assert data.count(b"CC0-1.0") >= 2
    path.write_bytes(
        data.replace(
            b"&quot;licence&quot;:&quot;CC0-1.0", b"&quot;licence&quot;:&quot;CC1-1.0"
        ).replace(b'"licence":"CC0-1.0', b'"licence":"CC1-1.0')
    )
    found = explain(path)
    assert found.verdict == "forged"
    assert found.statement is None


def test_the_ledger_knows_samples_whose_file_says_nothing(library: Path, marked: Path, tmp_path):
    ledger = Ledger(library)
    assert note(ledger, library / "takes", "cue-1/take-1")
    plain = tmp_path / "plain.wav"
    with wave.open(str(plain), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(3)
        file.setframerate(48_000)
        file.writeframes(frames(marked / "stems" / "bass.wav"))
    found = explain(plain, library)
    assert (found.verdict, found.part) == ("unmarked", "stems/bass.wav")
    assert found.line is not None
    assert (found.line.number, found.line.place) == (1, "cue-1/take-1")
    assert explain(plain).verdict == "not ours"


def ledger_of(folder: Path, count: int = 4) -> Ledger:
    ledger = Ledger(folder)
    for number in range(count):
        assert ledger.note(
            f"cue-{number}/take-1", f'{{"cue":"{number}"}}', 1_800_000_000.0 + number
        )
    return ledger


def test_each_line_holds_the_hash_of_the_one_before(tmp_path: Path) -> None:
    ledger = ledger_of(tmp_path)
    assert not ledger.note("cue-2/take-1", "{}", 0.0)
    lines = list(ledger.lines())
    assert [line.problem for line in lines] == [""] * 4
    assert [line.previous for line in lines] == [FIRST, *(line.hash for line in lines[:-1])]
    assert Ledger(tmp_path).note("cue-9/take-1", "{}", 1.0)
    assert [line.number for line in ledger.lines()] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("torn", [1, 20, 150])
def test_a_torn_last_line_is_cut_off_and_written_anew(tmp_path: Path, torn: int) -> None:
    ledger = ledger_of(tmp_path)
    data = ledger.path.read_bytes()
    ledger.path.write_bytes(data[:-torn])
    assert [line.number for line in ledger.lines()] == [1, 2, 3]
    again = Ledger(tmp_path)
    assert again.note("cue-3/take-1", '{"cue":"3"}', 1_800_000_003.0)
    assert ledger.path.read_bytes() == data


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda lines: [lines[0], lines[1].replace(b"cue-1", b"cue-7"), *lines[2:]], "Line 2 was"),
        (lambda lines: [lines[0], *lines[2:]], "Before line 2"),
        (lambda lines: [lines[0], lines[2], lines[1], lines[3]], "Before line 2"),
        (lambda lines: [lines[0], b"\xff{[\n", *lines[1:]], "Line 2 cannot"),
        (lambda lines: [b"[" * 100_000 + b"\n", *lines], "Line 1 cannot"),
        (lambda lines: [b"x" * (3 << 20) + b"\n", *lines], "Line 1 cannot"),
    ],
)
def test_a_broken_chain_is_seen_where_it_breaks(tmp_path: Path, change, problem: str) -> None:
    ledger = ledger_of(tmp_path)
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    ledger.path.write_bytes(b"".join(change(lines)))
    found = [line.problem for line in ledger.lines() if line.problem]
    assert found[0].startswith(problem)


def chunk(kind: bytes, body: bytes, length: int | None = None) -> bytes:
    return kind + struct.pack("<I", len(body) if length is None else length) + body


def riff(*chunks: bytes) -> bytes:
    body = b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WAVE" + body


FMT = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, 48_000, 144_000, 3, 24))
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(
        b'<!ENTITY a%d "%s">' % (n, b"&a%s;" % (b"" if n == 1 else b"%d" % (n - 1)) * 10)
        for n in range(1, 9)
    )
    + b"]><BWFXML><MUSISCENE><STATEMENT>&a8;</STATEMENT></MUSISCENE></BWFXML>"
)


@pytest.mark.parametrize(
    "data",
    [
        riff(FMT, chunk(b"data", b"abc" * 4), chunk(b"iXML", BOMB)),
        riff(FMT, chunk(b"data", b"abc" * 4), chunk(b"iXML", b"<a>" * 100_000)),
        riff(FMT, chunk(b"data", b"abc" * 4), chunk(b"iXML", b"\0\xff<")),
        riff(FMT, chunk(b"data", b"abc" * 4), chunk(b"iXML", b"<BWFXML><MUSISCENE/></BWFXML>")),
        riff(FMT, chunk(b"data", b"abc" * 4), chunk(b"iXML", b"x" * (2 << 20))),
        riff(FMT, chunk(b"data", b"abc" * 4), chunk(b"LIST", b"INFO", 0xFFFFFFF0)),
        riff(FMT, chunk(b"data", b"abc" * 4, 0xFFFFFFFF)),
        riff(FMT, chunk(b"data", b"abc" * 4)) + chunk(b"JUNK", b"") * 50_000,
        riff(chunk(b"data", b"")),
        b"RF64\xff\xff\xff\xffWAVE"
        + chunk(b"ds64", b"\xff" * 28)
        + chunk(b"data", b"abc", 0xFFFFFFFF),
    ],
)
def test_hostile_files_are_read_in_bounds(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "hostile.wav"
    path.write_bytes(data)
    assert explain(path).verdict in ("not ours", "forged")


@pytest.mark.parametrize("length", range(0, 80, 3))
def test_a_cut_file_is_an_error_or_said_to_be_cut(
    marked: Path, tmp_path: Path, length: int
) -> None:
    path = tmp_path / "cut.wav"
    path.write_bytes((marked / "mix.wav").read_bytes()[: length * length])
    if length * length < 700:
        with pytest.raises(MediaError, match=r"no samples|no WAV file"):
            explain(path)
    else:
        assert explain(path).cut


@pytest.mark.skipif(os.name == "nt", reason="no pipes with names")
def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    for path in (tmp_path / "pipe.wav", tmp_path, tmp_path / "none.wav"):
        with pytest.raises(MediaError):
            explain(path)


def test_what_others_wrote_behind_the_samples_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.wav"
    path.write_bytes(riff(FMT, chunk(b"data", b"abc" * 4), chunk(b"cue ", b"1234")))
    before = path.read_bytes()
    assert not append(path, [(b"iXML", b"<x/>")])
    assert path.read_bytes() == before


def test_the_command_tells_it_and_checks_the_ledger(library: Path, marked: Path, capsys) -> None:
    note(Ledger(library), library / "takes", "cue-1/take-1")
    given = ["provenance", str(marked / "mix.wav"), "--library", str(library)]
    assert main(given) == 0
    said = capsys.readouterr().out
    assert "as it was made" in said
    assert "CC0-1.0: may be used commercially" in said
    assert "by mullama, with house at 0.5" in said
    assert "line 1: cue-1/take-1, 2027-01-15 08:00:00 UTC" in said
    assert main([*given, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["verdict"], told["ledger"]["line"]) == ("as made", 1)
    assert main(["provenance", "check", "--library", str(library)]) == 0
    assert told["ledger"]["hash"] in capsys.readouterr().out
    path = library / "ledger.jsonl"
    path.write_bytes(path.read_bytes().replace(b"take-1", b"take-2"))
    assert main(["provenance", "check", "--library", str(library)]) == 2
    assert "Line 1 was changed" in capsys.readouterr().err
    assert main(["provenance", str(library / "none.wav")]) == 2


@pytest.mark.parametrize(
    ("name", "options", "verdict", "part"),
    [
        ("x.flac", (), "as made", "stems/bass.wav"),
        ("x.flac", ("-map_metadata", "-1"), "unmarked", "stems/bass.wav"),
        ("x.flac", ("-t", "1"), "changed", ""),
        ("x.mp3", (), "changed", ""),
        ("x.aiff", ("-c:a", "pcm_s24be", "-map_metadata", "-1"), "unmarked", "stems/bass.wav"),
        ("x.wav", ("-c:a", "pcm_f32le"), "as made", "stems/bass.wav"),
        ("x.wav", ("-c:a", "pcm_s16le"), "changed", ""),
        ("x.wav", ("-c", "copy", "-rf64", "always", "-map_metadata", "-1"), "unmarked", None),
    ],
)
def test_what_other_programs_make_of_a_file_is_still_known(
    library: Path, marked: Path, tmp_path: Path, name: str, options, verdict: str, part
) -> None:
    note(Ledger(library), library / "takes", "cue-1/take-1")
    source = marked / "stems" / "bass.wav"
    command = [find_ffmpeg(), "-v", "error", "-i", str(source), *options, str(tmp_path / name)]
    subprocess.run(command, check=True)
    found = explain(tmp_path / name, library)
    assert (found.verdict, found.part) == (verdict, "stems/bass.wav" if part is None else part)
    assert found.line is not None
    assert found.line.place == "cue-1/take-1"
    data = (tmp_path / name).read_bytes()
    if name == "x.flac" and verdict == "as made":
        (tmp_path / "cut.flac").write_bytes(data[: len(data) // 2])
        found = explain(tmp_path / "cut.flac", library)
        assert (found.verdict, found.cut) == ("changed", True)


def test_a_piece_that_says_nothing_is_found_in_the_take_that_is_here(
    library: Path, marked: Path, tmp_path: Path, capsys
) -> None:
    note(Ledger(library), library / "takes", "cue-1/take-1")
    source = marked / "mix.wav"
    data = read_wav(source).data
    whole = source.read_bytes()
    piece = tmp_path / "piece.wav"
    with wave.open(str(piece), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(3)
        file.setframerate(48_000)
        begin = data.begin + 6 * 24_000
        # Faded at its ends, as an editor leaves it.
        file.writeframes(bytes(600) + whole[begin + 600 : begin + 6 * 48_000] + bytes(600))
    found = explain(piece, library)
    assert (found.verdict, found.part) == ("changed", "")
    assert found.line is not None
    assert found.piece is not None
    assert found.piece.file == source
    assert found.piece.file_s - found.piece.own_s == pytest.approx(0.5)
    assert main(["provenance", str(piece), "--library", str(library), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["piece"]["file"] == str(source)
    cut = tmp_path / "cut.wav"
    cut.write_bytes(whole[: data.begin + 200_000])
    found = explain(cut, library)
    assert (found.verdict, found.cut) == ("changed", True)
    assert found.piece is not None
    assert found.piece.file_s == found.piece.own_s
    with wave.open(str(piece), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(3)
        file.setframerate(48_000)
        file.writeframes(bytes(6 * 48_000))
    assert explain(piece, library).verdict == "not ours"
    shutil.rmtree(marked)
    # Its first bytes name the take, which the ledger knows.
    assert explain(cut, library).verdict == "changed"
    cut.write_bytes(cut.read_bytes().replace(b"musiscene:statement:", b"somebody:statement::"))
    assert explain(cut, library).verdict == "not ours"


def test_every_place_that_a_converter_may_keep_names_the_statement(marked: Path) -> None:
    path = marked / "stems" / "bass.wav"
    before = path.read_bytes()
    wav = read_wav(path)
    found = find_mark(path, wav)
    assert found is not None
    kept = {chunk.kind: before[chunk.begin : chunk.begin + chunk.length] for chunk in wav.chunks}
    name = f"musiscene:statement:{found.name}".encode()
    assert kept[b"bext"][:256].rstrip(b"\0") == b"MusiScene take-1 bass " + name
    assert name in kept[b"LIST"]
    # Marked once more nothing grows.
    mark(marked, read_statement(found.text))
    assert path.read_bytes() == before


def test_processes_that_write_at_once_leave_one_chain(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from musiscene_core.provenance.ledger import Ledger\n"
        "ledger = Ledger(Path(sys.argv[1])); print(flush=True); sys.stdin.readline()\n"
        "for n in range(int(sys.argv[3])): ledger.note(f'{sys.argv[2]}/{n}', 'x' * 500, 1.0)"
    )
    counts = {"a": 40, "b": 40, "killed": 1_000_000}
    writing = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path), name, str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for name, count in counts.items()
    ]
    for one in writing:
        one.stdout.readline()
    for one in writing:
        one.stdin.write(b"\n")
        one.stdin.flush()
    assert [one.wait(60) for one in writing[:2]] == [0, 0]
    writing[2].kill()
    for one in writing:
        one.communicate()
    assert Ledger(tmp_path).note("after/0", "x", 1.0)
    lines = list(read_lines(tmp_path / "ledger.jsonl"))
    assert [line.problem for line in lines if line.problem] == []
    places = [line.place for line in lines]
    assert len(set(places)) == len(places)
    assert {f"{name}/{n}" for name in "ab" for n in range(40)} < set(places)
    assert places[-1] == "after/0"


def test_a_sidecar_that_makes_no_sense_is_passed_over(library: Path, marked: Path) -> None:
    (marked / STATEMENT_FILE).write_bytes(b"[" * 10_000)
    assert not note(Ledger(library), library / "takes", "cue-1/take-1")
    assert list(read_lines(library / "ledger.jsonl")) == []


def test_a_file_is_signed_with_a_certificate_of_the_users(library, marked: Path, tmp_path, capsys):
    pytest.importorskip("c2pa", reason="the extra 'c2pa' is not installed")
    from musiscene_core.provenance.signing import sign, signature_of
    from tests.support.certificates import make_signer

    chain, key = make_signer(tmp_path)
    source, target = marked / "mix.wav", tmp_path / "signed.wav"
    sign(source, target, chain, key, library=None)
    assert "by Test Editor; the signature holds" in signature_of(target)
    assert signature_of(source) == ""
    assert frames(target) == frames(source)
    assert explain(target).verdict == "as made"
    data = bytearray(target.read_bytes())
    data[read_wav(target).data.begin + 30] ^= 1
    target.write_bytes(data)
    assert "does not hold" in signature_of(target)
    with pytest.raises(RequestError, match="is not music as MusiScene made it"):
        sign(target, tmp_path / "again.wav", chain, key, library=None)
    with pytest.raises(InputError, match="no private key"):
        sign(source, tmp_path / "again.wav", chain, chain, library=None)
    with pytest.raises(InputError, match="could not be signed"):
        sign(source, tmp_path / "again.wav", key, key, library=None)
    assert not list(tmp_path.glob("*again*"))
    assert main(["provenance", "sign", str(source)]) == 2
    assert "--certificate" in capsys.readouterr().err
