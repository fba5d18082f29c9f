"""What a training leaves to be used: a captioner's folder, or a house pack."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from musiscene_core.captioning.mullama.config import Manifest, ModelReference
from musiscene_core.captioning.mullama.house import write_pack
from musiscene_core.captioning.mullama.packs import identity
from musiscene_core.captioning.mullama.saved import own_tensors, save
from musiscene_core.errors import OutputError
from musiscene_training.adapter.phases import Trained, pack_manifest
from musiscene_training.adapter.settings import Settings


def write_captioner(
    folder: Path, trained: Trained, manifest: Manifest, origin: Path, dataset_digest: str
) -> None:
    """Write a captioner over the same language model and encoder, which stay where they are.

    Args:
        folder: replaced if there.
        trained: what to write.
        manifest: of the captioner that it was trained from.
        origin: where that lies.
        dataset_digest: of what it was trained on.

    Raises:
        OutputError: no space or no permission.
    """
    complete = msgspec.structs.replace(
        manifest,
        base=absolute(manifest.base, origin),
        encoder=absolute(manifest.encoder, origin),
        config=trained.model.config,
        dataset_digest=dataset_digest,
        source=f"trained from {identity(manifest)[:12]}",
    )
    tensors = {name: one.detach().float() for name, one in own_tensors(trained.model).items()}
    replacing(folder, lambda work: save(work, tensors, complete))


def write_house_pack(
    folder: Path,
    trained: Trained,
    manifest: Manifest,
    settings: Settings,
    *,
    dataset_digest: str,
    description: str,
    licence: str,
) -> None:
    """Write a house pack for the captioner of `manifest`.

    Raises:
        OutputError: no space or no permission.
    """
    if trained.lora is None:
        raise RuntimeError("nothing of a house pack was trained")
    tensors = trained.lora.tensors()
    complete = msgspec.structs.replace(
        pack_manifest(settings),
        captioner=identity(manifest),
        prompt_profile=manifest.prompt_profile,
        dataset_digest=dataset_digest,
        description=description,
        licence=licence,
    )
    replacing(folder, lambda work: write_pack(work, tensors, complete))


def absolute(reference: ModelReference, origin: Path) -> ModelReference:
    """How a manifest anywhere names what one in `origin` names."""
    path = (origin / reference.path).resolve()
    return msgspec.structs.replace(reference, path=path.as_posix())


def replacing(folder: Path, fill: Callable[[Path], None]) -> None:
    """Fill a folder out of sight, then put it in place of what may be there.

    Raises:
        OutputError: no space or no permission.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    except OSError as error:
        raise OutputError.from_os(error, folder) from error
    try:
        fill(work)
        work.chmod(0o755)
        shutil.rmtree(folder, ignore_errors=True)
        os.rename(work, folder)
    except OSError as error:
        raise OutputError.from_os(error, folder) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
