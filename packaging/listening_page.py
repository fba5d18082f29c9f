"""Writes docs/listen.md and the sounds under docs/sounds/: what the composer plays, to listen to.

    python packaging/listening_page.py

Makes the gallery anew (about two minutes on two cores), and encodes each mix as MP3 of 96 kbit/s.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import av

DOCS = Path(__file__).resolve().parents[1] / "docs"
SEED, SECONDS, BITS_PER_SECOND = 1, 20, 96_000
_INTRODUCTION = f"""# Listen

Written by `packaging/listening_page.py`; do not edit.

{SECONDS} seconds of each idiom by the embedded composer, seed {SEED}, as `musiscene gallery` makes
them: nothing was chosen, mixed or mended by hand. Free of rights (CC0).
`musiscene gallery --output DIR` makes the same at full quality, with all figures. Each is as
loud as music without dialogue is delivered, -16 LUFS.

| idiom | | key | tempo |
|---|---|---|---|
"""


def encode(wav: Path, mp3: Path) -> None:
    """Encode `wav` as an MP3."""
    with av.open(str(wav)) as source, av.open(str(mp3), "w") as target:
        stream = target.add_stream("libmp3lame", rate=48_000, layout="stereo")
        stream.bit_rate = BITS_PER_SECOND
        resampler = av.AudioResampler(format="s16p", layout="stereo", rate=48_000)
        for frame in source.decode(audio=0):
            for piece in resampler.resample(frame):
                target.mux(stream.encode(piece))
        target.mux(stream.encode(None))


def main() -> int:
    """Make the page and its sounds."""
    sounds = DOCS / "sounds"
    sounds.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        gallery = Path(scratch) / "gallery"
        command = [sys.executable, "-m", "musiscene_plugins.cli.main", "gallery", "--json"]
        command += ["--output", str(gallery), "--seeds", str(SEED), "--seconds", str(SECONDS)]
        made = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        rows = []
        for piece in json.loads(made.stdout):
            sound = sounds / Path(piece["file"]).with_suffix(".mp3").name.replace(" ", "-")
            encode(gallery / piece["file"], sound)
            player = f'<audio controls preload="metadata" src="../sounds/{sound.name}"></audio>'
            # Where the page is read as a file of the repository there are links alone.
            player += f" [MP3](sounds/{sound.name})"
            rows.append(
                f"| {piece['idiom']} | {player} | {piece['key']} | {piece['tempo_bpm']:.0f} BPM |"
            )
    (DOCS / "listen.md").write_text(_INTRODUCTION + "\n".join(rows) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
