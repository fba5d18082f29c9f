"""`musiscene gallery`: every idiom side by side, to listen to, with what each measures.

DIR/index.html, gallery.csv, <idiom>-<seed>.wav
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
import numpy as np
from rich.table import Table

from musiscene_core.composing.engine import IDIOM_NAMES
from musiscene_core.errors import CancelledError, MusiSceneError, OutputError, RequestError
from musiscene_core.keys import key_name
from musiscene_core.measures import OCTAVES_DB, TARGETS, measure
from musiscene_core.media import wav_pieces
from musiscene_core.progress import Portion
from musiscene_core.protocol import connect
from musiscene_core.protocol.client import Client
from musiscene_core.ranges import FrameRange
from musiscene_core.reporting.gallery_page import gallery_page
from musiscene_core.request import MAX_TAKES, ComposeRequest, frames_of
from musiscene_core.take import Take
from musiscene_core.timecode import SAMPLE_RATE
from musiscene_core.timeline import TimelineRange
from musiscene_plugins.cli.inputs import parse_duration
from musiscene_plugins.cli.terminal import ShownProgress, result_console, shown_progress
from musiscene_plugins.results import check_output, check_vacant

_MOODS = {
    "action ostinato": "tense, then energising",
    "ambient pad": "calm, then dreamy",
    "comedy pizzicato": "playful, then joyful",
    "documentary neutral": "calm, then hopeful",
    "heroic": "brave, then triumphant",
    "horror cluster": "uneasy, then scary",
    "hybrid trailer": "ominous, then triumphant",
    "intimate piano": "sad, then tender",
    "melancholy": "calm, then sad",
    "string drama": "sad, then defiant",
    "tension pulse": "calm, then tense",
    "uplift": "hopeful, then joyful",
    "wonder": "dreamy, then beautiful",
}
"""Each idiom where it is at home, with somewhere to go."""


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """One cue of the gallery and its figures; the units are in the names."""

    idiom: str
    seed: int
    file: str
    length_s: float
    key: str
    tempo_bpm: float
    hits: int
    worst_hit_frames: float
    loudness_lufs: float
    true_peak_dbtp: float
    lra_lu: float
    crest_db: float
    correlation: float
    octaves_off_db: float
    octaves_db: tuple[float, ...]


def run(arguments: argparse.Namespace) -> int:
    """Make the gallery that the arguments ask for; returns the exit code."""
    requests = _requests(arguments)
    output = Path(arguments.output).expanduser().absolute()
    check_vacant(output)
    one = requests[0]
    span = TimelineRange(cue="gallery", rate=one.rate, record=FrameRange(0, one.frames))
    check_output(output, span, len(requests), sounds=1)
    with shown_progress(quiet=arguments.json) as show, connect() as client:
        pieces = _made(client, requests, output, show)
    if arguments.json:
        sys.stdout.write(json.dumps(msgspec.to_builtins(pieces)) + "\n")
        return 0
    table = Table(*_COLUMNS, box=None, pad_edge=False)
    for piece in pieces:
        table.add_row(*(text if wanted else f"{text} *" for text, wanted in _cells(piece)))
    console = result_console()
    console.print(table, markup=False)
    console.print("* outside the range of orchestral scores", markup=False)
    console.print(f"Written: {output / 'index.html'}", markup=False)
    return 0


def _requests(arguments: argparse.Namespace) -> list[ComposeRequest]:
    names = [word.strip() for word in arguments.idioms.split(",") if word.strip()]
    for name in names:
        if name not in IDIOM_NAMES:
            raise RequestError(
                f"There is no idiom {name!r}.", hint=f"The idioms are {', '.join(IDIOM_NAMES)}."
            )
    if not 1 <= arguments.seeds <= MAX_TAKES:
        raise RequestError(f"The seeds must be 1 to {MAX_TAKES}.")
    frames, rate = frames_of(parse_duration(arguments.seconds))
    return [
        ComposeRequest(
            mood=_MOODS[name], cue=f"{name} {seed}", frames=frames, rate=rate, seed=seed, idiom=name
        )
        for name in dict.fromkeys(names or IDIOM_NAMES)
        for seed in range(1, arguments.seeds + 1)
    ]


def _made(
    client: Client, requests: Sequence[ComposeRequest], output: Path, show: ShownProgress
) -> list[Piece]:
    """Have all of them made, after whatever else the daemon has to do, and publish them."""
    jobs: list[str] = []
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=output.parent, prefix=".musiscene-") as scratch:
            staged = Path(scratch) / "gallery"
            staged.mkdir()
            for request in requests:
                jobs.append(client.submit_compose(request, priority="batch"))
            pieces = []
            for number, (job, request) in enumerate(zip(jobs, requests, strict=True)):
                part = Portion(show, number / len(jobs), (number + 1) / len(jobs))
                stage = f"Making {request.cue}"
                result = client.wait(job, lambda _, share, p=part, s=stage: p(s, share))
                pieces.append(_measured(Path(result.takes[0]), request, staged))
            (staged / "gallery.csv").write_text(_csv(pieces), encoding="utf-8")
            rows = [(piece.file, _cells(piece)) for piece in pieces]
            page = gallery_page("MusiScene gallery", _COLUMNS, rows)
            (staged / "index.html").write_text(page, encoding="utf-8")
            check_vacant(output)
            if output.is_dir():
                output.rmdir()
            os.rename(staged, output)
            return pieces
    except OSError as error:
        raise OutputError.from_os(error, output) from error
    except (KeyboardInterrupt, CancelledError):
        for job in jobs:
            with suppress(MusiSceneError):
                client.cancel(job)
        raise


def _measured(folder: Path, request: ComposeRequest, staged: Path) -> Piece:
    """Copy a take's mix into the gallery and measure it."""
    take = msgspec.json.decode((folder / "take.json").read_bytes(), type=Take)
    idiom = request.idiom or ""
    name = f"{idiom.replace(' ', '-')}-{request.seed}.wav"
    shutil.copyfile(folder / take.mix, staged / name)
    pieces = [piece / np.float32(1 << 23) for piece in wav_pieces(staged / name, SAMPLE_RATE)]
    found = measure(np.concatenate(pieces, axis=1))
    return Piece(
        idiom=idiom,
        seed=request.seed,
        file=name,
        length_s=take.length_samples / SAMPLE_RATE,
        key="" if take.tonic is None else key_name(take.tonic, take.mode),
        tempo_bpm=round(take.tempo.bpm_at(0.0), 2) if take.tempo is not None else 0.0,
        hits=len(take.hits),
        worst_hit_frames=max((abs(hit.error_frames) for hit in take.hits), default=0.0),
        loudness_lufs=take.loudness_lufs,
        true_peak_dbtp=take.true_peak_dbtp,
        **{
            field: round(getattr(found, field), 3)
            for field in ("lra_lu", "crest_db", "correlation", "octaves_off_db")
        },
        octaves_db=tuple(round(value, 2) for value in found.octaves_db),
    )


_COLUMNS = (
    *("Idiom", "Seed", "Key", "BPM", "Hits", "Worst hit", "LUFS", "dBTP", "LRA", "Crest"),
    *("L/R", "Octaves off"),
)


def _cells(piece: Piece) -> list[tuple[str, bool]]:
    """The texts of COLUMNS, and whether each figure is as it should be."""

    def wanted(figure: str) -> bool:
        low, high = TARGETS[figure]
        return low <= float(getattr(piece, figure)) <= high

    return [
        (piece.idiom, True),
        (str(piece.seed), True),
        (piece.key, True),
        (f"{piece.tempo_bpm:.1f}", True),
        (str(piece.hits), True),
        (f"{piece.worst_hit_frames:.2f} frames", piece.worst_hit_frames <= 1.0),
        (f"{piece.loudness_lufs:.1f}", True),
        (f"{piece.true_peak_dbtp:.2f}", True),
        (f"{piece.lra_lu:.1f}", wanted("lra_lu")),
        (f"{piece.crest_db:.1f}", wanted("crest_db")),
        (f"{piece.correlation:.2f}", wanted("correlation")),
        (f"{piece.octaves_off_db:.1f} dB", wanted("octaves_off_db")),
    ]


def _csv(pieces: Sequence[Piece]) -> str:
    text = io.StringIO()
    plain = [field for field in Piece.__struct_fields__ if field != "octaves_db"]
    octaves = [f"octave_{40 * 2**place}_hz_db" for place in range(len(OCTAVES_DB))]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*plain, *octaves])
    for piece in pieces:
        writer.writerow([*(getattr(piece, field) for field in plain), *piece.octaves_db])
    return text.getvalue()
