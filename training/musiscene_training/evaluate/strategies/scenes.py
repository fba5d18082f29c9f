"""A folder of scenes: movies with what lies beside them, or timelines with music on a track.

    rain.mp4              a scene
    rain.wav              its music: what is listened to, and what made music is compared with
    rain.reference.wav    what made music is compared with instead
    references.csv        by scene: captions that would be right, and tags; also .jsonl or .parquet

Without music beside it a movie's own sound is listened to and compared with. Where the folder
holds .otio files, the cues on their music tracks are the scenes, and movies are what they show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from musiscene_core.codec import digest
from musiscene_core.errors import InputError, MediaError
from musiscene_core.media import probe
from musiscene_core.movies import Part, movie_range, parts_range
from musiscene_core.timeline import TimelineRange
from musiscene_training.evaluate.captions import references_in, rows_by_id
from musiscene_training.evaluate.tags import tags_in

MOVIES = (".mp4", ".mov", ".mkv", ".webm", ".m4v", ".avi", ".mxf", ".mpg", ".mpeg", ".ogv")
SOUNDS = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aac", ".aif", ".aiff")
REFERENCES = ("references.csv", "references.jsonl", "references.parquet")
_REFERENCE = ".reference"
COLUMNS: Mapping[str, Sequence[str]] = {
    "scene_imagination": ("reference", "references", "msi", "scene_imagination"),
    "video": ("video",),
    "music": ("music",),
    "fusion": ("fusion",),
    "music_conditions": ("herrmann", "music_conditions"),
}
"""Columns that hold what would be right of each caption; `reference` is the scene's."""


@dataclass(frozen=True)
class Scene:
    """A scene.

    Attributes:
        name: unlike any other scene's; names files.
        timeline: the range.
        reference: music that made music is compared with; None without any.
        own_sound: whether that is the movie's own sound, dialogue and all.
        wanted: captions that would be right, by the caption's name.
        tags: of its music; empty without any.
        cue: how a timeline's cue is called in references; empty where `name` is that.
    """

    name: str
    timeline: TimelineRange
    reference: Part | None
    own_sound: bool = False
    wanted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    cue: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 over its range, and sizes and times of the files under it, in hex."""
        paths = {clip.media.path for clip in self.timeline.clips}
        files = [(path, *_status(path)) for path in sorted(paths)]
        return digest((self.timeline, files, repr(self.reference), self.tags))


@dataclass(frozen=True)
class Scenes:
    """What was found.

    Attributes:
        scenes: in order of their names.
        problems: why others are left out, by name.
        notes: what a reader has to know, a sentence each.
    """

    scenes: tuple[Scene, ...]
    problems: Mapping[str, str]
    notes: tuple[str, ...] = ()


def read_scenes(folder: Path, references: Path | None = None) -> Scenes:
    """The scenes of a folder.

    Args:
        folder: see the module.
        references: the file with captions that would be right; None for the one in the folder.

    Raises:
        InputError: no such folder, no scene in it, two of one name, or the references are
            unreadable, have an id twice, or name no scene.
    """
    folder = folder.expanduser().resolve()
    try:
        entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise InputError(
            f"{folder} cannot be read: {error.strerror}.", hint="Name a folder with movies."
        ) from error
    if any(path.suffix.lower() == ".otio" for path in entries):
        found, problems = _of_timelines(folder)
    else:
        found, problems = _of_movies(folder, entries)
    if not found:
        first = next(iter(problems.items()), None)
        raise InputError(
            f"No scene in {folder} can be used."
            + (f" The first, {first[0]}: {first[1]}" if first else ""),
            hint="Put movies into it, or .otio timelines with music on a track.",
        )
    path = references or _the_only([one for one in entries if one.name in REFERENCES], "references")
    if path is None:
        return Scenes(tuple(found), problems)
    return _with_references(found, problems, path)


def _of_movies(folder: Path, entries: Sequence[Path]) -> tuple[list[Scene], dict[str, str]]:
    scenes: dict[str, Scene] = {}
    problems: dict[str, str] = {}
    for path in entries:
        if path.suffix.lower() not in MOVIES or not path.is_file():
            continue
        name = path.stem
        if name in scenes or name in problems:
            raise InputError(
                f"{folder} has two scenes called {name}.", hint="Rename one, or take it away."
            )
        try:
            scenes[name] = _movie(path, entries)
        except MediaError as error:
            problems[name] = error.message
    return list(scenes.values()), problems


def _movie(path: Path, entries: Sequence[Path]) -> Scene:
    info = probe(path)
    if info.video is None or info.is_still:
        raise MediaError(f"{path.name} has no moving picture.")
    music = _sound(path.stem, entries)
    reference = _sound(path.stem + _REFERENCE, entries)
    timeline = movie_range(path, path.stem, music)
    own = Part(str(path), Fraction(0), info.duration) if info.audio else None
    return Scene(path.stem, timeline, reference or music or own, own_sound=not (reference or music))


def _sound(stem: str, entries: Sequence[Path]) -> Part | None:
    """The whole of the sound file called `stem`."""
    named = [one for one in entries if one.stem == stem and one.suffix.lower() in SOUNDS]
    path = _the_only(named, f"sounds called {stem}")
    if path is None:
        return None
    info = probe(path)
    if not info.audio:
        raise MediaError(f"{path.name} has no sound.")
    return Part(str(path), Fraction(0), info.audio[0].duration or info.duration)


def _the_only(paths: Sequence[Path], what: str) -> Path | None:
    if len(paths) > 1:
        raise InputError(
            f"{paths[0].parent} has {len(paths)} {what}: {', '.join(one.name for one in paths)}.",
            hint="Keep one of them.",
        )
    return paths[0] if paths else None


def _of_timelines(folder: Path) -> tuple[list[Scene], dict[str, str]]:
    # Here and not above: only timelines need the library that reads them.
    from musiscene_training.importing.timelines import read_timelines

    read = read_timelines(folder)
    scenes: list[Scene] = []
    problems = {one.row: one.why for one in read.problems}
    for clip in read.clips:
        sound = clip.sound
        try:
            music = _part(sound) if sound is not None else None
            pictures = [_part(one) for one in clip.pictures]
            timeline = parts_range(clip.key, pictures, music)
        except MediaError as error:
            problems[clip.id] = error.message
        else:
            scenes.append(Scene(clip.key, timeline, music, cue=clip.id))
    return scenes, problems


def _part(stretch: object) -> Part:
    path, start, end = (getattr(stretch, name) for name in ("path", "start_s", "end_s"))
    return Part(path, Fraction(start), probe(path).duration if end is None else Fraction(end))


def _with_references(found: Sequence[Scene], problems: Mapping[str, str], path: Path) -> Scenes:
    rows = rows_by_id(path)
    names = {name for scene in found for name in (scene.name, scene.cue)}
    unknown = [name for name in rows if name not in names and name not in problems]
    if len(unknown) == len(rows):
        raise InputError(
            f"No id in {path} is the name of a scene; its first is {unknown[0]},"
            f" the first scene {found[0].name}.",
            hint="Write each movie's name without its ending into the column id.",
        )
    notes = []
    if unknown:
        notes.append(f"{len(unknown)} rows of {path.name} are of no scene, such as {unknown[0]}.")
    scenes = []
    for scene in found:
        row = rows.get(scene.name) or rows.get(scene.cue, {})
        wanted = {name: references_in(row, columns) for name, columns in COLUMNS.items()}
        scenes.append(
            replace(
                scene,
                wanted={name: texts for name, texts in wanted.items() if texts},
                tags=tags_in(row.get("tags")),
            )
        )
    return Scenes(tuple(scenes), problems, tuple(notes))


def _status(path: str) -> tuple[int, int]:
    try:
        found = Path(path).stat()
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns
