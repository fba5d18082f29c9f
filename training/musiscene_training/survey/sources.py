"""Finding the scenes and each system's file for them: in a folder, or in a table.

    SCENES/heist/original.mp4        a file a system, named after it
    SCENES/heist/ours/mix.wav        or a folder a system with one file (of a take: its mix.wav)
    SCENES/heist/picture.mp4         optional: shown with each system's sound instead of its own
    SCENES/heist/scene.txt           optional: what listeners read about the scene

or a CSV file with the columns scene, system and file, and optionally picture and text.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from musiscene_core.errors import InputError

_FILMS = {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mxf"}
_SOUNDS = {".wav", ".flac", ".aif", ".aiff", ".mp3", ".m4a", ".aac", ".ogg", ".opus"}
EXTENSIONS = frozenset(_FILMS | _SOUNDS)
_PICTURE, _TEXT, _MIX = "picture", "scene.txt", "mix.wav"
_MAX_TEXT, _MAX_ITEMS = 2000, 2000


class Source(msgspec.Struct, frozen=True):
    """A system's file for a scene; `picture` is shown with its sound, where there is one."""

    scene: str
    system: str
    file: Path
    picture: Path | None = None


class Sources(msgspec.Struct, frozen=True):
    """All that was found.

    Attributes:
        scenes: in order of name, or as listed.
        systems: the same in every scene.
        sources: of every scene and system.
        texts: about scenes, by scene; may lack some.
    """

    scenes: tuple[str, ...]
    systems: tuple[str, ...]
    sources: tuple[Source, ...]
    texts: Mapping[str, str]


def find_sources(path: Path) -> Sources:
    """Read a folder of scenes, or a CSV file.

    Raises:
        InputError: nothing is there, or scenes do not have the same systems.
    """
    if path.is_dir():
        found, texts = _of_folder(path)
    elif path.suffix.lower() == ".csv":
        found, texts = _of_table(path)
    else:
        raise InputError(
            f"{path} is neither a folder of scenes nor a .csv file.",
            hint="Give a folder with a folder for each scene; see docs/survey.md.",
        )
    return _checked(path, found, texts)


def _of_folder(folder: Path) -> tuple[list[Source], dict[str, str]]:
    found: list[Source] = []
    texts: dict[str, str] = {}
    for scene in _listed(folder):
        if not scene.is_dir():
            continue
        entries = _listed(scene)
        pictures = [entry for entry in entries if entry.stem == _PICTURE and _is_media(entry)]
        if len(pictures) > 1:
            raise InputError(f"{scene} has {len(pictures)} pictures.", hint="Leave one.")
        for entry in entries:
            if entry in pictures:
                continue
            if entry.is_dir():
                found.append(Source(scene.name, entry.name, _only_file(entry), *pictures))
            elif _is_media(entry):
                found.append(Source(scene.name, entry.stem, entry, *pictures))
        if (scene / _TEXT).is_file():
            texts[scene.name] = _text(scene / _TEXT)
    return found, texts


def _listed(folder: Path) -> list[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"{folder} cannot be read: {error.strerror}.") from error
    return [entry for entry in entries if not entry.name.startswith(".")]


def _is_media(path: Path) -> bool:
    return path.suffix.lower() in EXTENSIONS and path.is_file()


def _only_file(folder: Path) -> Path:
    files = [entry for entry in _listed(folder) if _is_media(entry)]
    mixes = [file for file in files if file.name == _MIX]
    if len(mixes or files) != 1:
        raise InputError(
            f"{folder} has {len(files)} sound or film files; one was expected.",
            hint=f"Leave the one to be heard, or name it {_MIX}.",
        )
    return (mixes or files)[0]


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8-sig") as file:
            return file.read(_MAX_TEXT).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as UTF-8 text.") from error


def _of_table(path: Path) -> tuple[list[Source], dict[str, str]]:
    found: list[Source] = []
    texts: dict[str, str] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            lacking = {"scene", "system", "file"} - set(rows.fieldnames or ())
            if lacking:
                raise InputError(
                    f"{path} lacks the column {', '.join(sorted(lacking))}.",
                    hint="Its first line names the columns: scene,system,file",
                )
            for row in rows:
                scene, system, name = (
                    (row[key] or "").strip() for key in ("scene", "system", "file")
                )
                if not (scene and system and name):
                    raise InputError(f"{path}, line {rows.line_num}: a cell is empty.")
                picture = (row.get("picture") or "").strip()
                shown = path.parent / picture if picture else None
                found.append(Source(scene, system, path.parent / name, shown))
                if len(found) > _MAX_ITEMS:
                    break
                if (row.get("text") or "").strip():
                    texts[scene] = row["text"].strip()[:_MAX_TEXT]
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} is not a CSV file in UTF-8: {error}.") from error
    return found, texts


def _checked(path: Path, found: Sequence[Source], texts: Mapping[str, str]) -> Sources:
    if not found:
        raise InputError(
            f"No scene was found in {path}.",
            hint="Give a folder with a folder for each scene, and in it a file for each system.",
        )
    if len(found) > _MAX_ITEMS:
        raise InputError(f"{path} has more than {_MAX_ITEMS} versions; no listener rates so many.")
    scenes = tuple(dict.fromkeys(source.scene for source in found))
    systems = tuple(dict.fromkeys(source.system for source in found))
    seen = [(source.scene, source.system) for source in found]
    twice = sorted({pair for pair in seen if seen.count(pair) > 1})
    if twice:
        raise InputError(
            f"Scene {twice[0][0]} has two files of system {twice[0][1]}.",
            hint="Leave one of them, or give them different names.",
        )
    missing = [
        f"{scene} lacks {system}"
        for scene in scenes
        for system in systems
        if (scene, system) not in set(seen)
    ]
    if missing:
        more = f" (and {len(missing) - 5} more)" if len(missing) > 5 else ""
        raise InputError(
            f"Every scene needs the same systems: {'; '.join(missing[:5])}{more}.",
            hint="Add the missing files, or take those systems away; files are named after them.",
        )
    if len(systems) < 2:
        raise InputError(
            f"There is only one system, {systems[0]}; nothing can be compared.",
            hint="Put a file for each system into every scene's folder.",
        )
    return Sources(scenes, systems, tuple(found), texts)
