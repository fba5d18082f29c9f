"""The dataset of a build: tars of sound, tables of text, and a manifest that vouches for them.

build/media/SIDE-DIGEST-000000.tar  sounds and what is said of them, for webdataset
build/vacad.parquet                 a row a clip: every text, who wrote it, and measurements
build/msi/rows.parquet              questions and answers as `musiscene-train adapter` reads
build/music/rows.parquet            them: scene captions, music captions
build/manifest.json                 counts, licences, digests; written last of all
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from musiscene_core import __version__
from musiscene_core.captioning.prompts import DESCRIBE, SCENE
from musiscene_core.codec import digest, read_json, to_json, write_atomically
from musiscene_core.errors import InputError
from musiscene_core.progress import Portion, Progress
from musiscene_core.whole_files import file_sha256
from musiscene_training.dataset import Row, Split, rows_of
from musiscene_training.evaluate.captions import looks_english
from musiscene_training.vacad import fetching
from musiscene_training.vacad.clips import Work
from musiscene_training.vacad.packing import Sample, pack
from musiscene_training.vacad.parts import Parts, Plan
from musiscene_training.vacad.settings import Settings
from musiscene_training.vacad.splitting import sides
from musiscene_training.vacad.stages import FETCH, MEASURES, MSI, MUSIC, ORDER, TEXTS
from musiscene_training.vacad.tables import MEASURES as MEASURES_COLUMN
from musiscene_training.vacad.tables import encoded

MANIFEST, TABLE = "manifest.json", "vacad.parquet"
QUESTIONS: Mapping[str, tuple[str, str]] = {"msi": (SCENE, MSI), "music": (DESCRIBE, MUSIC)}
"""The datasets that training reads: what is asked, and the stage that answers."""
_ROW: tuple[tuple[str, Any], ...] = (
    *((name, str) for name in ("id", "question", "answer", "sound")),
    ("start_s", float),
    ("end_s", float),
    *((name, str) for name in ("split", "source", "licence", "writer")),
)
_TABLE: tuple[tuple[str, Any], ...] = (
    *((name, str) for name in ("id", "source", "split", "sound", "licence")),
    ("labels", [str]),
    *((name, str) for name in TEXTS),
    *((f"{name}_writer", str) for name in TEXTS),
    ("english", bool),
    ("measures", MEASURES_COLUMN),
)


class FileFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the dataset."""

    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a dataset is.

    Attributes:
        chosen_from: where its clips come from.
        chosen: how many clips were chosen.
        failed: how many of them failed, by stage; "select" counts those that were not chosen.
        clips: in the dataset, by side of the split.
        sources: that they come from, by side.
        hours: of music.
        licences: clips by licence; "unknown" where nobody said.
        writers: of each kind of text, and how many each wrote.
        not_english: clips with a text that does not look English.
        known_by: what each stage's outcomes depend on.
        packed: what the tars of each side hold, as a digest.
        files: of the dataset, by path.
        version: of MusiScene.
        schema_version: of this struct.
    """

    chosen_from: dict[str, str]
    chosen: int
    failed: dict[str, int]
    clips: dict[str, int]
    sources: dict[str, int]
    hours: float
    licences: dict[str, int]
    writers: dict[str, dict[str, int]]
    not_english: int
    known_by: dict[str, dict[str, str]]
    packed: dict[str, str]
    files: dict[str, FileFacts]
    version: str = __version__
    schema_version: int = 1


def finish(
    parts: Parts, plan: Plan, settings: Settings, failed: dict[str, int], progress: Progress
) -> Manifest:
    """Split, pack and write down whatever came through every stage.

    Args:
        parts: of the build.
        plan: of the build.
        settings: of the build.
        failed: clips by stage.
        progress: hears how far it is.

    Raises:
        InputError: no clip came through.
        OutputError: no space or no permission; the dataset that was there before stands.
    """
    build = parts.build
    works = [work for part in range(plan.parts) for work in parts.through(part)]
    if not works:
        raise InputError(
            "No clip came through every stage.", hint="failures.csv in the build says why."
        )
    before = _before(build)
    rows = Counter(work.clip.source for work in works)
    side = sides(rows, _sides_before(build, works))
    places, packed, tars = _packed(works, side, settings, parts, before, progress)
    files = dict(tars)
    for path, data in _tables(works, side, places).items():
        write_atomically(build / path, data)
        facts = FileFacts(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
        files[path] = facts
    manifest = Manifest(
        chosen_from=plan.chosen_from,
        chosen=plan.clips,
        failed=failed,
        clips=dict(Counter(side[work.clip.source] for work in works)),
        sources=dict(Counter(side.values())),
        hours=round(sum(_measure(work, "length_s") for work in works) / 3600, 4),
        licences=dict(Counter(work.clip.licence or "unknown" for work in works)),
        writers={name: dict(Counter(work.done[name].writer for work in works)) for name in TEXTS},
        not_english=sum(not _english(work) for work in works),
        known_by={name: parts.known(name) for name in ORDER},
        packed=packed,
        files=files,
    )
    write_atomically(build / MANIFEST, to_json(manifest))
    _tidy(build, works, tars, settings)
    progress("Writing the dataset", 1.0)
    return manifest


def _packed(
    works: Sequence[Work],
    side: dict[str, Split],
    settings: Settings,
    parts: Parts,
    before: Manifest | None,
    progress: Progress,
) -> tuple[dict[str, str], dict[str, str], dict[str, FileFacts]]:
    """Where each sound lies, what each side's tars hold, and the tars."""
    build = parts.build
    if settings.media == "files":
        return {work.clip.id: work.text(FETCH) for work in works}, {}, {}
    known = _places_before(build)
    places: dict[str, str] = {}
    packed: dict[str, str] = {}
    tars: dict[str, FileFacts] = {}
    names = sorted(set(side.values()))
    for number, name in enumerate(names):
        mine = [work for work in works if side[work.clip.source] == name]
        samples = [Sample(work, _told(work, name), known.get(work.clip.id, "")) for work in mine]
        packed[name] = digest([sample.told for sample in samples])
        stem = f"{name}-{packed[name][:8]}"
        if before is not None and before.packed.get(name) == packed[name]:
            kept = {path: facts for path, facts in before.files.items() if f"/{stem}-" in path}
            if all((build / path).is_file() for path in kept):
                places |= {work.clip.id: known[work.clip.id] for work in mine}
                tars |= kept
                continue
        part = Portion(progress, number / len(names), (number + 1) / len(names))
        found = pack(samples, build, stem, settings.tar_bytes, part)
        places |= found
        for path in dict.fromkeys(place.rpartition("/")[0] for place in found.values()):
            tars[path] = _facts(build / path)
    return places, packed, tars


def _tables(
    works: Sequence[Work], side: dict[str, Split], places: dict[str, str]
) -> dict[str, bytes]:
    """The Parquet files by path."""
    whole = [_wide(work, side[work.clip.source], places[work.clip.id]) for work in works]
    found = {TABLE: encoded(whole, _TABLE)}
    for name, (question, stage) in QUESTIONS.items():
        rows = [
            {
                **msgspec.to_builtins(
                    _row(work, question, stage, side[work.clip.source], places[work.clip.id])
                ),
                "writer": work.done[stage].writer,
            }
            for work in works
        ]
        found[f"{name}/rows.parquet"] = encoded(rows, _ROW)
    return found


def _row(work: Work, question: str, stage: str, side: Split, place: str) -> Row:
    """A row as training reads it; its path goes from the folder that the rows lie in."""
    clip = work.clip
    cut = clip.sound is not None and not clip.sound.is_whole and ".tar/" not in place
    return Row(
        id=clip.id,
        question=question,
        answer=work.text(stage),
        sound=place if Path(place).is_absolute() else f"../{place}",
        start_s=clip.sound.start_s if cut and clip.sound is not None else 0.0,
        end_s=clip.sound.end_s if cut and clip.sound is not None else None,
        split=side,
        source=clip.source,
        licence=clip.licence,
    )


def _wide(work: Work, side: Split, place: str) -> dict[str, Any]:
    clip = work.clip
    return {
        "id": clip.id,
        "source": clip.source,
        "split": side,
        "sound": place,
        "licence": clip.licence,
        "labels": list(clip.labels),
        **{name: work.text(name) for name in TEXTS},
        **{f"{name}_writer": work.done[name].writer for name in TEXTS},
        "english": _english(work),
        "measures": msgspec.to_builtins(work.done[MEASURES].measures),
    }


def _told(work: Work, side: Split) -> dict[str, Any]:
    clip = work.clip
    return {
        "id": clip.id,
        "source": clip.source,
        "split": side,
        "licence": clip.licence,
        "labels": list(clip.labels),
        **{name: work.text(name) for name in TEXTS},
    }


def _english(work: Work) -> bool:
    return all(looks_english(work.text(name)) for name in TEXTS)


def _measure(work: Work, name: str) -> float:
    return next((one.value for one in work.done[MEASURES].measures if one.name == name), 0.0)


def _before(build: Path) -> Manifest | None:
    path = build / MANIFEST
    return read_json(path, Manifest) if path.exists() else None


def _sides_before(build: Path, works: Sequence[Work]) -> dict[str, Split]:
    sources = {work.clip.source for work in works}
    return {row["source"]: row["split"] for row in _rows_before(build) if row["source"] in sources}


def _places_before(build: Path) -> dict[str, str]:
    return {row["id"]: row["sound"] for row in _rows_before(build) if ".tar/" in row["sound"]}


def _rows_before(build: Path) -> list[dict[str, Any]]:
    path = build / TABLE
    columns = {"id", "source", "split", "sound"}
    return [row for _, row in rows_of(path, columns)] if path.exists() else []


def _facts(path: Path) -> FileFacts:
    return FileFacts(bytes=path.stat().st_size, sha256=file_sha256(path))


def _tidy(build: Path, works: Sequence[Work], tars: dict[str, Any], settings: Settings) -> None:
    """Delete tars that nothing refers to any more, and what was fetched, where that is wanted."""
    for path in (build / "media").glob("*"):
        if f"media/{path.name}" not in tars:
            path.unlink(missing_ok=True)
    if settings.discard_fetched and settings.media == "tar":
        fetching.let_go(build, [work.text(FETCH) for work in works])
