"""What a prepared survey is: scenes, systems, questions, and the file that listeners hear of each.

This is what lies in survey.json; it names the systems, so that no page is ever made of it.
"""

from __future__ import annotations

import random
from pathlib import Path

import msgspec

from musiscene_core.codec import read_json
from musiscene_core.errors import InputError
from musiscene_training.survey.questions import Question

PLAN_FILE, MEDIA_FOLDER = "survey.json", "media"


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One system's music for one scene.

    Attributes:
        scene: the scene's name.
        system: the system's name.
        file: what listeners are sent, in the media folder; its name says nothing.
        source: the file it was made of.
        loudness_lufs: integrated loudness of the source (BS.1770).
        gain_db: what was added so that all are equally loud.
        length_s: seconds.
    """

    scene: str
    system: str
    file: str
    source: str
    loudness_lufs: float
    gain_db: float
    length_s: float


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """A listening test, ready to be held.

    Attributes:
        title: what listeners see above it.
        questions: asked of every version.
        scenes: in the order they were read.
        systems: every scene has one version of each.
        reference: the system rated as hidden reference, "" for none.
        seed: all orders follow from it and the listener's number.
        loudness_lufs: what every version plays at.
        has_picture: whether the versions are films.
        texts: what listeners read about a scene, by scene.
        items: every scene's versions.
    """

    title: str
    questions: tuple[Question, ...]
    scenes: tuple[str, ...]
    systems: tuple[str, ...]
    reference: str
    seed: int
    loudness_lufs: float
    has_picture: bool
    texts: dict[str, str]
    items: tuple[Item, ...]
    schema: int = 1


class Page(msgspec.Struct, frozen=True):
    """What one listener meets on one page: a scene, and the order of its versions."""

    scene: str
    systems: tuple[str, ...]


def order(survey: Survey, number: int) -> tuple[Page, ...]:
    """The pages of listener `number` (from 1): scenes shuffled, and systems within each.

    The same survey and number always give the same order.
    """
    # A text seeds random.Random alike in every process and version.
    chance = random.Random(f"musiscene survey {survey.seed} listener {number}")
    scenes = list(survey.scenes)
    chance.shuffle(scenes)
    pages = []
    for scene in scenes:
        systems = list(survey.systems)
        chance.shuffle(systems)
        pages.append(Page(scene, tuple(systems)))
    return tuple(pages)


def read_survey(folder: Path) -> Survey:
    """The survey prepared in `folder`.

    Raises:
        InputError: none is there, it is damaged, or a file of it is missing.
    """
    path = folder / PLAN_FILE
    if not path.is_file():
        raise InputError(
            f"There is no survey in {folder}.",
            hint="Prepare one with: musiscene-train survey prepare SCENES --output DIR",
        )
    survey = read_json(path, Survey)
    pairs = sorted((item.scene, item.system) for item in survey.items)
    if pairs != sorted((scene, system) for scene in survey.scenes for system in survey.systems):
        raise InputError(f"{path} is damaged: not every scene has every system.")
    for item in survey.items:
        if Path(item.file).name != item.file or not (folder / MEDIA_FOLDER / item.file).is_file():
            raise InputError(
                f"{folder / MEDIA_FOLDER / item.file} is missing.",
                hint="Prepare the survey again in a new folder.",
            )
    return survey
