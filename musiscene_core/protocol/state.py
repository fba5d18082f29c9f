"""What the daemon tells of its jobs, engines and models: the structs that messages carry."""

from __future__ import annotations

from typing import Literal

import msgspec

from musiscene_core.cue import StemRole

JobKind = Literal["spot", "score", "compose", "caption", "conform", "listen"]
JobState = Literal["queued", "running", "done", "failed", "cancelled"]
Priority = Literal["interactive", "batch"]
CancelScope = Literal["session", "mine", "queued"]
ModelState = Literal["loading", "ready", "leaving"]
GROWING_TEXTS = 8
WORD_TOKENS = 1.3
"""Tokens of an English word, roughly, in the vocabularies of LLaMA and its like."""
GROWING_CHARACTERS = 2_000
ENDED: frozenset[JobState] = frozenset({"done", "failed", "cancelled"})


class JobError(msgspec.Struct, frozen=True):
    """Why a job failed: the parts of one of our errors."""

    code: str
    message: str
    hint: str = ""


class GrowingText(msgspec.Struct, frozen=True, kw_only=True):
    """A text while it is written.

    Attributes:
        section: which section of the sound it is about, counted from 0.
        question: which question it answers, counted from 0.
        text: its end so far: the last GROWING_CHARACTERS at most.
        length: characters written so far.
    """

    section: int
    question: int
    text: str
    length: int


class JobInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A job as it stands.

    Attributes:
        id: names it in requests.
        kind: what it does.
        state: where it is in its life; the last three in JobState are final.
        cue: the cue it is about.
        created: Unix time of submission, in seconds.
        stage: what it is doing, in the user's words; of one that waits, what for, where that is
            more than its turn.
        fraction: how far it is, 0 to 1.
        attempts: how often it was begun.
        cancelling: whether it was told to stop but still runs.
        error: why it failed; None otherwise.
        folder: absolute path of its result; empty until done.
        takes: subfolders of `folder`, one a take, in order; empty for other kinds.
        priority: whether somebody waits for it, or it may come after those.
        eta_s: seconds until it ends, its wait included; None where nobody can say.
        writing: the texts it wrote at last, while it runs: GROWING_TEXTS at most. A hint, as all
            events are: what was written lies in its folder in the end.
    """

    id: str
    kind: JobKind
    state: JobState
    cue: str
    created: float
    stage: str = ""
    fraction: float = 0.0
    attempts: int = 0
    cancelling: bool = False
    error: JobError | None = None
    folder: str = ""
    takes: tuple[str, ...] = ()
    priority: Priority = "interactive"
    eta_s: float | None = None
    writing: tuple[GrowingText, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.state in ENDED


class EngineModel(msgspec.Struct, frozen=True, kw_only=True):
    """One of several models that an engine can work with.

    Attributes:
        name: what a request calls it.
        bytes: of its files; 0 where unknown.
        licence: of what it makes: SPDX name, or the model's own; empty where unknown.
        problem: why it cannot be used, and what to do; empty where it can.
        reference_audio: whether a music file, or the temp track, can steer it; None where it is as
            its engine.
    """

    name: str
    bytes: int = 0
    licence: str = ""
    problem: str = ""
    reference_audio: bool | None = None


class EngineInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine is and can do.

    Attributes:
        name: what a ScoreRequest calls it.
        version: changes when the same request would give other bytes.
        description: a sentence for the user.
        max_length_s: longest range it scores, in seconds.
        stems: the stems it delivers; empty where it makes a mix alone.
        hit_points: whether it meets them.
        licence: of the music it makes: SPDX name, or the model's own.
        commercial_use: whether that licence allows it.
        reference_audio: whether a music file, or the temp track, can steer it, or one of its
            models.
        needs_music: whether it does nothing without a music file.
        sketches: whether it renders the composer's cue, which may then sound beneath.
        samples: whether it draws what it writes, so that a request's sampling counts.
        memory_bytes: what it needs in memory while at work; 0 where nothing to speak of.
        repeatable: whether the same request, seed and version always give the same bytes.
        lacks: what has to be installed or put in place before it can work, and how, in a sentence;
            empty where it is ready.
        idioms: the styles that a request may name; empty where it takes none by name.
        models: those it can work with, the one it takes unasked first; none where there is no
            choice.
        environment: the Python environment it lives in; set by the daemon.
    """

    name: str
    version: str
    description: str
    max_length_s: float
    stems: tuple[StemRole, ...]
    hit_points: bool
    licence: str
    commercial_use: bool
    reference_audio: bool = False
    needs_music: bool = False
    sketches: bool = False
    samples: bool = False
    memory_bytes: int = 0
    repeatable: bool = False
    lacks: str = ""
    idioms: tuple[str, ...] = ()
    models: tuple[EngineModel, ...] = ()
    environment: str = "main"

    def takes_sound(self, model: str = "") -> bool:
        """Whether a music file, or the temp track, can steer `model`; unnamed, the first."""
        wanted = [one for one in self.models if not model or one.name == model]
        own = wanted[0].reference_audio if wanted else None
        return self.reference_audio if own is None else own


class AdapterInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A house adapter: a captioner's further training on somebody's own words.

    Attributes:
        name: what a ListenRequest calls it.
        description: a sentence for the user.
        licence: of its weights; empty where unknown.
    """

    name: str
    description: str = ""
    licence: str = ""


class CaptionerInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a captioner is and can do.

    Attributes:
        name: what a request calls it.
        version: changes when the same request would give other words.
        description: a sentence for the user.
        licence: of the words it writes: SPDX name, or the model's own.
        commercial_use: whether that licence allows it.
        free_questions: whether it answers any question, or only `questions`.
        questions: those it answers where it answers no others.
        adapters: the house adapters that it can use.
        model: what its weights are known by; empty where it has none.
        memory_bytes: what it needs in memory while at work; 0 where nothing to speak of.
        device: where it runs, such as "cpu" or "cuda:0"; empty until known.
        dtype: how its weights are held, such as "bfloat16"; empty until known.
        token_s: seconds a token of one answer takes there, as measured; 0 where it was not.
        needs: what is missing before it can work, and how to get it; empty where nothing is.
        environment: the Python environment it lives in; set by the daemon.
    """

    name: str
    version: str
    description: str
    licence: str
    commercial_use: bool
    free_questions: bool = True
    questions: tuple[str, ...] = ()
    adapters: tuple[AdapterInfo, ...] = ()
    model: str = ""
    memory_bytes: int = 0
    device: str = ""
    dtype: str = ""
    token_s: float = 0.0
    needs: str = ""
    environment: str = "main"

    @property
    def pace(self) -> str:
        """In what it works, where, and how fast it writes, in words; empty until known."""
        if not self.dtype:
            return ""
        known = f"{self.dtype} on {self.device}"
        if not self.token_s:
            return known
        return f"{known}, about {self.token_s * WORD_TOKENS:.1g} s a word"


class BrokenEngine(msgspec.Struct, frozen=True):
    """An engine or a captioner that is installed but does not load, and why."""

    name: str
    reason: str


class PairedClient(msgspec.Struct, frozen=True, kw_only=True):
    """A machine that may reach the daemon over the network.

    Attributes:
        name: what it is called.
        key: its public key, Z85.
        since: Unix time of the pairing, in seconds.
    """

    name: str
    key: str
    since: float


class WorkerInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A process that does jobs, one for each Python environment with engines.

    Attributes:
        name: the environment's.
        pid: its process; 0 while there is none.
        ready: whether it can take jobs, or is at one.
        starting: whether it has yet to say what it offers.
        last_words: the end of what the one before it wrote to its standard error.
        waits_for: why it is not ready, where that may pass by itself; empty otherwise.
    """

    name: str
    pid: int
    ready: bool
    starting: bool = False
    last_words: str = ""
    waits_for: str = ""


class ModelInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A model in memory.

    Attributes:
        name: tells it from the others.
        device: where it is, such as "cuda:0" or "cpu".
        bytes: what is set aside for it there.
        state: whether it can be worked with.
        users: how many parts of a job work with it now.
        unload_at: Unix time at which it goes if nobody wants it before; None while it is in use
            or kept for ever.
    """

    name: str
    device: str
    bytes: int
    state: ModelState
    users: int = 0
    unload_at: float | None = None
