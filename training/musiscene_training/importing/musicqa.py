"""MusicQA as MU-LLaMA was trained with it: questions about music files, and their answers.

[{"audio_name": "x.wav", "conversation": [{"from": "human", "value": question},
                                          {"from": "gpt", "value": answer}, ...]}, ...]
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from musiscene_core.errors import InputError
from musiscene_training.dataset import Problem, Row
from musiscene_training.importing.found import Found, media_in

_MOST_BYTES = 1 << 30


class _Said(msgspec.Struct):
    speaker: str = msgspec.field(name="from")
    value: str = ""


class _Item(msgspec.Struct):
    audio_name: str
    conversation: list[_Said]


def read_musicqa(path: Path, media: Path, licence: str = "") -> Found:
    """The questions and answers in `path` about the files in `media`.

    Raises:
        InputError: the file or the folder cannot be read.
    """
    files = media_in(media)
    rows: list[Row] = []
    problems: list[Problem] = []
    for number, given in enumerate(json_in(path, list[Any])):
        place = f"{path.name}[{number}]"
        try:
            item = msgspec.convert(given, _Item)
        except msgspec.MsgspecError as error:
            problems.append(Problem(place, f"It is no item of MusicQA: {error}."))
            continue
        sound = files.get(item.audio_name)
        if sound is None:
            problems.append(Problem(place, f"{item.audio_name} is not in {media}."))
            continue
        found = [
            Row(
                id=f"{number}.{place_in}",
                question=question,
                answer=answer,
                sound=str(sound),
                source=item.audio_name,
                licence=licence,
            )
            for place_in, (question, answer) in enumerate(_pairs(item.conversation))
        ]
        if not found:
            problems.append(Problem(place, "It has no question with an answer."))
        rows += found
    return Found({"": rows}, (), problems)


def json_in(path: Path, kind: type) -> Any:
    """The JSON in a file of at most a gigabyte.

    Raises:
        InputError: it cannot be read, or is something else.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(f"{path} is too large to be read.")
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(
            f"{path} is not as it should be: {error}.", hint="Get it again."
        ) from error


def _pairs(said: list[_Said]) -> Iterator[tuple[str, str]]:
    question = ""
    for one in said:
        if one.speaker == "human":
            question = one.value.strip()
        elif one.speaker == "gpt" and question and one.value.strip():
            yield question, one.value.strip()
            question = ""
