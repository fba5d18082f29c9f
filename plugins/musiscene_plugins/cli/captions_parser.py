"""The grammar of `caption`, `language` and `watching`: what writes words, and what it is shown."""

from __future__ import annotations

import argparse


def add_caption(parser: argparse.ArgumentParser) -> None:
    """Options of `caption`."""
    parser.add_argument(
        "file", nargs="*", metavar="FILE", help="a brief.json, sound files, or a movie"
    )
    parser.add_argument(
        "--captioners", action="store_true", help="list who can listen, and how fast they write"
    )
    parser.add_argument(
        "--measure-again",
        action="store_true",
        help="forget how fast this machine was; a model measures that anew before it writes",
    )
    parser.add_argument(
        "--strategy",
        type=_strategy,
        metavar="WHAT",
        help="msi (the scene that music imagines), music, video, fusion or conditions; for a sound "
        "music, for a brief all",
    )
    parser.add_argument(
        "--captioner",
        metavar="NAME",
        help="who listens (default: nano; signals, which measures, where there is no music to hear "
        "or players or genre are asked for)",
    )
    parser.add_argument(
        "--adapter",
        action="append",
        default=[],
        metavar="NAME:WEIGHT",
        help="a house adapter of the captioner, and how much of it",
    )
    parser.add_argument(
        "--profile",
        choices=("steady", "inference", "evaluation"),
        default="steady",
        help="how freely it chooses its words",
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="another seed, other words"
    )
    parser.add_argument(
        "--language",
        choices=("auto", "model", "rules"),
        default="auto",
        help="who writes fusion and conditions: the language model that is set up or else rules "
        "(auto), surely a model, or surely rules",
    )
    sound = parser.add_argument_group("sound files")
    sound.add_argument(
        "--question",
        action="append",
        default=[],
        metavar="WORDS",
        help="ask this; may be given several times",
    )
    sound.add_argument(
        "--section",
        metavar="S",
        help="seconds of a section; or whole, or found: where the music changes (default)",
    )
    sound.add_argument("--from", dest="start", metavar="S", help="begin there: 12.5 or 1:30")
    sound.add_argument("--to", dest="end", metavar="S", help="end there")
    sound.add_argument(
        "--seen", default="", metavar="WORDS", help="what the picture shows, for fusion, conditions"
    )
    brief = parser.add_argument_group("briefs")
    brief.add_argument(
        "--only", default="", metavar="NAMES", help="which captions, such as video,music"
    )
    brief.add_argument(
        "--edited-too", action="store_true", help="also those that you changed yourself"
    )
    parser.add_argument("--how", action="store_true", help="say how each was written")
    parser.add_argument("--output", metavar="JSON", help="where to write; may be the brief itself")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def _strategy(text: str) -> str:
    """A caption's name, or a shorter one for it."""
    name = text.strip().lower().replace("-", "_")
    known = {
        **{one: one for one in ("music", "video", "fusion")},
        **dict.fromkeys(("msi", "scene", "scene_imagination"), "scene_imagination"),
        **dict.fromkeys(("conditions", "music_conditions"), "music_conditions"),
    }
    if name not in known:
        raise argparse.ArgumentTypeError(
            f"{text!r} is none of msi, music, video, fusion, conditions"
        )
    return known[name]


def add_language(parser: argparse.ArgumentParser) -> None:
    """Options of `language`."""
    parser.add_argument(
        "action",
        nargs="?",
        choices=("show", "use", "rules", "forget"),
        default="show",
        help="choose one (use), have rules write (rules), or go by the environment again (forget)",
    )
    parser.add_argument("--url", metavar="URL", help="an OpenAI-compatible server: http://…/v1")
    parser.add_argument("--model", metavar="NAME", help="the model there (default: its first)")
    parser.add_argument(
        "--folder", metavar="MODEL", help="or one of `musiscene models`, or a folder"
    )
    parser.add_argument(
        "--key", action="store_true", help="the server wants a key: MUSISCENE_LLM_KEY, or asked for"
    )
    parser.add_argument("--remote", action="store_true", help="prompts may leave this machine")
    parser.add_argument("--json", action="store_true", help="print as JSON, without the key")


def add_watching(parser: argparse.ArgumentParser) -> None:
    """Options of `watching`."""
    parser.add_argument(
        "action",
        nargs="?",
        choices=("show", "use", "forget"),
        default="show",
        help="choose models, each a folder or one of `musiscene models` (use: those not named stay "
        "as they are), or none (forget)",
    )
    parser.add_argument("--vision", metavar="MODEL", help="describes frames: BLIP-2, Qwen3-VL, ...")
    parser.add_argument("--emotion", metavar="MODEL", help="judges the mood of frames: CLIP")
    parser.add_argument("--speech", metavar="MODEL", help="writes down speech: a faster-whisper")
    parser.add_argument("--speakers", metavar="MODEL", help="tells speakers apart: a pyannote")
    parser.add_argument("--separation", metavar="MODEL", help="parts dialogue from music: a Demucs")
    parser.add_argument("--json", action="store_true", help="print as JSON")
