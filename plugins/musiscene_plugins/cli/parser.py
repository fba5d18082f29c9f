"""The command line's grammar: every command and its options. Loads no command."""

from __future__ import annotations

import argparse

from musiscene_core import __version__
from musiscene_plugins.cli.captions_parser import add_caption, add_language, add_watching
from musiscene_plugins.cli.options import (
    add_music,
    add_range,
    add_reading,
    add_report,
    add_resolve,
    add_sheet,
    add_steering,
    add_theme,
)
from musiscene_plugins.cli.rights_parser import add_licence, add_models, add_provenance
from musiscene_plugins.formats.keys import OTIO_FORMAT, WRITTEN_KEYS

ACTIONS = (
    *("start", "stop", "status", "metrics", "models", "unload"),
    *("install", "uninstall"),
)


def build_parser() -> argparse.ArgumentParser:
    """Every command and option."""
    parser = argparse.ArgumentParser(
        prog="musiscene",
        description="Scores film scenes: exact length, hits on the cuts, quiet under dialogue.",
    )
    parser.add_argument("--version", action="version", version=f"musiscene {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_score(commands.add_parser("score", help="score a scene of a movie or timeline"))
    _add_spot(commands.add_parser("spot", help="watch and listen to a scene, print the brief"))
    _add_compose(commands.add_parser("compose", help="compose a cue from words, without picture"))
    _add_gallery(commands.add_parser("gallery", help="compose every idiom, to listen and compare"))
    add_caption(commands.add_parser("caption", help="put music or a scene into words"))
    add_watching(commands.add_parser("watching", help="choose the models that watch and listen"))
    add_language(commands.add_parser("language", help="choose the language model that writes"))
    _add_conform(commands.add_parser("conform", help="fit a take to a timeline that changed"))
    _add_remix(commands.add_parser("remix", help="fit music that exists to a range or a length"))
    _add_preview(commands.add_parser("preview", help="render the scene with its music"))
    _add_demo(commands.add_parser("demo", help="score a short film that comes along"))
    _add_daemon(commands.add_parser("daemon", help="start, stop or look at the daemon"))
    _add_engines(
        commands.add_parser("engines", help="list who can make music, and what is missing")
    )
    _add_setup(commands.add_parser("setup", help="put in place what engines and editors need"))
    add_models(commands.add_parser("models", help="list, pull, add, check or remove models"))
    add_licence(commands.add_parser("licence", help="choose what music is made for"))
    add_provenance(commands.add_parser("provenance", help="say how the music in a file was made"))
    _add_jobs(commands.add_parser("jobs", help="list, cancel or watch the daemon's jobs"))
    _add_pair(commands.add_parser("pair", help="use the daemon of another machine"))
    _add_takes(commands.add_parser("takes", help="search, mark or delete finished takes"))
    _add_themes(commands.add_parser("themes", help="list the themes of a film"))
    _add_cuesheet(commands.add_parser("cuesheet", help="write the cue sheet of a film"))
    _add_watch(commands.add_parser("watch", help="score timelines that appear in a folder"))
    _add_mcp(commands.add_parser("mcp", help="serve assistants over the Model Context Protocol"))
    _add_undo(commands.add_parser("undo", help="take placed music away from its timeline"))
    _add_doctor(commands.add_parser("doctor", help="look at everything that could be wrong"))
    _add_uninstall(
        commands.add_parser("uninstall", help="take away all that was set up, but never takes")
    )
    commands.add_parser("host", help="hold a timeline for the panel, which starts this itself")
    for command in (parser, *commands.choices.values()):
        default = 0 if command is parser else argparse.SUPPRESS
        command.add_argument(
            "-v", "--verbose", action="count", default=default, help="say more on stderr"
        )
        command.add_argument(
            "--daemon",
            metavar="NAME",
            default=None if command is parser else argparse.SUPPRESS,
            help="use a paired daemon on another machine (default: MUSISCENE_DAEMON)",
        )
    return parser


def _add_score(parser: argparse.ArgumentParser) -> None:
    add_range(parser, needed=False)
    add_resolve(parser, what="score the timeline open in DaVinci Resolve Studio, In to Out")
    parser.add_argument(
        "--mixdown",
        action="store_true",
        help="let Resolve mix down sound whose media cannot be read",
    )
    add_music(parser)
    add_steering(parser)
    parser.add_argument("--brief", metavar="JSON", help="an edited brief, instead of spotting")
    parser.add_argument(
        "--cues",
        metavar="WHICH",
        help="score many cues: markers (those with a length), markers:COLOUR, or a CSV file with "
        "the columns name, in, out and notes; done cues are kept when run again",
    )
    add_theme(parser)
    add_sheet(parser)
    parser.add_argument("--output", metavar="DIR", help="where to write (./<name>-score)")
    parser.add_argument("--single", action="store_true", help="place the mix on one track")
    parser.add_argument(
        "--format",
        choices=(OTIO_FORMAT, *WRITTEN_KEYS),
        help="write the scored timeline in this format (default: its own, else otio)",
    )
    parser.add_argument(
        "--place",
        choices=("new", "replace", "skip"),
        help="beside music placed there earlier (default), instead of it, or not at all; with "
        "--cues in Resolve the default is: instead of what was made for the same cue",
    )
    add_report(parser)
    parser.add_argument("--json", action="store_true", help="print the take as JSON")


def _add_spot(parser: argparse.ArgumentParser) -> None:
    add_range(parser)
    parser.add_argument("--json", action="store_true", help="print the brief as JSON")
    parser.add_argument("--plot", metavar="PNG", help="draw the brief")
    parser.add_argument("--save", metavar="JSON", help="save the brief, to edit it")


def _add_compose(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--mood", required=True, metavar="WORDS", help='such as "tense, then triumphant"'
    )
    parser.add_argument(
        "--duration", required=True, metavar="SECONDS", help="how long: 60, 12.5 or 1:30"
    )
    parser.add_argument("--cue", default="", metavar="NAME", help="what to call the cue")
    parser.add_argument("--rate", "--fps", metavar="FPS", help="make it whole frames at this rate")
    add_music(parser)
    parser.add_argument("--output", metavar="DIR", help="where to write (./<mood>-cue)")
    add_report(parser)
    parser.add_argument("--json", action="store_true", help="print the take as JSON")


def _add_gallery(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", required=True, metavar="DIR", help="where to write")
    parser.add_argument("--seeds", type=int, default=2, metavar="N", help="cues an idiom (2)")
    parser.add_argument(
        "--idioms", default="", metavar="NAMES", help="only these, such as heroic,wonder"
    )
    parser.add_argument("--seconds", default="30", metavar="S", help="how long each is (30)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")


def _add_conform(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "take",
        metavar="OLD",
        nargs="?",
        help="the old version of the timeline, or one take: its folder, its id in "
        "`musiscene takes`, or its request.json; in Resolve: default the takes on the timeline",
    )
    add_range(parser, file="the timeline as it is now", needed=False)
    add_resolve(parser, what="the timeline as it is now is the one open in DaVinci Resolve Studio")
    parser.add_argument(
        "--pieces",
        action="store_true",
        help="in Resolve: also take away pieces of the earlier music that were cut or moved apart",
    )
    parser.add_argument(
        "--takes",
        action="append",
        default=[],
        metavar="DIR",
        help="where the takes of the old version are (default: the library)",
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what changed")
    parser.add_argument("--picture", metavar="PNG", help="draw the first cue, old over new")
    parser.add_argument("--output", metavar="DIR", help="where to write (./<name>-score)")
    parser.add_argument("--single", action="store_true", help="place the mix on one track")
    parser.add_argument("--json", action="store_true", help="print the changes and takes as JSON")


def _add_remix(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("music", metavar="MUSIC", help="the music: a sound file or movie")
    add_range(parser, file="movie or timeline to fit it to", needed=False)
    parser.add_argument("--duration", metavar="SECONDS", help="or a length: 60, 12.5 or 1:30")
    music = parser.add_argument_group("the music")
    music.add_argument(
        "--hit", action="append", default=[], metavar="TC", help="a record timecode to meet"
    )
    music.add_argument("--keep-beginning", action="store_true", help="begin as the music begins")
    music.add_argument("--tempo", type=float, metavar="BPM", help="its tempo, where it is misheard")
    music.add_argument(
        "--bar-line", type=float, metavar="SECONDS", help="where in it a bar begins, likewise"
    )
    music.add_argument("--beats-per-bar", type=int, metavar="N", help="its metre, likewise")
    music.add_argument("--loudness", type=float, metavar="LUFS", help="else as loud as it is")
    music.add_argument("--seed", type=int, default=0, metavar="N", help="another seed, other joins")
    music.add_argument("--takes", type=int, default=1, metavar="N", help="how many different takes")
    parser.add_argument("--output", metavar="DIR", help="where to write")
    parser.add_argument("--json", action="store_true", help="print the take and its joins as JSON")


def _add_preview(parser: argparse.ArgumentParser) -> None:
    add_range(parser, file="a take's folder, a movie or a timeline")
    parser.add_argument("--output", metavar="MP4", help="where to write")
    parser.add_argument("--height", type=int, default=540, metavar="PIXELS", help="of the picture")
    parser.add_argument(
        "--own-sound", action="store_true", help="keep a movie's own sound under the music"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def _add_demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output", default="musiscene-demo", metavar="DIR", help="where to write (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="another seed")
    parser.add_argument(
        "--film", action="store_true", help="only put the film there, and print its path"
    )


def _add_daemon(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=ACTIONS)
    parser.add_argument("model", nargs="?", metavar="MODEL", help="which model to unload")
    parser.add_argument("--json", action="store_true", help="print as JSON")
    parser.add_argument("--watch", action="store_true", help="keep showing the status")


def _add_engines(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print as JSON")


def _add_setup(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "environment",
        metavar="NAME",
        help="resolve (scripts in its menu), gpu (models with torch), or audiocraft",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--verify", action="store_true", help="check the one that is there")
    how.add_argument("--repair", action="store_true", help="install again what is damaged")
    how.add_argument("--remove", action="store_true", help="delete it")
    parser.add_argument("--python", metavar="PATH", help="the interpreter to make it from")
    parser.add_argument("--mirror", metavar="URL", help="a package index instead of pip's own")
    parser.add_argument(
        "--packages", metavar="DIR", help="a folder with all packages, instead of any index"
    )
    parser.add_argument(
        "--torch",
        choices=("cuda", "cpu", "rocm", "mps"),
        help="for which processor (default: by what this machine has)",
    )
    parser.add_argument("--torch-index", metavar="URL", help="the index that has this torch")
    parser.add_argument("--folder", metavar="DIR", help="of resolve: where the scripts go")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def _add_jobs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", nargs="?", choices=("list", "cancel", "watch"), default="list")
    parser.add_argument("job", nargs="?", metavar="ID", help="which job to cancel; or all, queued")
    parser.add_argument("--json", action="store_true", help="print as JSON, one job a line")


def _add_takes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "words",
        nargs="*",
        metavar="WORDS",
        help="what to search for in cues, captions, prompts, keys and labels; or one of: "
        "show ID, judge ID ID, favourite ID, unfavourite ID, label ID WORDS, delete ID, purge, "
        "list WORDS",
    )
    parser.add_argument(
        "--critic",
        default="",
        metavar="NAME",
        help="judge by this captioner's words beside measurements (default: measurements alone)",
    )
    parser.add_argument("--cue", default="", metavar="NAME", help="only cues whose name has this")
    parser.add_argument("--engine", default="", metavar="NAME", help="only this engine's")
    parser.add_argument("--favourite", action="store_true", help="only favourites")
    parser.add_argument("--since", metavar="DATE", help="only since 2026-11-30, or 12h, 3d, 2w")
    parser.add_argument("--limit", type=int, default=100, metavar="N", help="at most so many")
    parser.add_argument("--even-favourite", action="store_true", help="delete a favourite too")
    parser.add_argument("--yes", action="store_true", help="purge without asking")
    parser.add_argument("--json", action="store_true", help="print as JSON, one take a line")


def _add_pair(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "code",
        nargs="*",
        metavar="CODE",
        help="the code that `musiscene pair` shows on the daemon's machine; none shows one here",
    )
    parser.add_argument("--name", metavar="NAME", help="what to call this machine there")
    parser.add_argument("--as", dest="alias", metavar="NAME", help="what to call the daemon here")
    parser.add_argument("--list", action="store_true", help="list the machines paired with this")
    parser.add_argument("--revoke", metavar="NAME", help="keep one of them out from now on")
    parser.add_argument("--json", action="store_true", help="print as JSON")


def _add_themes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("book", metavar="BOOK", help="a theme book, as `score --themes` makes it")
    parser.add_argument("--json", action="store_true", help="print the book as JSON")


def _add_undo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "placement", metavar="PLACEMENT", help="a placement.json, or the folder of a placed take"
    )
    parser.add_argument(
        "--bridge",
        action="store_true",
        help="reach Resolve through the MusiScene script running in it (free edition)",
    )
    parser.add_argument("--json", action="store_true", help="print as JSON")


def _add_doctor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--bundle", metavar="FILE.zip", help="also write a file to attach, without private names"
    )
    add_resolve(parser, what="try out DaVinci Resolve instead, on a timeline of its own")
    parser.add_argument(
        "--scripts", nargs="?", const="", metavar="DIR", help="the same as `setup resolve`"
    )
    parser.add_argument("--json", action="store_true", help="print as JSON")


def _add_uninstall(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--json", action="store_true", help="print as JSON")


def _add_cuesheet(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a scored timeline, or a folder of takes")
    add_reading(parser)
    add_sheet(parser)
    parser.add_argument("--output", metavar="DIR", help="where to write (beside the timeline)")
    parser.add_argument("--json", action="store_true", help="print the sheet as JSON")


def _add_watch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="FOLDER", help="where timeline exports appear")
    parser.add_argument("--once", action="store_true", help="score what is there, then end")
    parser.add_argument(
        "--every",
        type=float,
        default=2.0,
        metavar="SECONDS",
        help="how often to look (%(default)g)",
    )
    add_reading(parser)
    add_music(parser)
    add_steering(parser)
    parser.add_argument(
        "--cues",
        default="",
        metavar="WHICH",
        help="as in score (default: the markers with a length, else the whole timeline)",
    )
    add_theme(parser)
    add_sheet(parser)
    parser.add_argument("--single", action="store_true", help="place the mix on one track")


def _add_mcp(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--root",
        action="append",
        default=[],
        metavar="DIR",
        help="a folder that may be read from and written to; again for more (the current one)",
    )
