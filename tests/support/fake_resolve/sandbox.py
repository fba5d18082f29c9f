"""bridge.lua in a real Lua interpreter without what the free edition takes away, over the fake.

One thread runs the script; its bmd.wait sleeps, and ends it when the sandbox is closed.
"""

from __future__ import annotations

import importlib
import os
import threading
import time
from pathlib import Path
from typing import Any

from musiscene_plugins.resolve.bridge import PREFS_NAME, BridgeTransport
from tests.support.fake_resolve.project import FakeResolve
from tests.support.fake_resolve.world import Scripted

INTERPRETERS = ("luajit21", "lua51")
"""What Resolve runs, and what its documentation names."""
SCRIPT = Path(__file__).parents[3] / "plugins/musiscene_plugins/resolve/bridge.lua"
_TAKEN_AWAY = """
io, require, package, ffi, UIManager, debug = nil, nil, nil, nil, nil, nil
os.execute, os.remove, os.rename = nil, nil, nil
"""
_OBJECTS = """
local newproxy, call, has, get = ...
local numbers = setmetatable({}, { __mode = "k" })
local function wrap(number)
  local made = newproxy(true)
  numbers[made] = number
  getmetatable(made).__index = function(_, name)
    local constant = get(number, name)
    if constant ~= nil then return constant end
    if not has(number, name) then return nil end
    return function(_, ...) return call(number, name, select("#", ...), ...) end
  end
  return made
end
return wrap, function(value) return numbers[value] end
"""


class Sandbox:
    """A running bridge.lua."""

    def __init__(
        self,
        resolve: FakeResolve,
        profile: Path,
        script: str | None = None,
        interpreter: str = INTERPRETERS[0],
    ) -> None:
        self._module = importlib.import_module(f"lupa.{interpreter}")
        self.profile = profile
        profile.mkdir(parents=True, exist_ok=True)
        self.prefs: dict[str, str] = {"Global.UserInterface.Theme": "Dark"}
        self.printed: list[str] = []
        self.error = ""
        self.saves = 0
        self.deaf = False
        self._objects: list[Any] = []
        self._stopping = threading.Event()
        self._resolve = resolve
        self._script = script or SCRIPT.read_text(encoding="utf-8")
        self._save()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def connect(self, **limits: float) -> BridgeTransport:
        return BridgeTransport.connect([self.profile], **limits)

    def close(self) -> None:
        self._stopping.set()
        self._thread.join(10)

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        self._lua = self._module.LuaRuntime(
            encoding=None, register_eval=False, register_builtins=False
        )
        world = self._lua.globals()
        self._wrap, self._number = self._lua.eval(f"function(...) {_OBJECTS} end")(
            self._lua.eval("newproxy"), self._call, self._has, self._get
        )
        self._lua.execute(_TAKEN_AWAY)
        world[b"python"] = None
        world[b"resolve"] = self._lua_value(self._resolve)
        world[b"print"] = lambda *words: self.printed.append(b" ".join(words).decode())
        world[b"bmd"] = self._lua.table_from(
            {b"wait": self._wait, b"fileexists": lambda path: os.path.exists(path.decode())}
        )
        world[b"fusion"] = self._lua.table_from(
            {
                b"MapPath": lambda _, name: os.fsencode(self.profile) + b"/",
                b"SetPrefs": self._set_prefs,
                b"SavePrefs": lambda _: self._save(),
            }
        )
        try:
            self._lua.execute(self._script.encode())
        except _Closed:
            pass
        except Exception as error:
            self.error = str(error)

    def _wait(self, seconds: float) -> None:
        time.sleep(min(seconds, 0.002))
        while self.deaf and not self._stopping.is_set():
            time.sleep(0.002)
        if self._stopping.is_set():
            raise _Closed

    def _set_prefs(self, _: Any, key: bytes, value: bytes) -> None:
        self.prefs[key.decode()] = value.decode("ascii")

    def _save(self) -> None:
        self.saves += 1
        rows = "".join(f'\t["{key}"] = "{value}",\n' for key, value in self.prefs.items())
        # As Resolve does: in place, so that a reader may see half of it.
        (self.profile / PREFS_NAME).write_text("{\n" + rows + "}\n")

    def _call(self, number: float, name: bytes, count: float, *given: Any) -> Any:
        arguments = [self._python_value(value) for value in given[: int(count)]]
        target = self._objects[int(number)]
        return self._lua_value(getattr(target, name.decode())(*arguments))

    def _has(self, number: float, name: bytes) -> bool:
        return name.decode() in dir(self._objects[int(number)])

    def _get(self, number: float, name: bytes) -> Any:
        target, wanted = self._objects[int(number)], name.decode()
        value = getattr(target, wanted) if wanted.startswith("EXPORT_") else None
        return value.encode() if isinstance(value, str) else None

    def _lua_value(self, value: Any) -> Any:
        if isinstance(value, Scripted):
            self._objects.append(value)
            return self._wrap(len(self._objects) - 1)
        if isinstance(value, str):
            return os.fsencode(value)
        if isinstance(value, (list, tuple)):
            return self._lua.table_from([self._lua_value(entry) for entry in value])
        if isinstance(value, dict):
            return self._lua.table_from(
                {self._lua_value(key): self._lua_value(entry) for key, entry in value.items()}
            )
        return value

    def _python_value(self, value: Any) -> Any:
        if isinstance(value, bytes):
            return os.fsdecode(value)
        number = self._number(value) if self._module.lua_type(value) == "userdata" else None
        if number is not None:
            return self._objects[int(number)]
        if self._module.lua_type(value) == "table":
            pairs = {self._python_value(key): self._python_value(value[key]) for key in value}
            if pairs and set(pairs) == set(range(1, len(pairs) + 1)):
                return [pairs[index] for index in sorted(pairs)]
            return pairs
        return value


class _Closed(BaseException):
    pass
