"""Take: finished music for a range, as files in one folder, with how it was made."""

from __future__ import annotations

from typing import Literal

import msgspec

from musiscene_core.brief import Mode
from musiscene_core.cue import HitResult, StemRole, TempoMap
from musiscene_core.ranges import FrameRange
from musiscene_core.timecode import SAMPLE_RATE, FrameRate


class Stem(msgspec.Struct, frozen=True, kw_only=True):
    """One stem.

    Attributes:
        role: what it carries.
        path: WAV file, relative to the take's folder.
        peak_dbfs: highest sample; -inf is written as -200.
    """

    role: StemRole
    path: str
    peak_dbfs: float


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """How a take came to be: enough to make it again, and to say who may use it.

    Attributes:
        engine: the engine's name.
        engine_version: changes when the same request would give other bytes.
        model: name of the model; empty for the composer.
        model_hash: SHA-256 of its weights; empty for the composer.
        seed: this take's seed.
        prompt: the text that steered it.
        licence: SPDX name, or the model's own licence, for the music made.
        commercial_use: whether that licence allows it.
        request_digest: SHA-256 of the request.
    """

    engine: str
    engine_version: str
    model: str = ""
    model_hash: str = ""
    seed: int = 0
    prompt: str = ""
    licence: Literal["CC0-1.0", "CC-BY-NC-4.0", "unknown"] = "unknown"
    commercial_use: bool = False
    request_digest: str = ""


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
        tempo: the tempo map; None where the engine knows none.
        tonic: key, pitch class from C = 0; None where unknown.
        mode: major or minor; None where unknown.
        hits: how the music meets the chosen hit points.
        loudness_lufs: integrated loudness of the mix (ITU-R BS.1770-4).
        true_peak_dbtp: highest true peak of the mix.
        provenance: how it was made.
        peaks: waveform overview of the mix in BBC audiowaveform v2 .dat; empty where none.
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
    tempo: TempoMap | None = None
    tonic: int | None = None
    mode: Mode | None = None
    peaks: str = ""
    warnings: tuple[str, ...] = ()
    sample_rate: int = SAMPLE_RATE
    schema_version: int = 1
