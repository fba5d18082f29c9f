"""Write packaging/constraints.txt: the exact versions every supported Python installs.

    python packaging/lock.py python3.10 python3.11 python3.12
    python packaging/lock.py --models       locks/models.txt, of `musiscene setup gpu`; needs uv

Resolves the project's extras in a fresh virtual environment for each interpreter named and merges
the results; a version that differs between interpreters gets an environment marker. What the
extras `models`, `stems`, `four-bit`, `train` and `ray` need is pinned by hand: it is not resolved
here.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "packaging" / "constraints.txt"
MODELS = ROOT / "musiscene_core" / "environments" / "locks" / "models.txt"
PINNED_BY_HAND = (
    "torch==2.13.0",
    "accelerate==1.15.0",
    "bitsandbytes==0.50.2",
    "braceexpand==0.1.7",
    "llvmlite==0.50.0",
    "mkdocs-material==9.8.2",
    "numba==0.68.1",
    "nltk==3.10.4",
    "peft==0.21.2",
    "ray==2.60.0",
    "rouge-score==0.1.2",
    "sacrebleu==2.6.0",
    "safetensors==0.8.0",
    "sentencepiece==0.2.3",
    "tokenizers==0.23.3",
    'transformers==5.23.0; python_version >= "3.11"',
    "webdataset==1.0.2",
)
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
    command = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
    command += ["--no-annotate", "--no-header", "--constraint", str(TARGET), "-"]
    wanted = f"{OURS}[models,speech] @ {ROOT.as_uri()}\n"
    said = subprocess.run(command, input=wanted, check=True, capture_output=True, text=True).stdout
    pins = [line.replace(" ; ", "; ") for line in said.splitlines() if not line.startswith(OURS)]
    # Neither a browser nor another Python than CPython runs MusiScene.
    pins = [pin.replace("; sys_platform != 'emscripten'", "") for pin in pins]
    kept = [pin for pin in pins if "emscripten" not in pin and "pypy" not in pin]
    MODELS.write_text("\n".join(kept) + "\n")


def main(interpreters: list[str]) -> None:
    """Resolve for each interpreter and write the file."""
    resolved = dict(resolve(interpreter) for interpreter in interpreters)
    oldest_first = sorted(resolved, key=lambda version: tuple(map(int, version.split("."))))
    newest = oldest_first[-1]
    lines = list(PINNED_BY_HAND)
    names = sorted({name for pins in resolved.values() for name in pins}, key=str.lower)
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
    lock_models() if sys.argv[1:] == ["--models"] else main(sys.argv[1:])
