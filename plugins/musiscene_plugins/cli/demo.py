"""`musiscene demo`: score the short film that comes with the package."""

from __future__ import annotations

import argparse
from importlib.resources import as_file, files
from pathlib import Path

from musiscene_core.codec import write_atomically
from musiscene_plugins.cli.inputs import opened_host, range_choice, request_for
from musiscene_plugins.cli.parser import build_parser
from musiscene_plugins.cli.score import show_scored
from musiscene_plugins.cli.scoring import score_range
from musiscene_plugins.cli.terminal import result_console

FILM = "demo_film.mp4"


def run(arguments: argparse.Namespace) -> int:
    """Score the film into the output folder; returns the exit code."""
    output = Path(arguments.output).expanduser().absolute()
    with as_file(files("musiscene_plugins.cli") / FILM) as packaged:
        film = _copied_film(packaged, output)
    if arguments.film:
        result_console().print(film, markup=False, soft_wrap=True)
        return 0
    wanted = build_parser().parse_args(
        ["score", str(film), "--cue", "demo", "--seed", str(arguments.seed)]
    )
    host = opened_host(wanted, output)
    request = request_for(wanted, host.read_range(range_choice(wanted)))
    scored = score_range(host, request, brief=None, output=output, layout="stems", quiet=False)
    from musiscene_core.spotting.plot import plot_brief

    take = scored.takes[0]
    chart = take.folder.parent / "brief.png"
    if not chart.exists():
        plot_brief(scored.brief, chart)
    show_scored(scored)
    console = result_console()
    for title, path in (
        ("The film", film),
        ("The music", take.folder / "mix.wav"),
        ("Its stems", take.folder / "stems"),
        ("What was seen and heard", chart),
    ):
        console.print(f"{title}: {path}", markup=False)
    console.print("Try next:")
    for command in (
        f"musiscene preview {take.folder} --own-sound",
        f"musiscene score {film} --in 00:00:02:00 --out 00:00:08:00 --seed 7",
        f"musiscene spot {film} --plot chart.png",
        "musiscene score YOUR_FILM.mp4 --in 00:00:04:00 --out 00:00:30:00",
    ):
        console.print(f"  {command}", markup=False)
    return 0


def _copied_film(packaged: Path, output: Path) -> Path:
    """The film beside its music, so that the folder can be moved or sent as one."""
    film = output / FILM
    data = packaged.read_bytes()
    number = 1
    while film.exists() and film.read_bytes() != data:
        number += 1
        film = output / f"demo_film-{number}.mp4"
    if not film.exists():
        write_atomically(film, data)
    return film
