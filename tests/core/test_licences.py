"""What MusiScene installs: under terms that we know, and said on the page."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import Distribution
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytest.importorskip("hatchling", reason="the extra 'test' is not installed")


@pytest.fixture(scope="module")
def licences() -> ModuleType:
    spec = importlib.util.spec_from_file_location("licences", ROOT / "packaging" / "licences.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def package(tmp_path: Path) -> Callable[..., Distribution]:
    def made(*headers: str, licence: str = "") -> Distribution:
        folder = tmp_path / "thing-1.dist-info"
        folder.mkdir(exist_ok=True)
        told = "\n".join(("Metadata-Version: 2.4", "Name: thing", "Version: 1", *headers))
        (folder / "METADATA").write_text(told + "\n\n")
        (folder / "LICENSE").write_text(licence)
        (folder / "RECORD").write_text("thing-1.dist-info/LICENSE,,\n")
        return Distribution.at(folder)

    return made


def test_the_default_install_has_nothing_under_the_gpl_or_unknown_terms(
    licences: ModuleType,
) -> None:
    installed = licences.installed_with()
    assert {"numpy", "av", "imageio-ffmpeg", "verovio", "future", "mdurl"} <= set(installed)
    assert [name for name, found in installed.items() if found is None] == []
    assert licences.refused(installed) == {}


def test_every_package_of_the_default_install_is_on_the_page(licences: ModuleType) -> None:
    page = licences.TARGET.read_text(encoding="utf-8")
    # The oldest Python brings one by default that others bring with an extra.
    by = "default" if sys.version_info >= (3, 11) else "[^|]+"
    told = set(re.findall(rf"^\| (\S+) \| [^|]+ \| {by} \|$", page, re.MULTILINE))
    assert set(licences.installed_with()) <= told, "run: python packaging/licences.py"
    brought = re.findall(r"^\| \S+ \| [^|]+ \| ([^|]+) \|$", page, re.MULTILINE)
    named = {extra for cell in brought for extra in cell.split(", ")} - {"default"}
    assert {"gui", "models", "hub", "train", "aaf", "mcp", "survey"} <= named


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("LGPL-3.0-only", True),
        ("GPL-3.0-or-later", False),
        ("AGPL-3.0-only", False),
        ("unknown", False),
        ("LGPL-3.0-only OR GPL-2.0-only OR GPL-3.0-only", True),
        ("MIT OR GPL-2.0-only", True),
        ("MIT AND GPL-2.0-only", False),
        ("(MIT OR GPL-2.0-only) AND BSD-3-Clause", True),
        ("(GPL-2.0-only OR AGPL-3.0-only) AND BSD-3-Clause", False),
        ("BSD-3-Clause AND (MIT AND GPL-3.0-only)", False),
        ("GPL-3.0-or-later WITH GCC-exception-3.1", True),
        ("GPL-2.0-only WITH Classpath-exception-2.0", False),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("(MIT", False),
        ("MIT)", False),
        ("MIT MIT", False),
        ("", False),
    ],
)
def test_an_expression_is_read_as_it_binds(
    licences: ModuleType, expression: str, allowed: bool
) -> None:
    assert licences.is_allowed(expression) is allowed


def test_licences_are_found_wherever_packages_say_them(
    licences: ModuleType, package: Callable[..., Distribution]
) -> None:
    of = licences.licence_of
    assert of(package("License-Expression: MIT OR GPL-2.0-only")) == "MIT OR GPL-2.0-only"
    assert of(package("Classifier: License :: OSI Approved :: BSD License")) == "BSD"
    gpl = "Classifier: License :: OSI Approved :: GNU General Public License v3 (GPLv3)"
    assert of(package(gpl, "License: MIT")) == "GPL"
    lesser = "Classifier: License :: OSI Approved :: GNU Lesser General Public License v3 (LGPLv3)"
    assert of(package(lesser)) == "LGPL"
    agpl = "Classifier: License :: OSI Approved :: GNU Affero General Public License v3"
    assert of(package(agpl)) == "AGPL"
    assert of(package("License: Apache License, Version 2.0")) == "Apache-2.0"
    assert of(package("License: UNKNOWN")) == "unknown"
    granted = "Copyright\n\nPermission is hereby granted, free\nof charge, to any person"
    assert of(package(licence=granted)) == "MIT"
    assert of(package(licence="Ask me.")) == "unknown"
    assert licences.refused({"thing": package(gpl), "other": None}) == {"thing": "GPL"}


@pytest.mark.skipif(sys.platform != "linux", reason="the page speaks of the wheels for Linux")
def test_the_page_tells_of_the_codecs_that_the_wheels_carry(licences: ModuleType) -> None:
    import av._core
    import imageio_ffmpeg
    from av.codec import Codec

    page = licences.TARGET.read_text(encoding="utf-8")
    folder = Path(imageio_ffmpeg.__file__).parent / "binaries"
    programs = sorted(folder.glob("ffmpeg-*"))
    if not programs:
        pytest.skip("imageio-ffmpeg was installed without its program")
    terms = subprocess.run([programs[0], "-L"], capture_output=True, text=True, check=True).stdout
    assert "GNU General Public License" in terms
    assert "either version 3 of the License" in terms
    assert "**The ffmpeg program is GPL-3.0-or-later.**" in page
    told = av._core.library_meta["libavcodec"]
    assert ("libx264" in told["configuration"]) == ("**PyAV's wheel carries x264" in page)
    assert told["license"] in page
    assert Codec("libx264", "w").name == "libx264"
