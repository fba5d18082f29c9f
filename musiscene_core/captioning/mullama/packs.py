"""House packs on the disk: a captioner's further training on somebody's own words. Loads no torch.

A pack is LoRA without bias (Hu et al. 2021) around linears of the language model of a captioner
that stays as it is: a folder with a manifest and one file of tensors. The manifest says which
captioner; over another one it would say nonsense, so it is refused there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from musiscene_core.captioning.mullama.config import Manifest
from musiscene_core.captioning.prompts import PromptProfile
from musiscene_core.codec import read_json
from musiscene_core.errors import InputError, ModelError

PACK_MANIFEST = "pack.json"
PACK_FILE = "pack.safetensors"
PACK_VERSION = 1
MOST_PACKS = 64
"""Packs listed of a folder; more are a mistake in the folder's name."""

PackedLinear = Literal["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}")


class PackManifest(msgspec.Struct, frozen=True, kw_only=True):
    """What lies in a house pack's folder.

    Attributes:
        captioner: the one it was trained over, as `identity` knows it.
        pack_sha256: of the pack's file.
        rank: of its LoRA.
        alpha: its LoRA is scaled by alpha / rank.
        linears: those of each layer that it goes around.
        description: a sentence for the user.
        prompt_profile: the words it was trained to be asked in.
        licence: what it may be used for, in its makers' words; empty where unknown.
        dataset_digest: SHA-256 of what it was trained on; empty where unknown.
        schema_version: of this struct.
    """

    captioner: str
    pack_sha256: str
    rank: Annotated[int, msgspec.Meta(ge=1, le=1 << 10)]
    alpha: Annotated[float, msgspec.Meta(gt=0, le=1 << 16)]
    linears: Annotated[tuple[PackedLinear, ...], msgspec.Meta(min_length=1, max_length=7)]
    description: Annotated[str, msgspec.Meta(max_length=500)] = ""
    prompt_profile: PromptProfile = "mullama"
    licence: Annotated[str, msgspec.Meta(max_length=500)] = ""
    dataset_digest: str = ""
    schema_version: int = PACK_VERSION


@dataclass(frozen=True, kw_only=True)
class Pack:
    """A house pack that was found and goes with its captioner, as far as its manifest says."""

    name: str
    folder: Path
    manifest: PackManifest


@dataclass(frozen=True, kw_only=True)
class PackShelf:
    """The packs of some folders.

    Attributes:
        packs: those that can be used, by name.
        problems: why others cannot, by name.
    """

    packs: dict[str, Pack]
    problems: dict[str, str]

    def get(self, name: str) -> Pack:
        """The pack called `name`.

        Raises:
            ModelError: there is none, or it cannot be used.
        """
        if name in self.problems:
            raise ModelError(
                f"The house pack {name!r} cannot be used: {self.problems[name]}",
                hint="Take it out of the request, or put one in its place that can.",
            )
        if name not in self.packs:
            there = ", ".join(sorted(self.packs)) or "none"
            raise ModelError(
                f"There is no house pack called {name[:64]!r}.", hint=f"Those here: {there}."
            )
        return self.packs[name]


def identity(manifest: Manifest) -> str:
    """What a captioner is known by: SHA-256 over its base, its encoder, its adapter, its prompt.

    Where they lie on the disk is no part of it.
    """
    parts = (
        manifest.base.fingerprint,
        manifest.encoder.fingerprint,
        manifest.adapter_sha256,
        manifest.prompt_profile,
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def check_name(name: str) -> None:
    """Refuse what a house pack cannot be called.

    Raises:
        ModelError: `name` is none.
    """
    if not _NAME.fullmatch(name):
        raise ModelError(
            f"{name[:64]!r} is no name for a house pack.",
            hint="Use up to 64 letters, digits, spaces, dots, dashes and underscores.",
        )


def read_pack(folder: Path, captioner: Manifest) -> Pack:
    """The house pack in `folder`, for a captioner; its tensors are not read.

    Raises:
        ModelError: there is none, it is damaged, or it belongs to another captioner.
    """
    check_name(folder.name)
    try:
        manifest = read_json(folder / PACK_MANIFEST, PackManifest)
    except InputError as error:
        raise ModelError(error.message, hint="Copy the whole pack again.") from error
    if manifest.schema_version != PACK_VERSION:
        raise ModelError(
            f"{folder.name} is a pack of version {manifest.schema_version}, not {PACK_VERSION}.",
            hint="Update MusiScene, or have the pack made again.",
        )
    if manifest.captioner != identity(captioner):
        raise ModelError(
            f"The house pack {folder.name} was made for another captioner "
            f"({manifest.captioner[:12]}), not for this one ({identity(captioner)[:12]}).",
            hint="Load the captioner that it was made for, or train the pack over this one.",
        )
    if manifest.prompt_profile != captioner.prompt_profile:
        raise ModelError(
            f"The house pack {folder.name} was trained with the prompt "
            f"{manifest.prompt_profile!r}, its captioner with {captioner.prompt_profile!r}.",
            hint="Have the pack made again.",
        )
    if not (folder / PACK_FILE).is_file():
        raise ModelError(f"{folder / PACK_FILE} is missing.", hint="Copy the whole pack again.")
    return Pack(name=folder.name, folder=folder, manifest=manifest)


def shelf(folders: Iterable[Path], captioner: Manifest) -> PackShelf:
    """The house packs in `folders`, of which any may be missing; the first of a name is the one."""
    packs: dict[str, Pack] = {}
    problems: dict[str, str] = {}
    for place in folders:
        for folder in _inside(place):
            if folder.name in packs or folder.name in problems:
                continue
            try:
                packs[folder.name] = read_pack(folder, captioner)
            except ModelError as error:
                problems[folder.name] = error.message
    return PackShelf(packs=packs, problems=problems)


def _inside(place: Path) -> list[Path]:
    try:
        found = [path for path in place.iterdir() if (path / PACK_MANIFEST).is_file()]
    except OSError:
        return []
    return sorted(found)[:MOST_PACKS]
