"""Which language model to ask, checked; none unless the user says so.

In the environment:

MUSISCENE_LLM_URL      an OpenAI-compatible server: http://127.0.0.1:8080/v1
MUSISCENE_LLM_MODEL    the model to ask there; left out, the first that it lists
MUSISCENE_LLM_KEY      its key, where it wants one
MUSISCENE_LLM_REMOTE   1 lets prompts leave this machine; otherwise only it is asked
MUSISCENE_LLM_FOLDER   or a model in a local folder, as transformers saves it
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from musiscene_core.errors import InputError

URL_VARIABLE = "MUSISCENE_LLM_URL"
MODEL_VARIABLE = "MUSISCENE_LLM_MODEL"
KEY_VARIABLE = "MUSISCENE_LLM_KEY"
REMOTE_VARIABLE = "MUSISCENE_LLM_REMOTE"
FOLDER_VARIABLE = "MUSISCENE_LLM_FOLDER"
_EXAMPLE = "http://127.0.0.1:8080/v1"


@dataclass(frozen=True, kw_only=True)
class LanguageSettings:
    """Which language model to ask.

    Attributes:
        url: of an OpenAI-compatible server, without its last slash; empty for none.
        model: what to ask there; empty for the first that it lists.
        key: sent to it and to nobody else, and never shown.
        remote: whether prompts may leave this machine.
        folder: of a model for transformers; empty for none. A URL goes before it.
        silence_s: how long a server may say nothing.
    """

    url: str = ""
    model: str = ""
    key: str = field(default="", repr=False)
    remote: bool = False
    folder: str = ""
    silence_s: float = 60.0

    def __post_init__(self) -> None:
        if self.url:
            self._check_url()
        if self.key and not (self.key.isascii() and self.key.isprintable()):
            raise InputError("The language model's key is no key.", hint="Copy it again.")

    def _check_url(self) -> None:
        try:
            parts = urlsplit(self.url)
            host, _ = parts.hostname, parts.port
        except ValueError:
            host = None
        if not host or parts.scheme not in ("http", "https") or not self.url.isascii():
            raise InputError(
                "The language model's address is not the address of a server.",
                hint=f"For example: {_EXAMPLE}",
            )
        if parts.username or parts.password or parts.query or parts.fragment:
            raise InputError(
                "The language model's address must stand alone, without name, password or query.",
                hint=f"A key goes into {KEY_VARIABLE}, or `musiscene language use --key`.",
            )
        if not self.remote and _elsewhere(host):
            raise InputError(
                f"The language model is on another machine, {host}: words would leave this one.",
                hint="Where you want that, allow it: `musiscene language use --remote`, "
                f"or {REMOTE_VARIABLE}=1 where the daemon starts.",
            )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> LanguageSettings:
        """The user's settings.

        Raises:
            InputError: a value makes no sense, or names another machine without leave.
        """
        remote = environment.get(REMOTE_VARIABLE) or "0"
        if remote not in ("0", "1"):
            raise InputError(
                f"{REMOTE_VARIABLE} is neither 0 nor 1.",
                hint="Unset it, or set it to 1 to let prompts leave this machine.",
            )
        return cls(
            url=(environment.get(URL_VARIABLE) or "").rstrip("/"),
            model=environment.get(MODEL_VARIABLE) or "",
            key=environment.get(KEY_VARIABLE) or "",
            remote=remote == "1",
            folder=environment.get(FOLDER_VARIABLE) or "",
        )


def _elsewhere(host: str) -> bool:
    """Whether `host` is surely another machine; what a name means shows when it is connected."""
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_this_machine(address: str) -> bool:
    """Whether a connected address is the loopback's."""
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False
