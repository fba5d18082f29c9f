"""Language models over a real socket: what is sent, how it grows, and every way it goes wrong."""

from __future__ import annotations

import socket
import time

import pytest

from musiscene_core.captioning.language.model import Sampling
from musiscene_core.captioning.language.server import LanguageServer
from musiscene_core.captioning.language.settings import LanguageSettings
from musiscene_core.captioning.writing import written
from musiscene_core.errors import CancelledError, EngineError, InputError
from tests.support.language_server import LanguageService, language_service

ANSWER = "Slow strings over a soft piano in A minor."


def server(service: LanguageService, **changes: object) -> LanguageServer:
    given = {"url": service.url, "model": "tiny", **changes}
    return LanguageServer(LanguageSettings(**given))  # type: ignore[arg-type]


def test_a_prompt_is_sent_as_it_is_and_the_answer_grows() -> None:
    pieces: list[str] = []
    with language_service(ANSWER) as service:
        sampling = Sampling(seed=7)
        answer = server(service).ask("Describe it.", sampling, on_piece=pieces.append)
        (sent,) = service.asked
    assert answer.text == ANSWER == "".join(pieces)
    assert len(pieces) == len(ANSWER.split())
    assert (answer.model, answer.place, answer.left_machine) == ("tiny", service.url, False)
    assert sent == {
        "model": "tiny",
        "messages": [{"role": "user", "content": "Describe it."}],
        "temperature": 0.7,
        "top_p": 0.95,
        "top_k": 40,
        "max_tokens": 512,
        "seed": 7,
        "stream": True,
    }
    assert "Authorization" not in service.headers_seen[0]


def test_the_first_listed_model_is_asked_where_none_is_named() -> None:
    with language_service(ANSWER) as service:
        assert server(service, model="").ask("x", Sampling()).model == "tiny-model"
        assert service.asked[0]["model"] == "tiny-model"


def test_the_key_goes_to_the_server_and_shows_nowhere() -> None:
    with language_service(ANSWER, fault="401") as service:
        asking = server(service, key="secret-key")
        with pytest.raises(EngineError, match=r"refuses \(401\). Set its key") as refused:
            asking.ask("x", Sampling())
        assert service.headers_seen[-1]["Authorization"] == "Bearer secret-key"
    assert "secret-key" not in str(refused.value) + repr(asking) + repr(asking._settings)


@pytest.mark.parametrize("fault", ["whole", "no done"])
def test_other_ways_to_answer_are_understood(fault: str) -> None:
    with language_service(ANSWER, fault=fault) as service:
        assert server(service).ask("x", Sampling()).text == ANSWER


@pytest.mark.parametrize("fault", ["500", "503", "429", "hang up"])
def test_what_goes_wrong_once_is_tried_again(fault: str) -> None:
    with language_service(ANSWER, fault=fault, faulty=2) as service:
        assert server(service).ask("x", Sampling()).text == ANSWER
        assert len(service.asked) == 3
    with language_service(ANSWER, fault=fault) as service:
        with pytest.raises(EngineError, match="cannot be asked"):
            server(service).ask("x", Sampling())
        assert len(service.asked) == 3


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("404", "refuses"),
        ("redirect", r"refuses \(307\)"),
        ("prose", "does not speak JSON"),
        ("truncated", "breaks off"),
        ("garbage", "does not speak JSON"),
        ("error midway", "an error of its own"),
        ("endless", "does not end"),
        ("endless line", "does not end|streams no events"),
    ],
)
def test_nonsense_is_an_error_at_once(fault: str, words: str) -> None:
    with language_service(ANSWER, fault=fault) as service:
        with pytest.raises(EngineError, match=words):
            server(service).ask("x", Sampling())
        assert len(service.asked) == 1


@pytest.mark.parametrize("fault", ["hang", "stalls"])
def test_silence_is_an_error_after_its_time(fault: str) -> None:
    with (
        language_service(ANSWER, fault=fault) as service,
        pytest.raises(EngineError, match=r"said nothing for 0\.4 s"),
    ):
        server(service, silence_s=0.4).ask("x", Sampling())


def test_nobody_waits_for_what_is_no_longer_wanted() -> None:
    began = time.monotonic()

    def unwanted(stage: str, fraction: float) -> None:
        if time.monotonic() - began > 0.3:
            raise CancelledError("enough")

    with language_service(ANSWER, fault="hang") as service, pytest.raises(CancelledError):
        server(service).ask("x", Sampling(), progress=unwanted)


def test_no_server_is_told_as_such() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    asking = LanguageServer(LanguageSettings(url=f"http://127.0.0.1:{port}/v1", model="m"))
    with pytest.raises(EngineError, match=r"cannot be asked: connection refused.*Start it"):
        asking.ask("x", Sampling())


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://192.168.1.9:8080/v1", "is on another machine, 192.168.1.9"),
        ("https://8.8.8.8/v1", "is on another machine"),
        ("ftp://127.0.0.1/v1", "not the address of a server"),
        ("http://[::1", "not the address of a server"),
        ("http://127.0.0.1:99999/v1", "not the address of a server"),
        ("http://user:word@127.0.0.1/v1", "without name, password"),
        ("http://127.0.0.1/v1?key=1", "without name, password"),
    ],
)
def test_an_address_elsewhere_or_of_no_sense_is_refused(url: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        LanguageSettings(url=url)


def test_a_name_of_another_machine_is_refused_when_it_shows(monkeypatch) -> None:
    with language_service(ANSWER) as service:
        asking = server(service)
        monkeypatch.setattr(
            "musiscene_core.captioning.language.server.is_this_machine", lambda address: False
        )
        with pytest.raises(EngineError, match="another machine: nothing was sent"):
            asking.ask("x", Sampling())
        assert service.asked == []
        remote = server(service, remote=True)
        made = written("A secret plot.", remote, Sampling())
    assert made.how is not None
    assert made.how.notes == ("The prompt left this machine.",)


def test_the_environment_says_which_model() -> None:
    variables = {
        "MUSISCENE_LLM_URL": "http://localhost:11434/v1/",
        "MUSISCENE_LLM_MODEL": "qwen",
        "MUSISCENE_LLM_KEY": "k",
    }
    settings = LanguageSettings.from_environment(variables)
    assert (settings.url, settings.model) == ("http://localhost:11434/v1", "qwen")
    assert "k'" not in repr(settings)
    assert LanguageSettings.from_environment({}) == LanguageSettings()
    with pytest.raises(InputError, match="neither 0 nor 1"):
        LanguageSettings.from_environment({"MUSISCENE_LLM_REMOTE": "yes"})
    with pytest.raises(InputError, match="is no key"):
        LanguageSettings.from_environment({"MUSISCENE_LLM_KEY": "a\nb"})


def test_a_caption_says_how_it_was_written() -> None:
    said = f"Sure! Here is the description:\n\n{ANSWER}"
    with language_service(said) as service:
        made = written("Describe it.", server(service), Sampling(seed=3))
    assert (made.text, made.origin, made.edited) == (ANSWER, "model", False)
    assert made.how is not None
    assert (made.how.writer, made.how.place, made.how.prompt) == (
        "tiny",
        service.url,
        "Describe it.",
    )
    assert made.how.raw == said
    assert made.how.wrote == ANSWER
    assert dict(made.how.settings)["seed"] == 3


def test_an_answer_that_is_none_is_asked_for_once_more() -> None:
    with language_service("I'm sorry, but I cannot do that.", ANSWER) as service:
        made = written("x", server(service), Sampling(seed=5))
        assert made.text == ANSWER
        assert [sent["seed"] for sent in service.asked] == [5, 6]
    with language_service("") as service:
        with pytest.raises(EngineError, match="gives no answer: the answer is empty"):
            written("x", server(service), Sampling())
        assert len(service.asked) == 2
