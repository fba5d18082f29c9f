"""Stands in for audiocraft's environment: a real child that speaks the wire, and may misbehave.

`install` makes the environment: its interpreter is a script that runs this file with our own. The
prompt says what goes wrong: "crash", "hang" (stopped as by SIGSTOP), "slow" or "wedged" work.
"""

from __future__ import annotations

import array
import json
import math
import os
import signal
import sys
import time
from pathlib import Path

RATE, WINDOW_S = 32_000, 10.0


def install(data: Path, fault: str = "") -> Path:
    """The environment below the data folder, stamped as `musiscene setup` does; and models."""
    from musiscene_core.codec import to_json
    from musiscene_core.environments.audiocraft import audiocraft_recipe
    from musiscene_core.environments.places import STAMP, Stamp, folder_of

    folder = folder_of("audiocraft", data)
    (folder / "bin").mkdir(parents=True)
    python = folder / "bin/python"
    # The engine's own child script is the fourth argument; beside it lies the wire.
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" "$4" "{fault}"\n')
    python.chmod(0o755)
    recipe = audiocraft_recipe("cpu", torch_index="unused")
    stamp = Stamp(
        recipe=recipe.name, digest=recipe.digest, engines=recipe.engines, variant=recipe.variant
    )
    (folder / STAMP).write_bytes(to_json(stamp))
    for name in ("musicgen-style", "jasco-chords-drums-400M", "magnet-small-10secs"):
        model = data / "models" / name
        model.mkdir(parents=True)
        for file in ("state_dict.bin", "compression_state_dict.bin"):
            (model / file).write_bytes(name.encode() * 100)
        (model / "chord_to_index_mapping.pkl").write_bytes(b"")
    return folder


def generate(given, folder, tell):
    """Sound as asked for, and a note of what was asked, in MUSISCENE_STANDIN_DIARY."""
    diary = os.environ.get("MUSISCENE_STANDIN_DIARY")
    if diary:
        heard = {
            f"{name}_heard": levels(Path(folder), given[name])
            for name in ("drums", "reference")
            if name in given
        }
        with open(diary, "a") as file:
            file.write(json.dumps({**given, **heard, "pid": os.getpid()}) + "\n")
    words = given["prompt"]
    tell("Generating", 0.0)
    if "wedged" in words:
        time.sleep(60)
    for step in range(400 if "slow" in words else 2):
        tell("Generating", step / 400)
        time.sleep(0.05 if "slow" in words else 0)
    if "crash" in words:
        os.write(2, b"the tape is torn\n")
        os.kill(os.getpid(), signal.SIGSEGV)
    if "hang" in words:
        os.kill(os.getpid(), signal.SIGSTOP)
    if "mend" in words:
        raise ChildError("The words are too odd.", "Use others.", code="request")
    if "bug" in words:
        raise ZeroDivisionError("counted to nothing")
    if "garbage" in words:
        os.write(PIPE, b"\xff" * 64)
        time.sleep(60)
    seconds = given["seconds"] if "nothing" not in words else 0
    sound = array.array(
        "f",
        (0.3 * math.sin(i * 0.03 * (1 + given["seed"] % 3)) for i in range(int(RATE * seconds))),
    )
    (Path(folder) / "sound.f32").write_bytes(sound.tobytes())
    return {"file": "sound.f32", "channels": 1, "rate": RATE}


def levels(folder, sound):
    """The peak of each tenth of a second of a sound that was handed over."""
    samples = array.array("f")
    samples.frombytes((folder / sound["file"]).read_bytes())
    step = sound["channels"] * sound["rate"] // 10
    return [max(map(abs, samples[at : at + step])) for at in range(0, len(samples), step)]


def load(given, folder, tell):
    """Says how long a piece is."""
    tell("Loading the model", 0.5)
    return {"window_s": WINDOW_S, "rate": RATE}


def measure(given, folder, tell):
    """How much longer the made sounds are than the real ones, in samples; 0 without real ones."""
    sizes = {"made": 0, "real": 0}
    for pair in given["pairs"]:
        for key in sizes:
            if key in pair:
                sizes[key] += (Path(folder) / pair[key]["file"]).stat().st_size // 4
    return {"value": float(sizes["made"] - sizes["real"]) if sizes["real"] else 0.0}


if __name__ == "__main__":
    script, fault = Path(sys.argv[1]), sys.argv[2]
    sys.path.insert(0, str(script.resolve().parents[1] / "apart"))
    import musiscene_child
    from musiscene_child import Child, ChildError

    if fault == "version":
        musiscene_child.PROTOCOL = 99
    if fault == "garbage":
        os.write(1, b"Welcome to audiocraft!\n" * 20)
    if fault == "dies":
        sys.exit("no module named audiocraft")
    if fault == "mute":
        time.sleep(60)
    PIPE = os.dup(1)
    Child(
        "audiocraft", {"load": load, "generate": generate, "measure": measure}, {"audiocraft": "0"}
    ).run()
