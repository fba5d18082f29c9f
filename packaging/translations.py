"""Bring the panel's catalogues up to date: collect its texts, and compile what is translated.

    python packaging/translations.py

Needs the extra `gui`. Ends with 1 where a text is not translated yet, and names it: write its
translation into the .ts file, and run it again.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

PANEL = Path(__file__).parents[1] / "gui" / "musiscene_gui"


def main() -> int:
    import PySide6

    tools = Path(PySide6.__file__).parent
    sources = sorted(str(path) for path in PANEL.rglob("*.py"))
    missing: list[str] = []
    for catalogue in sorted((PANEL / "translations").glob("*.ts")):
        collect = ["lupdate", *sources, "-no-obsolete", "-locations", "none", "-ts"]
        compiled = ["lrelease", str(catalogue), "-qm", str(catalogue.with_suffix(".qm"))]
        for name, *words in ([*collect, str(catalogue)], compiled):
            subprocess.run([tools / name, *words], check=True)
        for message in ElementTree.parse(catalogue).iter("message"):
            translation = message.find("translation")
            if translation is None or not translation.text or translation.get("type"):
                missing.append(f"{catalogue.name}: {message.findtext('source')}")
    sys.stderr.write("".join(f"not translated: {text}\n" for text in missing))
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
