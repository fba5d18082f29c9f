"""Take: finished music for a range, as files in one folder, with how it was made."""

from __future__ import annotations

from typing import Literal

import msgspec

from musiscene_core.brief import Mode
from musiscene_core.cue import DroppedHit, HitResult, Section, StemRole
from musiscene_core.ranges import FrameRange
from musiscene_core.request import AlternateName
from musiscene_core.tempo_map import TempoMap
from musiscene_core.timecode import SAMPLE_RATE, FrameRate

Licence = Literal["CC0-1.0", "CC-BY-NC-4.0", "as the source", "unknown"]
"""Of music: SPDX name, or whose it is."""
RENDER_FILE = "render.json"
"""How a generated take was made (fitting.report), in its folder."""
REPORT_FILE = "report.html"
"""The listening page, in the folder of a take that has one."""


class Stem(msgspec.Struct, frozen=True, kw_only=True):
    """One stem.

    Attributes:
        role: what it carries.
        path: WAV file, relative to the take's folder.
        peak_dbfs: highest sample; -inf is written as -200.
        name: the instrument it carries, as a musician calls it; empty where it is the whole role.
    """

    role: StemRole
    path: str
    peak_dbfs: float
    name: str = ""

    @property
    def title(self) -> str:
        """What it is called among a take's stems, unlike all others: "bass", "melody: Horn"."""
        return f"{self.role}: {self.name}" if self.name else self.role


class Alternate(msgspec.Struct, frozen=True, kw_only=True):
    """Another version of a take's music, a mix of its own.

    Attributes:
        name: one of request.ALTERNATES.
        mix: WAV file, relative to the take's folder.
        length_samples: of the mix.
        loudness_lufs: integrated loudness (ITU-R BS.1770-4).
        true_peak_dbtp: highest true peak.
        gain_db: of a mix that leaves stems of the take's out, against the take's: 0, or below
            where a peak would pass the limit without them.
        stems: its own stems, where they were asked for; they sum to its mix.
        peaks: waveform overview, as the take's.
        tempo: its tempo map; None where it is the take's.
        hit_frame: the frame of it on which its main moment falls; None where it has no other than
            the take's.
    """

    name: AlternateName
    mix: str
    length_samples: int
    loudness_lufs: float
    true_peak_dbtp: float
    gain_db: float = 0.0
    stems: tuple[Stem, ...] = ()
    peaks: str = ""
    tempo: TempoMap | None = None
    hit_frame: int | None = None

    @property
    def files(self) -> tuple[str, ...]:
        """Every file it names, the mix first."""
        return tuple(filter(None, (self.mix, *(stem.path for stem in self.stems), self.peaks)))


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """How a take came to be: enough to make it again, and to say who may use it.

    Attributes:
        engine: the engine's name.
        engine_version: changes when the same request would give other bytes.
        model: name of the model, or of the user's SoundFont or music file; empty for the
            composer's own sounds.
        model_hash: SHA-256 of its weights or file; empty for the composer's own sounds.
        seed: this take's seed.
        prompt: the text that steered it.
        licence: SPDX name, or the model's own licence, for the music made.
        commercial_use: whether that licence allows it.
        request_digest: SHA-256 of the request.
        conformed_from: SHA-256 of the take.json of the take it was fitted from; empty where it
            was made anew.
    """

    engine: str
    engine_version: str
    model: str = ""
    model_hash: str = ""
    seed: int = 0
    prompt: str = ""
    licence: Licence = "unknown"
    commercial_use: bool = False
    request_digest: str = ""
    conformed_from: str = ""


class Take(msgspec.Struct, frozen=True, kw_only=True):
    """A take. Paths are relative to the folder that holds its take.json.

    Attributes:
        name: "take-1" and so on.
        cue: the cue's name.
        rate: the timeline's frame rate.
        record: record In and Out.
        length_samples: of the mix and every stem, exactly the range's.
        mix: WAV file; the sample-exact sum of the stems.
        stems: the stems.
        midi: MIDI file; empty where the engine writes none.
        musicxml: the score for notation programs; empty where the engine writes none.
        lead_sheet: its lead sheet as pictures, SVG, a file a page; none until they are drawn.
        chart: the cue chart, PNG; empty until it is drawn.
        sections: the music's form; none where the engine knows none.
        tempo: the tempo map; None where the engine knows none.
        tonic: key, pitch class from C = 0; None where unknown.
        mode: major or minor; None where unknown.
        hits: how the music meets the chosen hit points.
        loudness_lufs: integrated loudness of the mix (ITU-R BS.1770-4).
        true_peak_dbtp: highest true peak of the mix.
        provenance: how it was made.
        dropped: the candidate hit points that the music leaves alone, with the reason.
        peaks: waveform overview of the mix in BBC audiowaveform v2 .dat; empty where none.
        loop: whether it plays round without a seam.
        alternates: its other versions.
        extras: further files of the engine: reports, pictures.
        warnings: what the user should know, a sentence each.
        sample_rate: in hertz.
        schema_version: of this struct.
    """

    name: str
    cue: str
    rate: FrameRate
    record: FrameRange
    length_samples: int
    mix: str
    stems: tuple[Stem, ...]
    hits: tuple[HitResult, ...]
    loudness_lufs: float
    true_peak_dbtp: float
    provenance: Provenance
    midi: str = ""
    musicxml: str = ""
    lead_sheet: tuple[str, ...] = ()
    chart: str = ""
    sections: tuple[Section, ...] = ()
    tempo: TempoMap | None = None
    tonic: int | None = None
    mode: Mode | None = None
    dropped: tuple[DroppedHit, ...] = ()
    peaks: str = ""
    loop: bool = False
    alternates: tuple[Alternate, ...] = ()
    extras: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    sample_rate: int = SAMPLE_RATE
    schema_version: int = 1

    @property
    def hits_s(self) -> list[float]:
        """Where music meets the hits, in seconds of the take."""
        return [float(self.rate.seconds(hit.frame)) + hit.error_ms / 1000 for hit in self.hits]

    @property
    def files(self) -> tuple[str, ...]:
        """Every file it names, the mix first, relative to its folder."""
        score = (self.midi, self.musicxml, *self.lead_sheet, self.chart, self.peaks)
        others = (name for alternate in self.alternates for name in alternate.files)
        names = (self.mix, *(stem.path for stem in self.stems), *score, *others, *self.extras)
        return tuple(name for name in names if name)
