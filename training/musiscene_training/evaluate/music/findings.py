"""What an evaluation of music found, as values."""

from __future__ import annotations

import msgspec

from musiscene_training.evaluate.music.measured import Measured


class Fad(msgspec.Struct, frozen=True, kw_only=True):
    """A Fréchet distance of one set of music from the reference.

    Attributes:
        music: which set.
        embedding: of what.
        published: whether it can stand beside published figures of that embedding.
        value: of all windows; None with fewer than two.
        low: end of the 95 % interval over clips; None with fewer than 5 on a side.
        high: its other end.
        endless: FAD-infinity; None with too few windows.
        fit: R² of the line it is read from.
        windows: of reference and music.
        dimensions: of the embedding.
    """

    music: str
    embedding: str
    published: bool
    value: float | None
    low: float | None = None
    high: float | None = None
    endless: float | None = None
    fit: float | None = None
    windows: tuple[int, int] = (0, 0)
    dimensions: int = 0


class Mean(msgspec.Struct, frozen=True, kw_only=True):
    """A mean over sounds.

    Attributes:
        music: which set.
        what: of which figure: "KL", "CLAP", "tempo" and so on.
        by: the model that it is of; empty for none.
        value: the mean; None where no sound has one.
        low: end of the 95 % interval, from resampling sounds; None with fewer than 5.
        high: its other end.
        sounds: how many have one.
    """

    music: str
    what: str
    by: str = ""
    value: float | None
    low: float | None = None
    high: float | None = None
    sounds: int = 0


class SoundFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One sound.

    Attributes:
        music: the set that it is of.
        name: its name.
        caption: the words it was made from; empty where unknown.
        measured: without models; None where it could not be heard.
        kl: KL(reference || sound) by classifier, in nats.
        kl_reversed: KL(sound || reference).
        clap: cosine of sound and caption.
        problem: why it was left out; empty where it was not.
    """

    music: str
    name: str
    caption: str = ""
    measured: Measured | None = None
    kl: dict[str, float] = {}
    kl_reversed: dict[str, float] = {}
    clap: float | None = None
    problem: str = ""


class MusicReport(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was found.

    Attributes:
        reference: folder of the music that pairs are made with.
        background: folder of the music that FADs are counted from.
        music: names of the sets, in order.
        fads: a set and embedding each.
        means: of what is counted sound by sound.
        sounds: each of them.
        notes: what a reader has to know, a sentence each.
        digest: SHA-256 over names and sizes of all sound files, in hex.
        made_with: versions of what counted, by package.
    """

    reference: str
    background: str
    music: tuple[str, ...]
    fads: tuple[Fad, ...]
    means: tuple[Mean, ...]
    sounds: tuple[SoundFigures, ...]
    notes: tuple[str, ...]
    digest: str
    made_with: dict[str, str]

    def fad(self, music: str) -> Fad | None:
        """The FAD of a set that is nearest to what papers publish; None without any."""
        known = [one for one in self.fads if one.music == music and one.value is not None]
        return min(known, key=lambda one: not one.published, default=None)

    def mean(self, music: str, what: str, by: str = "") -> Mean | None:
        """A mean of that name, by a model whose name has `by` in it before others; or None."""
        found = [one for one in self.means if (one.music, one.what) == (music, what)]
        known = [one for one in found if one.value is not None]
        return min(known, key=lambda one: by not in one.by.casefold(), default=None)
