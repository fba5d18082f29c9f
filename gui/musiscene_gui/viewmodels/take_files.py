"""Reading a take's folder for the panel: the take, what it was made from, and what was said of it.

Nothing in the folder is trusted. What is beside the take itself may be missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from musiscene_core.brief import SceneBrief
from musiscene_core.codec import read_json
from musiscene_core.errors import InputError
from musiscene_core.library import Catalogue, TakeRecord
from musiscene_core.library.folders import SkippedError, read_bounded, read_take
from musiscene_core.request import ScoreRequest
from musiscene_core.take import RENDER_FILE, Take

if TYPE_CHECKING:
    from musiscene_core.critic.critique import Critique
    from musiscene_core.fitting.report import HitMoved, RenderReport

HIT_WITHIN_FRAMES = 1.0
"""A hit is met where picture and music lie no further apart: nobody sees a frame."""
_MAX_SHEET_BYTES = 64 << 20


@dataclass(frozen=True)
class HitsMet:
    """How a take meets its chosen hit points.

    Attributes:
        met: those within HIT_WITHIN_FRAMES.
        total: all chosen.
        worst_frames: the largest distance.
    """

    met: int
    total: int
    worst_frames: float


@dataclass(frozen=True)
class TakeFiles:
    """A take as it lies on the disk.

    Attributes:
        folder: absolute.
        take: what it is.
        record: as the library lists it, marks included.
        brief: the scene it was made for; None where unreadable.
        request: what it was made from; None where unreadable.
        critique: what the critic says; None where nothing.
        separation: how its stems were made, where an engine had none of its own; else empty.
        moved: what was done to generated music for each hit.
    """

    folder: Path
    take: Take
    record: TakeRecord
    brief: SceneBrief | None = None
    request: ScoreRequest | None = None
    critique: Critique | None = None
    separation: str = ""
    moved: tuple[HitMoved, ...] = ()

    @property
    def hits(self) -> HitsMet:
        """How it meets its hit points."""
        errors = [abs(hit.error_frames) for hit in self.take.hits]
        met = sum(error <= HIT_WITHIN_FRAMES for error in errors)
        return HitsMet(met, len(errors), max(errors, default=0.0))

    @property
    def dialogue(self) -> tuple[tuple[float, float], ...]:
        """Where somebody speaks: shares (0 to 1) of the take's length."""
        length_s = self.take.length_samples / self.take.sample_rate
        if self.brief is None or not length_s:
            return ()
        return tuple((r.start_s / length_s, r.end_s / length_s) for r in self.brief.dialogue)

    @property
    def hit_places(self) -> tuple[tuple[float, str], ...]:
        """Where it meets hits, as shares of its length, with their names."""
        frames = max(1, self.take.record.length)
        return tuple((hit.frame / frames, hit.label) for hit in self.take.hits)

    @property
    def captions(self) -> dict[str, str]:
        """The texts it was made from, by caption."""
        if self.brief is None:
            return {}
        texts = msgspec.structs.asdict(self.brief.captions)
        return {name: caption.text for name, caption in texts.items() if caption.text}


def read_files(folder: Path, catalogue: Catalogue) -> TakeFiles:
    """Read the take in `folder`, wherever that lies.

    Raises:
        InputError: there is no take of ours.
    """
    folder = folder.absolute()
    try:
        found = read_take(folder.parent.parent, folder.parent.name, folder.name)
    except SkippedError as error:
        raise InputError(
            f"{folder.name} cannot be opened: {error}.", hint="Score the scene again."
        ) from error
    mark = catalogue.marks.of(found.record.id)
    record = replace(found.record, folder=str(folder), favourite=mark.favourite, label=mark.label)
    request = _read(folder / "request.json", ScoreRequest)
    brief = request.brief if request is not None else _read(folder / "brief.json", SceneBrief)
    take = read_json(folder / "take.json", Take)
    report = _render(folder)
    return TakeFiles(
        folder,
        take,
        record,
        brief,
        request,
        _critique(folder),
        separation=report.separation if report is not None else "",
        moved=report.hits if report is not None else (),
    )


def lead_sheet_of(files: TakeFiles) -> tuple[bytes, ...]:
    """The pages of a take's lead sheet, PNG: of those that lie there, else drawn from its score.

    Qt's own drawing knows neither pictures within pictures nor words within words, of which
    engraved pages are made.

    Raises:
        InputError: it has neither.
        MediaError: its score cannot be read.
    """
    # Takes a second to import, which a panel that shows no score need not spend.
    from musiscene_core.composing.notation.lead_sheet import as_png, lead_sheet_pages

    try:
        pages = [
            read_bounded(files.folder / page, _MAX_SHEET_BYTES).decode()
            for page in files.take.lead_sheet
        ]
        if not pages and files.take.musicxml:
            score = read_bounded(files.folder / files.take.musicxml, _MAX_SHEET_BYTES)
            pages = lead_sheet_pages(score)
        drawn = tuple(as_png(page) for page in pages)
    except (OSError, SkippedError, ValueError) as error:
        raise InputError(
            f"The score of {files.take.name} cannot be read.", hint="Score the scene again."
        ) from error
    if drawn:
        return drawn
    raise InputError(
        "This take has no score to read.", hint="The composer writes one; other engines do not."
    )


def _read(path: Path, kind: type[Any]) -> Any:
    try:
        return read_json(path, kind)
    except (InputError, ValueError):
        return None


def _critique(folder: Path) -> Critique | None:
    # Here and not above: the window is there sooner without what judges takes.
    from musiscene_core.critic.critique import read_critique

    try:
        return read_critique(folder)
    except InputError:
        return None


def _render(folder: Path) -> RenderReport | None:
    if not (folder / RENDER_FILE).is_file():
        return None
    # Here and not above: most takes are not generated, and need no numbers to be shown.
    from musiscene_core.fitting.report import read_render

    try:
        return read_render(folder)
    except InputError:
        return None
