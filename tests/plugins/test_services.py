"""The daemon as a service: units that their systems' own checkers read, installed and removed."""

from __future__ import annotations

import json
import os
import plistlib
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from musiscene_core.protocol.connection import connection_path
from musiscene_core.protocol.launcher import ALREADY_RUNNING
from musiscene_plugins.cli.main import main
from musiscene_plugins.services import installing, units
from tests.support.daemons import Home, wait_until

ODD = {"PATH": "/usr/bin:/a b", "MUSISCENE_HOME": '/tmp/50% "off" $HOME\\n'}
STANDIN = "#!/bin/sh\nprintf '%s\\n' \"$0 $*\" >> {diary}\nexit {code}\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return Home(tmp_path / "home")


def stand_in(folder: Path, program: str, code: int = 0) -> Path:
    """A program of that name that notes what it is told; returns the notes."""
    folder.mkdir(exist_ok=True)
    diary = folder / "diary"
    (folder / program).write_text(STANDIN.format(diary=shlex.quote(str(diary)), code=code))
    (folder / program).chmod(0o700)
    return diary


def systemd_says_of(unit: Path) -> str:
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--user", "--man=no", unit],
        env={**os.environ, "XDG_RUNTIME_DIR": str(unit.parent)},
        capture_output=True,
        text=True,
    )
    return checked.stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
@pytest.mark.parametrize("environment", [{}, ODD], ids=["plain", "odd"])
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path, environment: dict) -> None:
    unit = tmp_path / "musiscened.service"
    unit.write_text(units.systemd_unit([sys.executable, "-m", "a b", "100%$x"], environment))
    said = systemd_says_of(unit)
    assert [line for line in said.splitlines() if "musiscened" in line] == []
    # It complains where there is reason to.
    unit.write_text(unit.read_text().replace("Restart=on-failure", "Restart=now and then"))
    assert "now and then" in systemd_says_of(unit)


def test_what_systemd_would_read_otherwise_is_escaped() -> None:
    text = units.systemd_unit(["/a b/python", "$HOME", 'say "50%"'], ODD)
    assert 'ExecStart="/a b/python" "$$HOME" "say \\"50%%\\""\n' in text
    assert 'Environment="MUSISCENE_HOME=/tmp/50%% \\"off\\" $HOME\\\\n"\n' in text
    assert f"SuccessExitStatus={ALREADY_RUNNING}\n" in text
    with pytest.raises(ValueError, match="control character"):
        units.systemd_unit(["/bin/python"], {"PATH": "/bin\nExecStartPre=/bin/rm"})


def test_launchd_and_windows_get_what_they_read() -> None:
    command = ["/Applications/MusiScene/musiscened", "-m", "musiscene_daemon", "--idle-s", "inf"]
    read = plistlib.loads(units.launchd_plist(command, ODD))
    assert read["ProgramArguments"] == command
    assert read["EnvironmentVariables"] == ODD
    assert read["KeepAlive"]["SuccessfulExit"] is False
    data = units.windows_task([r"C:\Program Files\p.exe", "-m", "a b"], r"STUDIO\Ann & Co")
    assert data.decode("utf-16").startswith("<?xml")
    task = ElementTree.fromstring(data)
    space = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}
    assert task.findtext(".//t:Exec/t:Command", namespaces=space) == r"C:\Program Files\p.exe"
    assert task.findtext(".//t:Exec/t:Arguments", namespaces=space) == '-m "a b"'
    assert task.findtext(".//t:Principal/t:UserId", namespaces=space) == r"STUDIO\Ann & Co"
    # The schema wants the parts of a task in this order.
    assert [part.tag.partition("}")[2] for part in task] == [
        *("RegistrationInfo", "Triggers", "Principals", "Settings", "Actions")
    ]


@pytest.mark.skipif(os.name != "posix", reason="a Mac's user has a number")
def test_each_system_has_its_place_and_its_words(home: Home) -> None:
    mac = installing.service("darwin", {}, Path("/Users/ann"))
    assert mac.path.as_posix() == "/Users/ann/Library/LaunchAgents/org.musiscene.daemon.plist"
    assert mac.begin[0][:2] == ("launchctl", "bootstrap")
    windows = installing.service("win32", {"USERNAME": "ann", "USERDOMAIN": "STUDIO"}, Path("/"))
    assert windows.begin[0][:2] == ("schtasks", "/Create")
    assert b"\xff\xfe" in windows.content[:2]
    assert b"S\x00T\x00U\x00D\x00I\x00O\x00" in windows.content


@pytest.mark.skipif(sys.platform != "linux", reason="speaks as systemd's user manager")
def test_installed_it_stops_the_daemon_that_runs_and_removed_it_leaves_nothing(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    diary = stand_in(tmp_path / "bin", "systemctl")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("MUSISCENE_LIBRARY_GB", "7")
    home.connect().close()
    assert home.pid
    assert main(["daemon", "install"]) == 0
    assert "from each login on" in capsys.readouterr().out
    assert home.pid == 0
    unit = tmp_path / "config/systemd/user/musiscened.service"
    assert unit.stat().st_mode & 0o777 == 0o600
    assert 'Environment="MUSISCENE_LIBRARY_GB=7"' in unit.read_text()
    said = [line.partition(" ")[2] for line in diary.read_text().splitlines()]
    assert said == [
        "--user daemon-reload",
        "--user enable musiscened.service",
        "--user restart musiscened.service",
    ]
    assert main(["daemon", "uninstall", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"removed": True}
    assert list((tmp_path / "config").iterdir()) == []
    assert main(["daemon", "uninstall"]) == 0
    assert "There was no service" in capsys.readouterr().out


@pytest.mark.skipif(sys.platform != "linux", reason="speaks as systemd's user manager")
def test_without_a_session_the_file_is_there_and_the_daemon_goes_on(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    stand_in(tmp_path / "bin", "systemctl", code=1)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    home.connect().close()
    running = home.pid
    assert main(["daemon", "install", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["started"] is False
    assert Path(told["file"]).is_file()
    assert home.pid == running
    assert main(["daemon", "stop"]) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="reads the unit for systemd")
def test_the_command_in_the_unit_starts_a_daemon_that_stays(home: Home) -> None:
    made = installing.service("linux", os.environ, Path.home())
    (line,) = [line for line in made.content.decode().splitlines() if line.startswith("ExecStart=")]
    process = subprocess.Popen(shlex.split(line.removeprefix("ExecStart=")))
    try:
        wait_until(lambda: home.pid == process.pid and connection_path().exists())
        home.connect(start=False).close()
    finally:
        process.terminate()
        assert process.wait(10) == 0
