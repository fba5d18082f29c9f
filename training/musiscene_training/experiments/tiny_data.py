"""Music by our composer, and words for it by the nano captioner's grammar: a dataset made here.

folder/cues, folder/sounds      the music, with what is true of it
folder/msi, folder/music        scene captions and music captions of two stretches of each cue
folder/tags.jsonl               what is true of each, as tags
"""

from __future__ import annotations

import io
import wave
from pathlib import Path

import msgspec
import numpy as np

from musiscene_core.captioning.prompts import DESCRIBE, SCENE, prompt
from musiscene_core.codec import write_atomically
from musiscene_core.errors import OutputError
from musiscene_core.progress import Progress
from musiscene_training.dataset import ROWS_FILE, Row, split_of, write_rows
from musiscene_training.nano import corpus
from musiscene_training.nano.grammar.writing import answer
from musiscene_training.nano.truth import Traits, any_traits, traits

CUES = 60
TAGS_FILE = "tags.jsonl"
NEW_GENRES = ("string drama", "uplift", "melancholy")
"""What the corpus holds back from the nano captioner, and an experiment here from its own."""
_TEXTS, _READING = 600, 7
_STRETCHES_S = ((1.0, 9.0), (9.0, 17.0))


def make_data(folder: Path, cues: int, seed: int, progress: Progress) -> Path:
    """Write a dataset of scenes, and one of music captions beside it; returns that of scenes.

    Cues that are there already are not played again.

    Raises:
        OutputError: no space or no permission.
    """
    place = folder / "msi"
    if (place / ROWS_FILE).is_file():
        return place
    corpus.build(folder / "cues", range(cues), seed, progress)
    try:
        for name in ("sounds", "msi", "music"):
            (folder / name).mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError.from_os(error, folder) from error
    scenes: list[Row] = []
    music: list[Row] = []
    tags: list[dict[str, object]] = []
    for number in range(cues):
        facts, stems = corpus.read_cue(corpus.cue_file(folder / "cues", number))
        sound = np.sum(list(stems.values()), axis=0)
        name = f"cue-{number:06d}.wav"
        write_atomically(folder / "sounds" / name, _wav(sound))
        for nth, (start_s, end_s) in enumerate(_STRETCHES_S):
            true = traits(facts, start_s, end_s, list(stems))
            tags.append({"id": f"{number}.{nth}", "tags": _tags(true)})
            random = np.random.default_rng([seed, number, nth])
            for rows, question in ((scenes, SCENE), (music, DESCRIBE)):
                rows.append(
                    Row(
                        id=f"{number}.{nth}",
                        question=question,
                        answer=answer(question, true, random),
                        sound=f"../sounds/{name}",
                        start_s=start_s,
                        end_s=end_s,
                        split=split_of(f"{seed} {number}"),
                        source=str(number),
                        genre=facts.idiom,
                        licence="made here",
                    )
                )
    lines = [msgspec.json.encode(one) + b"\n" for one in tags]
    write_atomically(folder / TAGS_FILE, b"".join(lines))
    write_rows(folder / "music", music)
    write_rows(place, scenes)
    return place


def reading(seed: int) -> list[str]:
    """Texts of the grammar for a language model to read, of no music in particular.

    Scenes and music captions in plain sentences, and music captions as answers to their question;
    what it was asked about scenes it has not read.
    """
    random = np.random.default_rng([seed, _READING])
    texts = []
    for _ in range(_TEXTS):
        true = any_traits(random)
        asked = prompt(DESCRIBE) + answer(DESCRIBE, true, random)
        texts += [answer(SCENE, true, random), answer(DESCRIBE, true, random), asked]
    return texts


def _tags(true: Traits) -> list[str]:
    tempo, energy = f"a {true.tempo} tempo", f"{true.energy} energy"
    return [true.palette, *true.players, f"{true.mode} key", tempo, energy, true.quadrant]


def _wav(samples: corpus.Floats) -> bytes:
    """Samples [n] at the corpus' rate as a 16-bit WAV."""
    loudest = max(float(np.abs(samples).max()), 1e-9)
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(corpus.HEARD_HZ)
        file.writeframes(np.round(samples / max(1.0, loudest) * 32_000).astype("<i2").tobytes())
    return data.getvalue()
