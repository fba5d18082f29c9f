"""audiocraft's own files of a MusicGen, made once into a folder as transformers keeps it.

`state_dict.bin` and `compression_state_dict.bin` are read as data: nothing in them is run. The
folder is written part by part beside its final name and renamed when it is whole, so that it is
there or not; a conversion that was stopped goes on from the parts that it wrote.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor
from transformers import EncodecConfig, EncodecModel

from musiscene_core.codec import to_json, write_atomically
from musiscene_core.errors import ModelError, OutputError
from musiscene_core.neural.pickled import plain_tensors, read_pickled
from musiscene_core.neural.tensors import (
    INDEX,
    Shape,
    check_exactly,
    read_all,
    shapes,
    shapes_in,
    weight_files,
    write,
)
from musiscene_core.progress import Progress, silent
from musiscene_daemon.engines.musicgen.convert_config import (
    Fields,
    Settings,
    codec_fields,
    decoder_fields,
    melody_fields,
)
from musiscene_daemon.engines.musicgen.convert_names import IDLE, codec_name, places
from musiscene_daemon.engines.musicgen.convert_sources import (
    PICKLED_TEXT,
    Sources,
    find_codec,
)
from musiscene_daemon.engines.musicgen.shape import CONFIG, ModelShape

log = logging.getLogger(__name__)

_CONVERTING = "Converting MusicGen's weights, once"
_PART_BYTES = 128 << 20
"""Written between two looks at whether the work is still wanted."""
_TOKENIZER = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "spiece.model",
)
_SPARE_BYTES = 64 << 20
Get = Callable[[], Tensor]


@dataclass(frozen=True)
class _Part:
    """A tensor of the folder: its shape, and how to come by it."""

    name: str
    shape: Shape
    nbytes: int
    get: Get


def convert(sources: Sources, target: Path, progress: Progress = silent) -> None:
    """Make the folder `target`, which is not there yet, of `sources`.

    Raises:
        ModelError: a file is missing, damaged or of another model; the message names the file or
            the tensor.
        OutputError: there is no room, or no permission.
        CancelledError: `progress` raised it; what was written is gone on from the next time.
    """
    progress(_CONVERTING, 0.0)
    fields, parts = _planned(sources)
    work = target.with_name(f".{target.name}.partial")
    try:
        work.mkdir(parents=True, exist_ok=True)
        _check_room(work, parts)
        _write_parts(work, parts, progress)
        for name in _TOKENIZER:
            if (sources.text / name).is_file():
                shutil.copyfile(sources.text / name, work / name)
        # Read last by whoever looks for a model: what has it is whole.
        write_atomically(work / CONFIG, to_json(fields))
        os.replace(work, target)
    except OSError as error:
        if not (target / CONFIG).is_file():
            raise OutputError.from_os(error, target) from error
        log.info("another process converted %s meanwhile", target)
    progress(_CONVERTING, 1.0)


def _planned(sources: Sources) -> tuple[Fields, list[_Part]]:
    """config.json, and every tensor in the order of writing; all of them checked."""
    settings, tensors = _checkpoint(sources.model)
    tensors = {name.replace(".mha.", "."): tensor for name, tensor in tensors.items()}
    given = shapes_in(tensors)
    codec, codec_parts = _codec(sources)
    text, text_parts = _text(sources.text)
    fields: Fields = {
        "model_type": "musicgen",
        "is_encoder_decoder": True,
        "decoder": decoder_fields(settings, given, sources.model),
        "audio_encoder": codec,
        "text_encoder": text,
    }
    melody = melody_fields(settings, given, codec["sampling_rate"])
    if melody:
        fields |= {"model_type": "musicgen_melody", **melody}
    try:
        shape = msgspec.convert(fields, ModelShape)
    except msgspec.ValidationError as error:
        raise ModelError(f"{sources.model} holds no MusicGen: {error}.") from error
    return fields, [*_language(shape, tensors, sources.model), *text_parts, *codec_parts]


def _checkpoint(path: Path) -> tuple[Settings, dict[str, Tensor]]:
    saved = _opened(path)
    if "best_state" not in saved:
        raise ModelError(
            f"{path} lacks best_state, so it is no model that audiocraft exported.",
            hint="Get the file again, or export it with audiocraft's export_lm.",
        )
    return Settings(saved.get("xp.cfg"), path), plain_tensors(saved["best_state"], path)


def _opened(path: Path) -> Mapping[str, Any]:
    saved = read_pickled(path)
    if not isinstance(saved, Mapping):
        raise ModelError(f"{path} holds no checkpoint of audiocraft's.", hint="Get it again.")
    return saved


def _language(shape: ModelShape, tensors: dict[str, Tensor], path: Path) -> Iterator[_Part]:
    """The language model's tensors; each of `tensors` must have its place."""
    wanted = places(shape)
    whole = shape.weights()
    needed: dict[str, Shape] = {}
    for name, place in wanted.items():
        rows, *others = whole[name]
        needed[place.name] = (rows if place.third is None else 3 * rows, *others)
    heard = {name: each for name, each in shapes_in(tensors).items() if not name.startswith(IDLE)}
    check_exactly(heard, needed, path)
    for name, place in wanted.items():
        tensor = place.taken(tensors[place.name])
        # A copy of its own: thirds of one tensor share their memory, which a file cannot.
        yield _Part(name, whole[name], tensor.nbytes, tensor.clone)


def _codec(sources: Sources) -> tuple[Fields, list[_Part]]:
    """EnCodec's config and tensors, from audiocraft's file or from the model it names."""
    saved = _opened(sources.codec)
    named = saved.get("pretrained")
    if isinstance(named, str):
        found = find_codec(named, sources)
        if found.is_dir():
            fields = msgspec.json.decode((found / CONFIG).read_bytes(), type=dict[str, Any])
            return fields, _checked_codec(fields, _tensors(found), found)
        sources = msgspec.structs.replace(sources, codec=found)
    settings, tensors = _checkpoint(sources.codec)
    fields = codec_fields(settings)
    return fields, _checked_codec(fields, tensors, sources.codec)


def _checked_codec(fields: Fields, given: dict[str, Tensor], path: Path) -> list[_Part]:
    tensors = {codec_name(name): tensor for name, tensor in given.items()}
    try:
        with torch.device("meta"):
            empty = EncodecModel(EncodecConfig(**fields))
    # transformers checks a config with validators whose errors share no narrower type.
    except Exception as error:
        raise ModelError(f"The settings in {path} describe no EnCodec: {error}.") from error
    check_exactly(shapes_in(tensors), shapes_in(empty.state_dict()), path)
    return _parts("audio_encoder.", tensors)


def _text(folder: Path) -> tuple[Fields, list[_Part]]:
    """T5's config and its encoder's tensors."""
    try:
        fields = msgspec.json.decode((folder / CONFIG).read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.DecodeError) as error:
        raise ModelError(
            f"{folder / CONFIG} cannot be read.", hint="Get the whole folder of T5 again."
        ) from error
    pickled = folder / PICKLED_TEXT
    if pickled.is_file() and not list(folder.glob("*.safetensors")):
        given = plain_tensors(read_pickled(pickled), pickled)
    else:
        given = _tensors(folder)
    tensors = {
        name: tensor
        for name, tensor in given.items()
        if name.startswith("encoder.") or name == "shared.weight"
    }
    if "shared.weight" in tensors:
        # The same numbers under another name.
        tensors.pop("encoder.embed_tokens.weight", None)
    if not tensors:
        raise ModelError(f"{folder} holds no T5.", hint="Get the whole folder of T5 again.")
    return fields, _parts("text_encoder.", tensors)


def _tensors(folder: Path) -> dict[str, Tensor]:
    return {name: one for file in weight_files(folder) for name, one in read_all(file).items()}


def _parts(begin: str, tensors: Mapping[str, Tensor]) -> list[_Part]:
    return [
        _Part(f"{begin}{name}", tuple(tensor.shape), tensor.nbytes, tensor.clone)
        for name, tensor in sorted(tensors.items())
    ]


def _files(parts: list[_Part]) -> Iterator[list[_Part]]:
    """`parts` in files of about _PART_BYTES, the same ones each time."""
    held: list[_Part] = []
    size = 0
    for part in parts:
        held.append(part)
        size += part.nbytes
        if size >= _PART_BYTES:
            yield held
            held, size = [], 0
    if held:
        yield held


def _write_parts(work: Path, parts: list[_Part], progress: Progress) -> None:
    total = sum(part.nbytes for part in parts)
    done = 0
    placed: dict[str, str] = {}
    for number, held in enumerate(_files(parts)):
        file = work / f"model-{number + 1:05d}.safetensors"
        progress(_CONVERTING, done / total)
        if not _is_whole(file, held):
            _write_part(file, held, partial(progress, _CONVERTING, done / total))
        done += sum(part.nbytes for part in held)
        placed |= dict.fromkeys((part.name for part in held), file.name)
    index = {"metadata": {"total_size": total}, "weight_map": placed}
    write_atomically(work / INDEX, to_json(index))


def _is_whole(file: Path, held: list[_Part]) -> bool:
    try:
        return file.is_file() and shapes([file]) == {part.name: part.shape for part in held}
    except ModelError:
        return False


def _write_part(file: Path, held: list[_Part], wanted: Callable[[], None]) -> None:
    tensors = {}
    for part in held:
        wanted()
        tensors[part.name] = part.get()
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        write(temporary, tensors)
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        os.replace(temporary, file)
    finally:
        temporary.unlink(missing_ok=True)


def _check_room(work: Path, parts: list[_Part]) -> None:
    needed = sum(part.nbytes for part in parts) + _SPARE_BYTES
    written = sum(file.stat().st_size for file in work.glob("*.safetensors"))
    free = shutil.disk_usage(work).free
    if needed - written > free:
        raise OutputError(
            f"Converting MusicGen needs {(needed - written) / 1e9:.1f} GB in {work.parent}, and"
            f" {free / 1e9:.1f} GB are free.",
            hint="Free some space, or set MUSISCENE_HOME to a larger disk.",
        )
