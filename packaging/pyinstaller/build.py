"""Build the bundle for Linux in a fresh environment, and try it: demo, doctor, panel, daemon.

    python packaging/pyinstaller/build.py OUTPUT [--python PATH]

OUTPUT gets `musiscene/`, the bundle, and `musiscene-linux.tar.xz`. What is in it is what the lock
file says, without torch. Takes some minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PYINSTALLER = "pyinstaller==6.22.3"
_PANEL_S = 60.0
_HOST = "musiscene_plugins.cli.main host"


def build(output: Path, python: str, work: Path) -> Path:
    """The bundle, in `output`."""
    _run([python, "-m", "venv", work / "venv"])
    inside = work / "venv/bin/python"
    pip = [inside, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "wheel", "--no-deps", "-w", work / "wheel", ROOT])
    (wheel,) = (work / "wheel").glob("musiscene-*.whl")
    constraints = ROOT / "packaging/constraints.txt"
    _run([*pip, "install", "-c", constraints, f"{wheel}[gui,aaf]", PYINSTALLER])
    command = [inside, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN"]
    command += ["--distpath", output, "--workpath", work / "build", HERE / "musiscene.spec"]
    _run(command, {**os.environ, "MUSISCENE_BUNDLED_WHEEL": str(wheel)})
    return output / "musiscene"


def try_out(bundle: Path, work: Path) -> None:
    """Use it as a user with an empty home and nothing of Python's around."""
    home = work / "home"
    home.mkdir()
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home), "QT_QPA_PLATFORM": "offscreen"}
    program = bundle / "musiscene"
    began = time.monotonic()
    _run([program, "demo", "--output", home / "demo"], environment)
    (mix,) = (home / "demo").rglob("take-1/mix.wav")
    _say(
        f"the demo took {time.monotonic() - began:.0f} s: {mix.stat().st_size / 1e6:.1f} MB of mix"
    )
    _run([program, "doctor"], environment, codes=(0,))
    _run([program, "setup", "resolve"], environment)
    _run([program, "preview", mix.parent], environment)
    status = json.loads(_run([program, "daemon", "status", "--json"], environment))
    _say(f"the daemon offers {', '.join(engine['name'] for engine in status['engines'])}")
    film = next((home / "demo").glob("*.mp4"))
    panel = subprocess.Popen([bundle / "musiscene-panel", film], env=environment)
    try:
        until = time.monotonic() + _PANEL_S
        while not any(_HOST in line for line in _children(panel.pid)):
            if panel.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"the panel does not work: {panel.poll()}")
            time.sleep(0.2)
        time.sleep(2.0)
        assert panel.poll() is None
        _say("the panel opens a film, with an editor host of its own")
    finally:
        panel.terminate()
        panel.wait(20)
    _run([program, "daemon", "stop"], environment)
    _run([program, "uninstall", "--yes"], environment)


def _children(pid: int) -> list[str]:
    """Command lines of a process's children."""
    listed = subprocess.run(
        ["ps", "-o", "args=", "--ppid", str(pid)], capture_output=True, text=True
    )
    return listed.stdout.splitlines()


def packed(bundle: Path) -> Path:
    """The bundle as one file to hand out."""
    path = bundle.with_name("musiscene-linux.tar.xz")
    with tarfile.open(path, "w:xz", preset=3) as archive:
        archive.add(bundle, bundle.name)
    return path


def _run(
    command: Sequence[object],
    environment: dict[str, str] | None = None,
    codes: Sequence[int] = (0,),
) -> str:
    words = [str(word) for word in command]
    done = subprocess.run(words, env=environment, capture_output=True, text=True)
    if done.returncode not in codes:
        raise SystemExit(f"{' '.join(words)} gave {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def _say(text: str) -> None:
    print(f"ok  {text}", flush=True)


def main() -> None:
    """Build, try and pack."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("output", metavar="OUTPUT", help="where the bundle goes")
    parser.add_argument("--python", default=sys.executable, help="the Python that goes into it")
    given = parser.parse_args()
    output = Path(given.output).absolute()
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="musiscene-bundle-") as folder:
        work = Path(folder)
        began = time.monotonic()
        bundle = build(output, given.python, work)
        size = sum(path.lstat().st_size for path in bundle.rglob("*") if path.is_file())
        _say(f"built in {time.monotonic() - began:.0f} s: {size / 1e6:.0f} MB")
        try_out(bundle, work)
    archive = packed(bundle)
    _say(f"{archive} has {archive.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
