"""The statement: how a take was made, in words of one text that a hash names.

It holds nothing that differs between two makings of the same music, no time and no job, so that
equal takes stay equal files. When a take was made is the ledger's to say.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import msgspec

from musiscene_core import __version__
from musiscene_core.brief import Caption
from musiscene_core.codec import digest
from musiscene_core.errors import InputError
from musiscene_core.request import ScoreRequest
from musiscene_core.take import Take

STATEMENT_FILE = "provenance.json"
MAX_STATEMENT = 1 << 19
"""Characters; a prompt is a few thousand."""


class Writer(msgspec.Struct, frozen=True, kw_only=True):
    """Who wrote the words that steered the music.

    Attributes:
        caption: which, as brief.Captions names it.
        origin: "user", "model", "rules" and their like.
        edited: whether a user changed it.
        writer: the captioner or language model; empty where unknown.
        model: what its weights are known by.
        adapters: house adapters, each with its weight.
    """

    caption: str
    origin: str
    edited: bool = False
    writer: str = ""
    model: str = ""
    adapters: tuple[tuple[str, float], ...] = ()


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """How a take was made.

    Attributes:
        software: MusiScene and its version.
        cue: the cue's name.
        take: the take's.
        engine: who made it.
        engine_version: changes when the same request would give other sound.
        model: the weights' name, or the user's SoundFont or music file.
        model_hash: SHA-256 of them.
        seed: the take's.
        prompt: the text that steered the engine.
        words: who wrote it.
        brief: SHA-256 of the brief.
        request: SHA-256 of the request, but for what does not tell its takes apart.
        licence: of the music.
        commercial_use: whether that allows it.
        conformed_from: SHA-256 of the take.json of the take it was fitted from.
        samples: length of the mix.
        sample_rate: in hertz.
        sound: SHA-256 of each file's samples as they lie in its data chunk, by path in the take.
        schema_version: of this struct.
    """

    software: str
    cue: str
    take: str
    engine: str
    engine_version: str
    seed: int
    licence: str
    commercial_use: bool
    brief: str
    request: str
    samples: int
    sample_rate: int
    sound: dict[str, str]
    model: str = ""
    model_hash: str = ""
    prompt: str = ""
    words: tuple[Writer, ...] = ()
    conformed_from: str = ""
    schema_version: int = 1

    @property
    def text(self) -> str:
        """The one way to write it: JSON with sorted keys, in ASCII."""
        plain = msgspec.to_builtins(self)
        return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def statement_of(take: Take, request: ScoreRequest, sound: Mapping[str, str]) -> Statement:
    """How `take` was made from `request`.

    Args:
        take: as its engine describes it.
        request: what it was made from.
        sound: SHA-256 of each file's samples, by path.
    """
    made, strategy = take.provenance, request.caption_strategy
    caption: Caption = getattr(request.brief.captions, strategy)
    how = caption.how
    same = msgspec.structs.replace(request, takes=1, seed=made.seed, critic="")
    return Statement(
        software=f"MusiScene {__version__}",
        cue=take.cue,
        take=take.name,
        engine=made.engine,
        engine_version=made.engine_version,
        model=made.model,
        model_hash=made.model_hash,
        seed=made.seed,
        prompt=made.prompt,
        words=(
            Writer(
                caption=strategy,
                origin=caption.origin,
                edited=caption.edited,
                writer=how.writer if how is not None else "",
                model=how.model if how is not None else "",
                adapters=how.adapters if how is not None else (),
            ),
        )
        if caption.text
        else (),
        brief=digest(request.brief),
        request=digest(same),
        licence=made.licence,
        commercial_use=made.commercial_use,
        conformed_from=made.conformed_from,
        samples=take.length_samples,
        sample_rate=take.sample_rate,
        sound=dict(sound),
    )


def name_of(text: str) -> str:
    """What a statement's text is named by: its SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_statement(text: str) -> Statement:
    """The statement in `text`, whoever wrote it.

    Raises:
        InputError: it is none.
    """
    try:
        return msgspec.json.decode(text.encode(), type=Statement)
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError) as error:
        raise InputError("What the file says of itself cannot be read.") from error
