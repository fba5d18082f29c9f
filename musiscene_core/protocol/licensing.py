"""Whether what a request uses may be used for what its music is for, said before any work is done.

Where music is for commercial use, everything that shapes it must allow that: the engine and the
weights it works with, a SoundFont, the captioner whose words steer it or who judges it, house
adapters, and the models that watched the picture. What a user wrote, or edited, is the user's. A
licence that is not known allows nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from musiscene_core.brief import Caption, HowWritten, SceneBrief
from musiscene_core.captioning.request import ListenRequest
from musiscene_core.errors import RequestError
from musiscene_core.intended_use import intended_use
from musiscene_core.licences import allows_commercial_use
from musiscene_core.models.registry import registry
from musiscene_core.models.shelf import folders_by_name, lying_at
from musiscene_core.protocol.state import CaptionerInfo, EngineInfo
from musiscene_core.request import (
    SIGNALS,
    CaptionRequest,
    ConformRequest,
    LicenceNeed,
    MusicWish,
    ScoreRequest,
)
from musiscene_core.timeline import TimelineRange

_SHAPING = ("vision", "emotion", "speech")
"""Stages whose words and figures go into music."""
_MAX_PATH = 4096
_NOT_FOR_SALE = (
    "Where it is not for sale: musiscene licence any, with --project DIR where a project says so."
)
_CAPTIONS = ("video", "music", "scene_imagination", "fusion", "music_conditions")


def intended_for(work: object) -> LicenceNeed:
    """What the music of `work` is for, by this machine's setting and its projects' folders.

    Those are the folders above the media under its range, or above its sounds: who asks need not
    know of any project. Looks at disks, so it is for those who may wait.
    """
    return intended_use(*sorted(_folders_of(work)))


def _folders_of(work: object) -> set[Path]:
    if isinstance(work, ListenRequest):
        paths = [part.media.path for part in work.sounds]
    else:
        if isinstance(work, ConformRequest):
            timeline: object = work.timeline
        elif isinstance(work, ScoreRequest | CaptionRequest):
            timeline = work.brief.timeline
        else:
            timeline = work
        clips = timeline.clips if isinstance(timeline, TimelineRange) else ()
        paths = [clip.media.path for clip in clips]
    return {
        Path(path).parent for path in paths if len(path) <= _MAX_PATH and Path(path).is_absolute()
    }


def check_licences(
    work: object,
    engines: Sequence[EngineInfo],
    captioners: Sequence[CaptionerInfo],
    intended: LicenceNeed,
) -> None:
    """Refuse work that uses what may not be used for its music.

    Args:
        work: a request of any kind.
        engines: those that load.
        captioners: likewise.
        intended: what everything that is made here is for.

    Raises:
        RequestError: something forbids it; says what, and what to use instead.
    """
    if isinstance(work, ConformRequest):
        work = work.request
    if isinstance(work, MusicWish):
        if "commercial" in (work.licence, intended):
            _check_music(work, engines, captioners)
    elif isinstance(work, CaptionRequest | ListenRequest) and intended == "commercial":
        _check_captioner(work.captioner, captioners)
        _check_adapters(work.adapters, work.captioner, captioners)


def _check_music(
    wish: MusicWish, engines: Sequence[EngineInfo], captioners: Sequence[CaptionerInfo]
) -> None:
    info = next((one for one in engines if one.name == wish.engine), None)
    if info is not None:
        _check_engine(wish, info, engines)
    if wish.sounds:
        font = lying_at(Path(wish.sounds))
        if font is None or not font.commercial:
            raise RequestError(
                f"Whether music with {Path(wish.sounds).name} may be sold is not known.",
                hint=f"Say so: musiscene models add {wish.sounds} --licence NAME --commercial; or "
                "leave out --sounds.",
            )
    if wish.music is not None or wish.melody == "temp":
        theirs = "a music file" if wish.music is not None else "the temp track's melody"
        raise RequestError(
            f"Music made from {theirs} may not be sold: whose it is, is not known here.",
            hint=f"Leave that out. {_NOT_FOR_SALE}",
        )
    if wish.takes > 1 and wish.critic not in ("", SIGNALS):
        _check_captioner(wish.critic, captioners)
    if isinstance(wish, ScoreRequest):
        _check_words(wish.brief, captioners)


def _check_engine(wish: MusicWish, info: EngineInfo, engines: Sequence[EngineInfo]) -> None:
    model = wish.model or (info.models[0].name if info.models else "")
    licences = {one.name: one.licence for one in info.models}
    licence = licences.get(model) or info.licence
    said = info.commercial_use and _is_known(info.licence)
    if said and (not licences.get(model) or allows_commercial_use(licence)):
        return
    free = ", ".join(one.name for one in engines if one.commercial_use and _is_known(one.licence))
    name = f"{info.name}:{model}" if model and info.commercial_use else info.name
    raise RequestError(
        f"Music by {name} may not be used commercially ({licence.strip() or 'unknown licence'}).",
        hint=f"Engines whose music may: {free or 'none is installed'}. {_NOT_FOR_SALE}",
    )


def _is_known(licence: str) -> bool:
    return licence.strip().lower() not in ("", "unknown")


def _check_captioner(name: str, captioners: Sequence[CaptionerInfo]) -> None:
    info = next((one for one in captioners if one.name == name), None)
    if info is None or (info.commercial_use and _is_known(info.licence)):
        return
    free = ", ".join(one.name for one in captioners if one.commercial_use and not one.needs)
    raise RequestError(
        f"The captioner {name} may not be used commercially ({info.licence or 'unknown licence'}).",
        hint=f"Captioners that may: {free or 'none is installed'}.",
    )


def _check_adapters(
    adapters: Sequence[tuple[str, float]], captioner: str, captioners: Sequence[CaptionerInfo]
) -> None:
    info = next((one for one in captioners if one.name == captioner), None)
    if info is None:
        return
    known = {one.name: one.licence or "its manifest names no licence" for one in info.adapters}
    for name, _ in adapters:
        licence = known.get(name, "it is not here any more")
        if not allows_commercial_use(licence):
            raise RequestError(
                f"The house adapter {name} may not be used commercially ({licence}).",
                hint="Leave it out, or have one made from what may be used so.",
            )


def _check_words(brief: SceneBrief, captioners: Sequence[CaptionerInfo]) -> None:
    for name in _CAPTIONS:
        caption: Caption = getattr(brief.captions, name)
        if caption.edited or caption.how is None or not caption.text:
            continue
        try:
            _check_writer(caption.how, captioners)
            _check_adapters(caption.how.adapters, caption.how.writer, captioners)
        except RequestError as error:
            raise RequestError(
                f"The caption {name.replace('_', ' ')} cannot steer it. {error.message}",
                hint="Have it written by another: musiscene caption brief.json --captioner signals"
                " --edited-too; or write it yourself.",
            ) from error
    for report in brief.stages:
        if report.stage in _SHAPING and report.state == "done" and report.by:
            _check_watcher(report.by)


def _check_writer(how: HowWritten, captioners: Sequence[CaptionerInfo]) -> None:
    """A captioner, or a language model of a folder; a server's terms are the user's to know."""
    _check_captioner(how.writer, captioners)
    if how.place or how.writer in [one.name for one in captioners]:
        return
    if not _may_be_sold(how.writer):
        raise RequestError(f"The language model {how.writer} may not be used commercially.")


def _check_watcher(name: str) -> None:
    if not _may_be_sold(name):
        raise RequestError(
            f"The brief was made with {name}, which may not be used commercially.",
            hint="Choose another with `musiscene watching use`, and spot the range again.",
        )


def _may_be_sold(name: str) -> bool:
    """Whether a model of that name may be used so; others are not ours to judge."""
    here, known = folders_by_name().get(name), registry().get(name)
    return here.commercial if here is not None else (known.commercial if known else True)


def may_watch(folder: str) -> str:
    """Why the model in `folder` may not help where music is to be sold; empty where it may."""
    if not folder:
        return ""
    known = lying_at(Path(folder))
    if known is not None and known.commercial:
        return ""
    name = Path(folder).name
    if known is None:
        return (
            f"Whether {name} may be used commercially is not known: musiscene models add {folder} "
            "--licence NAME."
        )
    return f"{name} may not be used commercially ({known.licence or 'unknown licence'})."
