"""Write packaging/constraints.txt: the exact versions every supported Python installs.

    python packaging/lock.py python3.10 python3.11 python3.12
    python packaging/lock.py --models       locks/models.txt, of `musiscene setup gpu`; needs uv
    python packaging/lock.py --audiocraft   locks/audiocraft.txt, of `musiscene setup audiocraft`
    python packaging/lock.py --check        whether all can be installed on every system; needs uv

Resolves the project's extras in a fresh virtual environment for each interpreter named and merges
the results; a version that differs between interpreters gets an environment marker. What the
extras `models`, `speech`, `stems`, `four-bit`, `train` and `ray` need is pinned by hand: it is not
resolved here, and its lines stay as they are.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "packaging" / "constraints.txt"
LOCKS = ROOT / "musiscene_core" / "environments" / "locks"
MODELS, AUDIOCRAFT = LOCKS / "models.txt", LOCKS / "audiocraft.txt"
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
SYSTEMS = ("x86_64-manylinux_2_34", "aarch64-apple-darwin", "windows")
"""As uv names them: the oldest Linux that Qt's wheels run on, a Mac of Apple's own, Windows."""
OLDEST_MACOS = "14.0"
"""PyAV's wheels for Apple's own processors want it."""
INSTALLS = ((), ("dev",), ("models", "speech", "stems", "four-bit", "train", "ray"))
"""What is checked: the default, what CI's matrix tests, and what needs torch."""
SOURCES_ALONE = ("rouge-score", "antlr4-python3-runtime", "docopt", "encodec", "flashy")
"""Come as source for lack of wheels, and have nothing to compile."""
AUDIOCRAFT_NEEDS = (
    *("av", "demucs", "einops", "encodec", "flashy", "huggingface_hub", "hydra-core"),
    *("hydra_colorlog", "julius", "librosa", "num2words", "numpy", "protobuf", "sentencepiece"),
    *("setuptools", "soundfile", "spacy", "torch", "torchdiffeq", "torchmetrics", "tqdm"),
    *("transformers", "wheel"),
)
"""What its requirements.txt names, without its old pins, without what only training and its demo
need, and without torchaudio and xformers, for which stand-ins go in."""
OURS = "musiscene"


def resolve(interpreter: str) -> tuple[str, dict[str, str]]:
    """The interpreter's version ("3.11") and what it installs, name to version."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([interpreter, "-m", "venv", folder], check=True)
        python = Path(folder) / "bin" / "python"
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--upgrade", "pip"], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", f"{ROOT}[dev]"], check=True)
        listed = subprocess.run(
            [python, "-m", "pip", "freeze", "--all"], check=True, capture_output=True, text=True
        ).stdout
        code = "import sys; print('%d.%d' % sys.version_info[:2])"
        version = subprocess.run(
            [python, "-c", code], check=True, capture_output=True, text=True
        ).stdout.strip()
    pins = dict(line.split("==") for line in listed.splitlines() if "==" in line)
    return version, {
        name: pin for name, pin in pins.items() if name not in (OURS, "pip", "setuptools")
    }


def lock_models() -> None:
    """Resolve the extras of the models' environment for every system at once."""
    _lock(f"{OURS}[models,speech] @ {ROOT.as_uri()}\n", TARGET, MODELS)


def lock_audiocraft() -> None:
    """Resolve what audiocraft needs, with the versions of the models' environment."""
    _lock("\n".join(AUDIOCRAFT_NEEDS), MODELS, AUDIOCRAFT, left_out=("torchaudio",))


def _lock(wanted: str, constraints: Path, target: Path, left_out: tuple[str, ...] = ()) -> None:
    command = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
    command += ["--no-annotate", "--no-header", "--constraint", str(constraints), "-"]
    said = subprocess.run(command, input=wanted, check=True, capture_output=True, text=True).stdout
    lines = [line for line in said.splitlines() if not line.startswith((OURS, *left_out))]
    pins = [line.replace(" ; ", "; ") for line in lines]
    # Neither a browser nor another Python than CPython runs MusiScene.
    for other in ("; sys_platform != 'emscripten'", "; implementation_name != 'PyPy'"):
        pins = [pin.replace(other, "") for pin in pins]
    kept = [pin for pin in pins if "emscripten" not in pin and "pypy" not in pin]
    target.write_text("\n".join(kept) + "\n")


def unmet() -> list[str]:
    """Where the pins cannot be installed from wheels: a line each, with uv's reason."""
    found = []
    for python in PYTHONS:
        for system in SYSTEMS:
            asked = {
                ", ".join(extras) or "default": [
                    *(str(ROOT / "pyproject.toml"), "--constraint", str(TARGET)),
                    *(f"--extra={extra}" for extra in extras),
                ]
                for extras in INSTALLS
            }
            if python != PYTHONS[0]:
                # Environments are made of Python 3.11 to 3.13.
                for lock in (MODELS, AUDIOCRAFT):
                    asked[lock.name] = [str(lock), "--no-deps"]
            for name, options in asked.items():
                if reason := _unmet(python, system, options):
                    found.append(f"Python {python}, {system}, {name}: {reason}")
    return found


def _unmet(python: str, system: str, options: list[str]) -> str:
    command = ["uv", "pip", "compile", "--quiet", "--only-binary", ":all:"]
    for name in SOURCES_ALONE:
        command += ["--no-binary", name]
    command += ["--python-version", python, "--python-platform", system, *options]
    environment = {**os.environ, "MACOSX_DEPLOYMENT_TARGET": OLDEST_MACOS}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    return "" if done.returncode == 0 else " ".join(done.stderr.split())


def main(interpreters: list[str]) -> None:
    """Resolve for each interpreter and write the file."""
    resolved = dict(resolve(interpreter) for interpreter in interpreters)
    oldest_first = sorted(resolved, key=lambda version: tuple(map(int, version.split("."))))
    newest = oldest_first[-1]
    names = sorted({name for pins in resolved.values() for name in pins}, key=str.lower)
    known = {canonicalize_name(name) for name in names}
    lines = [
        line
        for line in TARGET.read_text().splitlines()
        if canonicalize_name(line.partition("==")[0]) not in known
    ]
    for name in names:
        pins = {version: resolved[version].get(name) for version in oldest_first}
        if len(set(pins.values())) == 1:
            lines.append(f"{name}=={pins[newest]}")
            continue
        for version, pin in pins.items():
            # The newest interpreter's pin also serves those newer than it.
            sign = ">=" if version == newest else "=="
            if pin:
                lines.append(f'{name}=={pin}; python_version {sign} "{version}"')
    TARGET.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    if sys.argv[1:] == ["--models"]:
        lock_models()
    elif sys.argv[1:] == ["--audiocraft"]:
        lock_audiocraft()
    elif sys.argv[1:] == ["--check"]:
        sys.exit("\n".join(unmet()) or None)
    else:
        main(sys.argv[1:])
