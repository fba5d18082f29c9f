"""Options that several commands share."""

from __future__ import annotations

import argparse

from musiscene_core.composing.engine import IDIOM_NAMES
from musiscene_core.request import CAPTION_STRATEGIES, SIGNALS
from musiscene_core.sampling import USUAL


def add_range(
    parser: argparse.ArgumentParser,
    file: str = "movie, sound file or timeline (.otio, .xml, .fcpxml, .aaf, .edl, .mlt, .kdenlive)",
    *,
    needed: bool = True,
) -> None:
    """The file, the range in it, and how to read it."""
    parser.add_argument("file", metavar="FILE", nargs=None if needed else "?", help=file)
    where = parser.add_argument_group("the range")
    where.add_argument("--in", dest="record_in", metavar="TC", help="record timecode or frame")
    where.add_argument("--out", dest="record_out", metavar="TC", help="the frame after the last")
    where.add_argument("--marker", metavar="NAME", help="a marker whose length is the range")
    where.add_argument("--cue", default="", metavar="NAME", help="what to call the cue")
    add_reading(parser)


def add_reading(parser: argparse.ArgumentParser) -> None:
    """How a file is read where it does not say, or says it wrong."""
    how = parser.add_argument_group("how to read the file")
    how.add_argument("--rate", "--fps", metavar="FPS", help='frame rate, such as 24 or "29.97 DF"')
    how.add_argument("--drop-frame", action="store_true", help="count drop-frame timecode")
    how.add_argument(
        "--subtitles",
        metavar="FILE",
        help="subtitles (.srt, .vtt) that say what is spoken; those beside the file are found",
    )
    how.add_argument("--timeline", metavar="NAME", help="which timeline, where there are several")
    how.add_argument(
        "--role",
        action="append",
        default=[],
        metavar="TRACK=ROLE",
        help="what a track carries: dialogue, temp_track, effects, mixed or score (ignored), "
        "for example A2=temp_track",
    )


def add_music(parser: argparse.ArgumentParser) -> None:
    """What is wished of the music."""
    music = parser.add_argument_group("the music")
    music.add_argument("--seed", type=int, default=0, metavar="N", help="another seed, another cue")
    music.add_argument("--takes", type=int, default=1, metavar="N", help="how many different takes")
    music.add_argument("--tempo", type=float, metavar="BPM", help="hold this tempo")
    music.add_argument("--key", metavar="KEY", help='hold this key, such as "D minor"')
    music.add_argument(
        "--hit", action="append", default=[], metavar="TC", help="a record timecode to meet"
    )
    music.add_argument("--loudness", type=float, metavar="LUFS", help="integrated loudness")
    music.add_argument(
        "--sounds", metavar="FILE", help="play with the sounds of this SoundFont (SF2 or SF3)"
    )
    music.add_argument(
        "--idiom",
        choices=IDIOM_NAMES,
        metavar="NAME",
        help=f"write in this style: {', '.join(IDIOM_NAMES)}",
    )
    music.add_argument(
        "--stems",
        choices=("roles", "instruments", "generated"),
        default="roles",
        help="a stem a role (default), or a stem an instrument; generated: an engine that would "
        "take its music apart makes each role's music on its own instead",
    )
    music.add_argument(
        "--loop", action="store_true", help="whole bars that can be played round without a seam"
    )
    music.add_argument(
        "--alternates",
        default="",
        metavar="NAMES",
        help="other versions too: all, or some of no-melody, no-drums, underscore, 60s, 30s, 15s "
        "and stinger, such as no-melody,30s",
    )
    music.add_argument(
        "--alternate-stems", action="store_true", help="stems of the versions that play anew"
    )
    music.add_argument(
        "--engine",
        default="composer",
        metavar="NAME[:MODEL]",
        help="who makes the music, such as composer or musicgen:medium; `musiscene engines` lists "
        "them",
    )
    music.add_argument(
        "--licence",
        choices=("any", "commercial"),
        default="any",
        help="what the music is for; commercial refuses what may not be used so (default: as "
        "`musiscene licence` says, or else any)",
    )
    music.add_argument(
        "--sketch",
        choices=("off", "guide", "layer"),
        default="guide",
        help="what an engine that generates does with the composer's cue: nothing, follow its "
        "beats and melody (default), or follow it and let it be heard on stems of its own",
    )
    music.add_argument(
        "--melody",
        choices=("sketch", "temp"),
        default="sketch",
        help="whose melody an engine that hears one follows: the sketch's, or the temp track's",
    )
    for name, kind, what in (
        ("guidance", float, "how much more the words count than nothing, 1 to 30"),
        ("temperature", float, "how freely tokens are drawn, 0 (the likeliest) to 10"),
        ("top-k", int, "draw among so many tokens, 0 for all"),
        ("top-p", float, "draw among the likeliest that have this chance together, 0 for all"),
    ):
        usual = getattr(USUAL, name.replace("-", "_"))
        music.add_argument(
            f"--{name}",
            type=kind,
            default=usual,
            metavar="N",
            help=f"for an engine that generates: {what} (default: {usual:g})",
        )
    music.add_argument(
        "--critic",
        default=SIGNALS,
        metavar="NAME",
        help="the captioner by whose words several takes are ranked, or none (default: signals, "
        "which measures)",
    )


def add_steering(parser: argparse.ArgumentParser) -> None:
    """Which of a scene's captions the music is made from."""
    parser.add_argument(
        "--steer",
        choices=CAPTION_STRATEGIES,
        default=CAPTION_STRATEGIES[0],
        help="the caption that steers: fusion of picture and temp track (default), video, music "
        "(the temp track), scene_imagination, or music_conditions (musical directions)",
    )


def add_theme(parser: argparse.ArgumentParser) -> None:
    """Which themes of a film the music uses."""
    parser.add_argument("--themes", metavar="BOOK", help="the film's theme book, made where absent")
    parser.add_argument(
        "--theme",
        action="append",
        default=[],
        metavar="NAME[:HOW]",
        help="a theme of the book to state, vary or hint at, such as hero or river:vary",
    )


def add_sheet(parser: argparse.ArgumentParser) -> None:
    """What a cue sheet says."""
    sheet = parser.add_argument_group("the cue sheet")
    sheet.add_argument(
        "--sheet",
        metavar="JSON",
        help="its fields: title, episode, production, composer, publisher",
    )
    for name in ("title", "episode", "production", "composer", "publisher"):
        sheet.add_argument(f"--sheet-{name}", metavar="TEXT", help=argparse.SUPPRESS)
    sheet.add_argument("--sheet-reel", type=int, metavar="N", help="number of the reel: 2 for 2m1")


def add_report(parser: argparse.ArgumentParser) -> None:
    """Whether a page to listen on is written."""
    parser.add_argument(
        "--report",
        action="store_true",
        help="also draw lead sheet and cue chart, on a page to listen on (report.html)",
    )


def add_resolve(parser: argparse.ArgumentParser, *, what: str) -> None:
    """Which editor to speak to."""
    parser.add_argument("--resolve", action="store_true", help=what)
    parser.add_argument(
        "--bridge",
        action="store_true",
        help="the same through the MusiScene script running in Resolve (free edition)",
    )
