"""A listening job: sounds cut into sections, and a captioner asked about each.

Runs in the worker. A sound or section that cannot be heard has its problem in the result; the job
fails only where nothing at all could be captioned.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from musiscene_core.brief import Caption, HowWritten
from musiscene_core.captioning.heard import (
    HeardSection,
    OnText,
    Section,
    SoundCaptions,
    unheard,
)
from musiscene_core.captioning.request import ListenRequest, SoundPart
from musiscene_core.errors import EngineError, InputError, MediaError, RequestError
from musiscene_core.media import cut_short, probe
from musiscene_core.progress import Portion, Progress
from musiscene_core.protocol.admission import check_listening
from musiscene_core.protocol.licensing import intended_for
from musiscene_daemon.engines.registry import Registry
from musiscene_daemon.rewriting import FROM_BOTH, check_seen, rewritten
from musiscene_daemon.scribe import Scribe

MAX_SECTIONS = 4_000
_CUTTING = 0.3
"""Share of the progress that finding the sections gets."""
_HEARING = 0.7
"""Progress once all is heard, where a scribe writes after that."""


def listen(
    request: ListenRequest, engines: Registry, on_text: OnText, progress: Progress
) -> SoundCaptions:
    """Put the sounds of a request into words.

    Raises:
        EngineError: the captioner is not there, lacks something, or does not keep its promises.
        RequestError: it cannot do what is asked, or there would be too many sections.
        MediaError: nothing of the sounds could be heard.
    """
    check_listening(request, engines.captioner_infos, tuple(engines.broken))
    check_seen(request)
    scribe = None
    if request.strategy in FROM_BOTH:
        commercial = intended_for(request) == "commercial"
        scribe = Scribe(request.language, engines.residents, request.seed, commercial=commercial)
    captioner = engines.captioner(request.captioner)
    rows = _cut(request, Portion(progress, 0.0, _CUTTING))
    heard = [place for place, row in enumerate(rows) if isinstance(row, Section)]

    def placed(section: int, question: int, piece: str, *, anew: bool = False) -> None:
        on_text(heard[section], question, piece, anew=anew)

    sections = [row for row in rows if isinstance(row, Section)]
    answers = captioner.answer(
        sections,
        request.asked,
        request.generation,
        adapters=request.adapters,
        on_text=placed if scribe is None else unheard,
        progress=Portion(progress, _CUTTING, 1.0 if scribe is None else _HEARING),
    )
    check_answers(answers, sections, len(request.asked), request.captioner)
    if scribe is not None:
        writing = Portion(progress, _HEARING, 1.0)
        answers = rewritten(answers, request, scribe, placed, writing)
    found = iter(answers)
    results = tuple(next(found) if isinstance(row, Section) else row for row in rows)
    if not any(result.captions for result in results):
        raise MediaError(results[0].problem)
    return SoundCaptions(
        captioner=request.captioner,
        version=captioner.describe().version,
        strategy=request.strategy,
        questions=request.asked,
        sections=_noted(results, request),
    )


def _noted(results: tuple[HeardSection, ...], request: ListenRequest) -> tuple[HeardSection, ...]:
    """`results` with a note of what is missing at the end of a sound."""
    notes = {}
    for sound in request.sounds:
        shortfall = cut_short(sound.media.path, sound.media.audio_stream)
        if shortfall and (sound.end_s is None or shortfall.felt(sound.end_s)):
            notes[sound.media] = shortfall.told(sound.media.name or sound.media.path)

    def noted(caption: Caption, note: str) -> Caption:
        how = caption.how or HowWritten(writer=request.captioner)
        return msgspec.structs.replace(
            caption, how=msgspec.structs.replace(how, notes=(*how.notes, note))
        )

    return tuple(
        msgspec.structs.replace(
            one, captions=tuple(noted(each, notes[one.section.media]) for each in one.captions)
        )
        if one.section.media in notes
        else one
        for one in results
    )


def _cut(request: ListenRequest, progress: Progress) -> list[Section | HeardSection]:
    """The sections of each sound; a sound without any stands as one with its problem."""
    rows: list[Section | HeardSection] = []
    for done, sound in enumerate(request.sounds):
        progress("Looking at the sound", done / len(request.sounds))
        try:
            part = Portion(progress, done / len(request.sounds), (done + 1) / len(request.sounds))
            rows += _sections(sound, request, part)
        except InputError as error:
            end_s = sound.start_s if sound.end_s is None else sound.end_s
            whole = Section(media=sound.media, start_s=sound.start_s, end_s=end_s)
            rows.append(HeardSection(section=whole, problem=str(error)))
        if len(rows) > MAX_SECTIONS:
            raise RequestError(
                f"There would be more than {MAX_SECTIONS} sections.",
                hint="Ask for longer sections, or for less sound.",
            )
    return rows


def _sections(sound: SoundPart, request: ListenRequest, progress: Progress) -> list[Section]:
    start_s, end_s = sound.start_s, _end_s(sound)
    spans: tuple[tuple[float, float], ...] = ((start_s, end_s),)
    if request.sectioning == "found":
        from musiscene_core.spotting.sections import find_sections

        media = sound.media
        spans = find_sections(
            media.path, start_s, end_s, stream=media.audio_stream, progress=progress
        )
    elif request.sectioning == "each":
        count = max(1, round((end_s - start_s) / request.section_s))
        edges = [*(start_s + index * request.section_s for index in range(count)), end_s]
        spans = tuple(pairwise(edges))
    return [Section(media=sound.media, start_s=first, end_s=last) for first, last in spans]


def _end_s(sound: SoundPart) -> float:
    """Where the stretch ends, by the file where it says so."""
    info = probe(sound.media.path)
    streams, number = info.audio, sound.media.audio_stream
    if number >= len(streams):
        raise MediaError(
            f"{sound.media.path} has {len(streams) or 'no'} audio streams.",
            hint="Choose a file with sound, or another stream of it.",
        )
    known_s = float(streams[number].duration or info.duration)
    if not known_s:
        if sound.end_s is None:
            raise MediaError(
                f"{sound.media.path} does not say how long it is, or holds no sound.",
                hint="Look whether it plays; where it does, say where to end.",
            )
        return sound.end_s
    if sound.start_s >= known_s:
        raise RequestError(
            f"{sound.media.path} lasts {known_s:.2f} s and ends before the stretch begins.",
            hint="Begin earlier.",
        )
    return known_s if sound.end_s is None else min(sound.end_s, known_s)


def check_answers(
    answers: Sequence[HeardSection], sections: Sequence[Section], questions: int, name: str
) -> None:
    """A captioner's promise of an answer to everything is checked where it can fail the job.

    Raises:
        EngineError: it left something out.
    """
    kept = len(answers) == len(sections) and all(
        answer.problem or len(answer.captions) == questions for answer in answers
    )
    if not kept:
        raise EngineError(
            f"The captioner {name!r} did not answer everything.",
            hint="This is a fault of the captioner; report it to its makers.",
        )
