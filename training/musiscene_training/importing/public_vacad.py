"""The public text of VACAD: 699 rows without ids, beside the answers of MU-LLaMA, by video.

    Music Caption 1, Music Caption 2, Video Caption, Mixtral Audio, Mixtral Video
    {"VIDEO": {"q": question, "pred": answer}, ...}

Row i belongs to entry i: its second music caption is that entry's answer, which is checked. The
makers do not say what Mixtral was asked for the last two columns. By what they say, "Mixtral Audio"
is the music told from both captions, and "Mixtral Video" the scene; they are taken as fusion and
as scene captions.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from musiscene_core.captioning.language.cleaning import clean
from musiscene_core.captioning.prompts import DESCRIBE, VIDEO
from musiscene_core.errors import InputError
from musiscene_training.dataset import Problem, Row, tabled
from musiscene_training.importing.found import Found, media_in
from musiscene_training.importing.musicqa import json_in

FIRST, SECOND, SEEN = "Music Caption 1", "Music Caption 2", "Video Caption"
FUSION, SCENE = "Mixtral Audio", "Mixtral Video"


class _Answered(msgspec.Struct):
    pred: str
    q: str = DESCRIBE


def read_public_vacad(path: Path, ids: Path, media: Path, licence: str = "") -> Found:
    """The texts about those videos whose file, named by its id, is in `media`.

    Raises:
        InputError: a file cannot be read, or the two do not belong together.
    """
    rows = [row for _, row in tabled(path)]
    answered = json_in(ids, dict[str, _Answered])
    _check(path, ids, rows, answered)
    files = media_in(media)
    datasets: dict[str, list[Row]] = {"music": [], "fusion": [], "msi": []}
    problems: list[Problem] = []
    for row, (video, said) in zip(rows, answered.items(), strict=True):
        sound = files.get(video)
        if sound is None:
            problems.append(Problem(video, f"There is no {video}.* in {media}."))
            continue
        texts = (
            ("music", 1, DESCRIBE, row[FIRST]),
            ("music", 2, said.q, row[SECOND]),
            ("fusion", 1, DESCRIBE, row[FUSION]),
            ("msi", 1, VIDEO, row[SCENE]),
        )
        for name, number, question, text in texts:
            cleaned = clean(text)
            if not cleaned.text:
                problems.append(Problem(f"{video} {name}", f"It says nothing: {cleaned.reason}."))
                continue
            datasets[name].append(
                Row(
                    id=f"{video}.{number}",
                    question=question,
                    answer=cleaned.text,
                    sound=str(sound),
                    source=video,
                    licence=licence,
                )
            )
    return Found(datasets, (), problems)


def _check(
    path: Path, ids: Path, rows: list[dict[str, str]], answered: dict[str, _Answered]
) -> None:
    lacking = [name for name in (FIRST, SECOND, FUSION, SCENE) if rows and name not in rows[0]]
    if lacking or not rows:
        raise InputError(
            f"{path} is not VACAD's public text: it has no column {(lacking or [FIRST])[0]!r}.",
            hint="Give the CSV as it was published.",
        )
    same = sum(
        row[SECOND].strip() == said.pred.strip()
        for row, said in zip(rows, answered.values(), strict=False)
    )
    if len(rows) != len(answered) or same < len(rows):
        raise InputError(
            f"{ids} does not belong to {path}: {same} of {len(rows)} rows have its answers.",
            hint="Give both as they were published, in their order.",
        )
