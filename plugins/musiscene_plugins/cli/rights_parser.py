"""The grammar of `models`, `licence` and `provenance`."""

from __future__ import annotations

import argparse


def add_models(parser: argparse.ArgumentParser) -> None:
    """Options of `models`."""
    parser.add_argument(
        "action", nargs="?", choices=("list", "pull", "add", "verify", "remove"), default="list"
    )
    parser.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="which, such as musicgen, musicgen-medium, mullama or clip-vit-large-patch14; to add, "
        "the PATH of a model's folder or file, which stays where it is",
    )
    parser.add_argument(
        "--yes", action="store_true", help="accept the licence of what is pulled, without asking"
    )
    parser.add_argument("--licence", metavar="NAME", help="of what is added, such as Apache-2.0")
    parser.add_argument(
        "--commercial",
        action="store_true",
        help="the licence of what is added lets music made with it be sold",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def add_licence(parser: argparse.ArgumentParser) -> None:
    """Options of `licence`."""
    parser.add_argument(
        "use",
        nargs="?",
        choices=("commercial", "any"),
        help="commercial refuses what may not be used so, for every program that asks this daemon",
    )
    parser.add_argument(
        "--project", metavar="DIR", help="for timelines in this folder and below it alone"
    )
    parser.add_argument("--json", action="store_true", help="print as JSON")


def add_provenance(parser: argparse.ArgumentParser) -> None:
    """Options of `provenance`."""
    parser.add_argument(
        "words",
        nargs="+",
        metavar="FILE",
        help="a sound file, wherever it comes from; `sign FILE` signs it; `check` reads the ledger",
    )
    parser.add_argument(
        "--library",
        metavar="DIR",
        help="the data folder whose ledger and takes to ask (default: this user's)",
    )
    signing = parser.add_argument_group("signing, after C2PA")
    signing.add_argument("--certificate", metavar="PEM", help="yours, with the chain above it")
    signing.add_argument("--key", metavar="PEM", help="its private key, not encrypted")
    signing.add_argument("--output", metavar="WAV", help="where to write (FILE.signed.wav)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
