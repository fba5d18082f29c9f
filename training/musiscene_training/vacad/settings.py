"""What a build is told: where clips come from, who describes them, and what may fail."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from musiscene_core.captioning.language.settings import LanguageSettings
from musiscene_core.errors import RequestError
from musiscene_core.request import NANO, LanguageUse
from musiscene_training.vacad.selecting import MUSIC

Media = Literal["tar", "files"]
OtherLanguages = Literal["flag", "drop"]


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """Where clips come from: one of the three.

    Attributes:
        audioset: a segments CSV.
        folder: of clips.
        clips: a list, as the importing of cues writes it.
        label: that clips of AudioSet must carry.
        licence: of clips that name none.
        limit: clips at most; None for all.
    """

    audioset: Path | None = None
    folder: Path | None = None
    clips: Path | None = None
    label: str = MUSIC
    licence: str = ""
    limit: int | None = None

    def __post_init__(self) -> None:
        named = [one for one in (self.audioset, self.folder, self.clips) if one is not None]
        if len(named) != 1:
            raise RequestError(
                "A build takes its clips from one place.",
                hint="Give one of --audioset CSV, --folder DIR and --clips FILE.",
            )


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How a build works. Each stage is known by those that change what it says.

    Attributes:
        fetch: the user's own command to get a clip, in words; empty where they are here.
        ending: of the files that it writes.
        fetch_timeout_s: after which a command is ended.
        vision: folder of a model that describes frames; empty for measurements.
        frames: looked at in each clip.
        seen: texts of the picture by clip, from another captioner, which go before the model's.
        captioner: who listens.
        language: whether a language model must, may or must not write.
        model: where it is.
        other_languages: what becomes of texts that are not English.
        jobs: commands and questions at a time.
        batch: clips that are worked on together, and lost together by a kill.
        most_failed: share of clips that may fail.
        media: sounds go into tars, or stay where they are.
        tar_bytes: a tar is closed when it is larger.
        discard_fetched: delete fetched files once they lie in tars.
        seed: of what is drawn.
    """

    fetch: tuple[str, ...] = ()
    ending: str = "mp4"
    fetch_timeout_s: float = 600.0
    vision: str = ""
    frames: int = 3
    seen: tuple[tuple[str, str], ...] = ()
    captioner: str = NANO
    language: LanguageUse = "auto"
    model: LanguageSettings = LanguageSettings()
    other_languages: OtherLanguages = "flag"
    jobs: int = 4
    batch: int = 8
    most_failed: float = 0.5
    media: Media = "tar"
    tar_bytes: int = 1 << 30
    discard_fetched: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        counts = (self.frames, self.jobs, self.batch)
        wrong = (
            (not 0 <= self.most_failed <= 1, "The share of clips that may fail must be 0 to 1."),
            (not all(1 <= count <= 1024 for count in counts), "Counts must be 1 to 1024."),
            (not self.ending.isalnum(), f"{self.ending!r} is no ending of a file."),
            (not self.fetch_timeout_s > 0, "A command needs some time."),
        )
        for failed, message in wrong:
            if failed:
                raise RequestError(message)
        if self.fetch and not any("{output}" in word for word in self.fetch):
            raise RequestError(
                "The command to fetch clips does not say where to write them.",
                hint="Put {output} into it, beside {id}, {start}, {end} or {length}.",
            )
