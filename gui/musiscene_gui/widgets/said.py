"""What the daemon, the editor and the critic say, in the user's language as far as it is known.

They speak English, with names and figures in it. Sentences that a user often meets are known here
with places for those; of any other the kind of trouble is named, and it stays as it is.
"""

from __future__ import annotations

import re
from functools import lru_cache

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication

from musiscene_core.errors import MusiSceneError
from musiscene_gui.widgets.language import speaks_english, tr
from musiscene_gui.widgets.numbers import localised

_CONTEXT = "Said"
_PLACE = re.compile(r"\\\{(\d)\\\}")
_FIGURE = re.compile(r"[+-]?\d+\.\d+")

STAGES = (
    QT_TRANSLATE_NOOP("Said", "Take {0}: {1}"),
    QT_TRANSLATE_NOOP("Said", "Watching {0}"),
    QT_TRANSLATE_NOOP("Said", "Reading {0}"),
    QT_TRANSLATE_NOOP("Said", "Looking at the sound"),
    QT_TRANSLATE_NOOP("Said", "Listening"),
    QT_TRANSLATE_NOOP("Said", "Listening to section {0} of {1}"),
    QT_TRANSLATE_NOOP("Said", "Listening to the music"),
    QT_TRANSLATE_NOOP("Said", "Listening to the earlier take"),
    QT_TRANSLATE_NOOP("Said", "Listened to the range"),
    QT_TRANSLATE_NOOP("Said", "Writing the brief"),
    QT_TRANSLATE_NOOP("Said", "Writing video"),
    QT_TRANSLATE_NOOP("Said", "Writing music"),
    QT_TRANSLATE_NOOP("Said", "Writing scene imagination"),
    QT_TRANSLATE_NOOP("Said", "Writing fusion"),
    QT_TRANSLATE_NOOP("Said", "Writing music conditions"),
    QT_TRANSLATE_NOOP("Said", "Planning the music"),
    QT_TRANSLATE_NOOP("Said", "Composing"),
    QT_TRANSLATE_NOOP("Said", "Playing the instruments"),
    QT_TRANSLATE_NOOP("Said", "Mixing and mastering"),
    QT_TRANSLATE_NOOP("Said", "Writing the score"),
    QT_TRANSLATE_NOOP("Said", "Writing the music"),
    QT_TRANSLATE_NOOP("Said", "Writing the take"),
    QT_TRANSLATE_NOOP("Said", "Drawing the lead sheet"),
    QT_TRANSLATE_NOOP("Said", "Generating the music"),
    QT_TRANSLATE_NOOP("Said", "Decoding the music"),
    QT_TRANSLATE_NOOP("Said", "Joining the music"),
    QT_TRANSLATE_NOOP("Said", "Parting music from dialogue"),
    QT_TRANSLATE_NOOP("Said", "Fetching frames"),
    QT_TRANSLATE_NOOP("Said", "Loading the vision model"),
    QT_TRANSLATE_NOOP("Said", "Loading the mood model"),
    QT_TRANSLATE_NOOP("Said", "Loading the language model"),
    QT_TRANSLATE_NOOP("Said", "Finding the sections"),
    QT_TRANSLATE_NOOP("Said", "Reading the sounds"),
    QT_TRANSLATE_NOOP("Said", "Laying the music on picture"),
    QT_TRANSLATE_NOOP("Said", "Starting the environment"),
    QT_TRANSLATE_NOOP("Said", "Waiting for the model {0}"),
)
TROUBLE = (
    QT_TRANSLATE_NOOP("Said", "{0} is not there."),
    QT_TRANSLATE_NOOP("Said", "Check the name; give a movie or an .otio timeline."),
    QT_TRANSLATE_NOOP("Said", "The daemon is not running."),
    QT_TRANSLATE_NOOP("Said", "Start it with `musiscene daemon start`."),
    QT_TRANSLATE_NOOP("Said", "The daemon has not started within {0} s."),
    QT_TRANSLATE_NOOP("Said", "The machine may be busy; try again."),
    QT_TRANSLATE_NOOP("Said", "The daemon cannot be started: {0}"),
    QT_TRANSLATE_NOOP("Said", "The engine '{0}' cannot work yet: {1}"),
    QT_TRANSLATE_NOOP("Said", "Put that right and restart the daemon, or choose another engine."),
    QT_TRANSLATE_NOOP("Said", "There is no engine called '{0}'."),
    QT_TRANSLATE_NOOP("Said", "There is no captioner called '{0}'."),
    QT_TRANSLATE_NOOP("Said", "The captioner '{0}' cannot work yet."),
    QT_TRANSLATE_NOOP("Said", "The range lasts {0} s; {1} scores up to {2} s."),
    QT_TRANSLATE_NOOP("Said", "Mark a shorter range."),
    QT_TRANSLATE_NOOP("Said", "The editor has not answered for {0} s."),
    QT_TRANSLATE_NOOP("Said", "Look whether it shows a dialog, then reload."),
    QT_TRANSLATE_NOOP("Said", "The connection to the editor broke."),
    QT_TRANSLATE_NOOP("Said", "Reload the timeline."),
    QT_TRANSLATE_NOOP("Said", "No timeline is open."),
    QT_TRANSLATE_NOOP("Said", "Open a film or timeline first."),
    QT_TRANSLATE_NOOP("Said", "DaVinci Resolve's scripting module is not on this machine."),
    QT_TRANSLATE_NOOP("Said", "No sound device can be opened; playing silently."),
    QT_TRANSLATE_NOOP("Said", "Connect one, or let go of it in other programs, then play again."),
    QT_TRANSLATE_NOOP("Said", "The sound device has gone; playing on another one."),
    QT_TRANSLATE_NOOP("Said", "The take was not placed: music of ours lies there already."),
    QT_TRANSLATE_NOOP("Said", "Place it on new tracks, or replace the earlier music."),
    QT_TRANSLATE_NOOP("Said", "This take has no score to read."),
    QT_TRANSLATE_NOOP("Said", "The composer writes one; other engines do not."),
    QT_TRANSLATE_NOOP("Said", "Score the scene again."),
    QT_TRANSLATE_NOOP("Said", "Something is being made just now."),
    QT_TRANSLATE_NOOP("Said", "Wait for it, or cancel it."),
    QT_TRANSLATE_NOOP("Said", "That take is of a scene that is not on this timeline."),
    QT_TRANSLATE_NOOP("Said", "Open the film or timeline it was made for."),
    QT_TRANSLATE_NOOP("Said", "{0} of {1} is a favourite."),
    QT_TRANSLATE_NOOP("Said", "The disk is full; the result was not kept."),
    QT_TRANSLATE_NOOP(
        "Said",
        "Free some space on the disk of {0}, then try again: what was made before is untouched.",
    ),
    QT_TRANSLATE_NOOP("Said", "The disk is full; {0} was not written."),
    QT_TRANSLATE_NOOP("Said", "Free some space or choose another folder, then try again."),
    QT_TRANSLATE_NOOP("Said", "{0} cannot be written: no permission."),
    QT_TRANSLATE_NOOP("Said", "{0} cannot be written: its folder or drive is gone."),
    QT_TRANSLATE_NOOP("Said", "Put it back or choose another folder, then try again."),
    QT_TRANSLATE_NOOP(
        "Said",
        "Copy the film or timeline to a folder you may write to and open it there: the take is"
        " kept.",
    ),
    QT_TRANSLATE_NOOP("Said", "{0} is not there any more; nothing was placed."),
    QT_TRANSLATE_NOOP("Said", "Put it or its drive back and place again: the take is kept."),
    QT_TRANSLATE_NOOP(
        "Said", "{0} was cut anew under the take since it was opened; nothing was placed."
    ),
    QT_TRANSLATE_NOOP(
        "Said", "Read it again and look whether the music still fits: the take is kept."
    ),
    QT_TRANSLATE_NOOP(
        "Said", "The take was made for other footage than lies there; nothing was placed."
    ),
    QT_TRANSLATE_NOOP(
        "Said",
        "Open the timeline that it was made for and place again: the take is kept.",
    ),
    QT_TRANSLATE_NOOP("Said", "It ended without a word."),
    QT_TRANSLATE_NOOP("Said", "Try again: it goes on where it stopped."),
)
STEMS = (
    QT_TRANSLATE_NOOP(
        "Said",
        "Taken apart by rules, no model: expect an SI-SDR of about {0} dB. Good for balancing, not"
        " for hearing one alone.",
    ),
    QT_TRANSLATE_NOOP("Said", "Drums and bass taken apart by {0}, melody and harmony by rules."),
    QT_TRANSLATE_NOOP("Said", "Generated each on its own ({0}) in {1} s; the mix is their sum."),
)
CRITIC = (
    QT_TRANSLATE_NOOP("Said", "Fits {0} best: {1}."),
    QT_TRANSLATE_NOOP("Said", "Nearer to {0} than {1}: {2} ({3} against {4})."),
    QT_TRANSLATE_NOOP("Said", "Farther from {0} than {1}: {2} ({3} against {4})."),
    QT_TRANSLATE_NOOP("Said", "Hardly better than the second: hear both."),
    QT_TRANSLATE_NOOP("Said", "Hardly worse than the best: hear both."),
    QT_TRANSLATE_NOOP("Said", "the scene's feeling"),
    QT_TRANSLATE_NOOP("Said", "the brief's words"),
    QT_TRANSLATE_NOOP("Said", "the hit points"),
    QT_TRANSLATE_NOOP("Said", "the loudness asked for"),
    QT_TRANSLATE_NOOP("Said", "the second"),
    QT_TRANSLATE_NOOP("Said", "the best"),
    QT_TRANSLATE_NOOP("Said", "{0} off in the plane of valence and arousal"),
    QT_TRANSLATE_NOOP("Said", "texts alike by {0}"),
    QT_TRANSLATE_NOOP("Said", "{0} of {1} met within a frame"),
    QT_TRANSLATE_NOOP("Said", "{0} LU off"),
)


def said(sentence: str) -> str:
    """A sentence in the user's language, its figures and names kept; as it is where unknown."""
    if speaks_english():
        return sentence
    found = _matched(sentence)
    if found is None:
        return sentence
    template, places = found
    spoken = QCoreApplication.translate(_CONTEXT, template)
    for number, place in enumerate(places):
        told = localised(place) if _FIGURE.fullmatch(place) else said(place)
        spoken = spoken.replace(f"{{{number}}}", told)
    return spoken


def said_of(error: MusiSceneError) -> str:
    """An error in the user's language; of an unknown one at least the kind."""
    sentences = [sentence for sentence in (error.message, error.hint) if sentence]
    spoken = " ".join(said(sentence) for sentence in sentences)
    if speaks_english() or _matched(error.message) is not None:
        return spoken
    return f"{_kind(error.code)}: {spoken}"


def _kind(code: str) -> str:
    kinds = {
        "input": tr("Input"),
        "timecode": tr("Timecode"),
        "range": tr("Range"),
        "media": tr("Media"),
        "media_offline": tr("Media offline"),
        "timeline": tr("Timeline"),
        "model": tr("Model"),
        "request": tr("Request"),
        "output": tr("Writing"),
        "disk_full": tr("Writing"),
        "host": tr("Editor"),
        "host_lost": tr("Editor"),
        "engine": tr("Engine"),
        "daemon": tr("Daemon"),
        "job_failed": tr("Work"),
    }
    return kinds.get(code, tr("Error"))


@lru_cache(maxsize=512)
def _matched(sentence: str) -> tuple[str, tuple[str, ...]] | None:
    """The template that a sentence is made from, and what stands in its places."""
    for pattern, template in _patterns():
        found = pattern.fullmatch(sentence)
        if found is not None:
            return template, found.groups()
    return None


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    # Those with fewer places first: what is known whole is not read as a part of another.
    known = sorted((*STAGES, *TROUBLE, *STEMS, *CRITIC), key=lambda text: text.count("{"))
    return tuple(
        (re.compile(_PLACE.sub("(.+?)", re.escape(text)), re.DOTALL), text) for text in known
    )
