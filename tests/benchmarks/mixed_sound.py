"""How well dialogue and music of one recording are told apart, where both are known.

    python -m tests.benchmarks.mixed_sound SPEECH MUSIC TRUTH.json [--demucs FILE.th] [--louder DB]

SPEECH and MUSIC are sound files of one length; TRUTH has `dialogue`, a list of {start_s, end_s}.
Prints what is gained in SI-SDR inside spoken lines, for speech and for music, and how well a
speech detector finds the lines: in the speech alone, in the mix, and in what was taken out of it.
By rule the lines that it finds in the mix are what is parted, as in use; a second pass over the
speech that the rule gives is what `again` shows.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.signal import resample_poly

from musiscene_core.brief import DialogueRegion
from musiscene_core.media import probe, read_audio
from musiscene_core.separating.quality import si_sdr_db
from musiscene_core.spotting import silero
from musiscene_core.spotting.dialogue import find_regions
from musiscene_core.spotting.voice_removal import RATE, part_speech

Floats = npt.NDArray[np.float32]
Spans = list[tuple[float, float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("speech", type=Path)
    parser.add_argument("music", type=Path)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--demucs", type=Path)
    parser.add_argument("--louder", type=float, nargs="*", default=[0.0, 6.0, 12.0])
    chosen = parser.parse_args()
    lines = [
        (line["start_s"], line["end_s"])
        for line in json.loads(chosen.truth.read_text())["dialogue"]
    ]
    length_s = min(float(probe(path).duration) for path in (chosen.speech, chosen.music))
    speech, music = (_sound(path, length_s) for path in (chosen.speech, chosen.music))
    print(f"speech alone: {_found(_regions(speech), lines, length_s)}")
    for louder in chosen.louder:
        mix = speech + music * np.float32(10 ** (louder / 20))
        heard = _regions(mix)
        print(f"\nmusic {louder:+.0f} dB")
        print(f"  in the mix   {_found(heard, lines, length_s)}")
        by_rule, _ = part_speech(mix, RATE, [(one.start_s, one.end_s) for one in heard])
        _told("rule", mix, speech, by_rule, lines, length_s)
        if chosen.demucs:
            by_model = _demucs(chosen.demucs)(mix)
            _told(chosen.demucs.stem, mix, speech, by_model, lines, length_s)


def _told(
    name: str, mix: Floats, speech: Floats, found: Floats, lines: Spans, length_s: float
) -> None:
    inside = np.concatenate([np.arange(int(a * RATE), int(b * RATE)) for a, b in lines])
    truths = {"speech": speech, "music": mix - speech}
    estimates = {"speech": found, "music": mix - found}
    gains = []
    for what, truth in truths.items():
        before = si_sdr_db(mix[:, inside], truth[:, inside])
        after = si_sdr_db(estimates[what][:, inside], truth[:, inside])
        gains.append(f"{what} {before:+.1f} -> {after:+.1f} dB")
    print(f"  {name:<12} SI-SDR {', '.join(gains)}")
    print(f"  {'again':<12} {_found(_regions(found), lines, length_s)}")


def _sound(path: Path, length_s: float) -> Floats:
    return read_audio(path, Fraction(0), Fraction(length_s), sample_rate=RATE, channels=2)


def _regions(sound: Floats) -> tuple[DialogueRegion, ...]:
    mono = resample_poly(sound.mean(0), 1, RATE // silero.SAMPLE_RATE).astype(np.float32)
    whole = len(mono) // silero.CHUNK * silero.CHUNK
    chunks = np.clip(mono[:whole], -1.0, 1.0).reshape(-1, silero.CHUNK)
    model = silero.load_model()
    return find_regions(model.recall(model.encode(chunks)), sound.shape[1] / RATE)


def _found(regions: tuple[DialogueRegion, ...], lines: Spans, length_s: float) -> str:
    """Shares of true speech that was found and of found speech that is true, in milliseconds."""
    truth, found = (np.zeros(round(1000 * length_s), bool) for _ in range(2))
    for first, last in lines:
        truth[round(1000 * first) : round(1000 * last)] = True
    for one in regions:
        found[round(1000 * one.start_s) : round(1000 * one.end_s)] = True
    both = int((truth & found).sum())
    return (
        f"{len(regions)} regions for {len(lines)} lines, found {both / truth.sum():.0%}, "
        f"true {both / max(1, found.sum()):.0%}"
    )


def _demucs(path: Path) -> Callable[[Floats], Floats]:
    from musiscene_daemon.engines.demucs import load

    model = load(path)
    return lambda mix: model.speech(mix, lambda: None)


if __name__ == "__main__":
    main()
