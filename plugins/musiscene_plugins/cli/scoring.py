"""Scoring a range from end to end: spot, compose, publish, place. Shared by `score` and `demo`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from musiscene_core.brief import SceneBrief
from musiscene_core.codec import read_json
from musiscene_core.errors import RequestError
from musiscene_core.protocol import connect
from musiscene_core.request import CAPTION_STRATEGIES, ScoreRequest
from musiscene_plugins.cli.terminal import shown_progress
from musiscene_plugins.host import (
    EditorHost,
    PlaceLayout,
    PlacePolicy,
    RangeChoice,
    TakeInFolder,
    TimelineDescription,
)
from musiscene_plugins.results import check_output, publish, sounds_of, with_reports


class Scored(msgspec.Struct, frozen=True, kw_only=True):
    """What a run made.

    Attributes:
        brief: what was spotted, or read.
        takes: the takes, in the user's folder.
        timeline: path of the timeline that carries them, or its name in the editor.
        skipped: takes that were not placed, since music of ours lies there already.
        not_kept: what of the timeline the copy's format could not hold, a sentence each.
        left: earlier music that someone has worked on and that stayed, a sentence each.
    """

    brief: SceneBrief
    takes: Sequence[TakeInFolder]
    timeline: str
    skipped: tuple[str, ...] = ()
    not_kept: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def score_range(
    host: EditorHost,
    request: ScoreRequest,
    *,
    brief: SceneBrief | None,
    output: Path,
    layout: PlaceLayout,
    quiet: bool,
    policy: PlacePolicy = "new",
    themes: Callable[[ScoreRequest], ScoreRequest] | None = None,
    report: bool = False,
) -> Scored:
    """Make what `request` asks for and place it.

    Args:
        host: the open timeline.
        request: what is wanted; its brief says only which range, unless `brief` is None.
        brief: the brief to score; None spots the range first.
        output: where results go.
        layout: a track a stem, or one for the mix.
        quiet: no progress lines.
        policy: what happens to music placed there earlier.
        themes: puts the film's themes into the request once its brief is known.
        report: draw each take and write its listening page.
    """
    # A folder that cannot be written starts no daemon. Whether there is room is asked after whether
    # this can be scored at all: it is not what three hours lack.
    check_output(output, request.brief.timeline, takes=0)
    with shown_progress(quiet=quiet) as show, connect() as client:
        if brief is None:
            client.check(request)
        check_output(output, request.brief.timeline, request.takes, sounds_of(request))
        if brief is None:
            brief = client.spot(request.brief.timeline, show, on_eta=show.eta)
        wish = msgspec.structs.replace(request, brief=brief)
        check_steering(wish)
        wish = themes(wish) if themes is not None else wish
        made = client.score(wish, show, on_eta=show.eta)
    takes = publish(output, brief, [TakeInFolder(take, folder) for take, folder in made])
    if report:
        with shown_progress(quiet=quiet) as show:
            takes = with_reports(takes, brief, show)
    placement = host.place_takes(takes, layout=layout, policy=policy)
    return Scored(
        brief=brief,
        takes=takes,
        timeline=placement.timeline,
        skipped=placement.skipped,
        not_kept=placement.not_kept,
    )


def check_steering(request: ScoreRequest) -> None:
    """Refuse a caption that was chosen to steer by and says nothing.

    Raises:
        RequestError: the brief has no words there.
    """
    said = [
        name for name in CAPTION_STRATEGIES if getattr(request.brief.captions, name).text.strip()
    ]
    if said and request.caption_strategy not in (*said, CAPTION_STRATEGIES[0]):
        raise RequestError(
            f"The scene has no caption {request.caption_strategy!r} to steer the music.",
            hint=f"Choose one that says something ({', '.join(said)}); or have it written with"
            " `musiscene caption`, or write it yourself, and give the brief with --brief.",
        )


def read_brief(path: Path, timeline: TimelineDescription, choice: RangeChoice) -> SceneBrief:
    """The edited brief at `path`, which must be about `timeline`, under the cue name chosen.

    Raises:
        InputError: not a brief.
        RequestError: it is about another timeline, or a range was chosen besides.
    """
    if choice != RangeChoice(cue=choice.cue):
        raise RequestError(
            "A brief and a range were both given.",
            hint="The brief says its range; leave out --in, --out and --marker.",
        )
    from musiscene_core.spotting.recaption import marked

    brief = read_json(path, SceneBrief)
    about = msgspec.structs.replace(brief.timeline, cue=choice.cue or brief.timeline.cue)
    outside = about.record.overlap(timeline.record) != about.record
    if outside or about.rate.fps != timeline.rate.fps:
        raise RequestError(
            f"{path} is not about this timeline: its range or frame rate is another.",
            hint="Spot this file with --save, and edit that brief.",
        )
    return marked(msgspec.structs.replace(brief, timeline=about))
