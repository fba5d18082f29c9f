"""The sentences that the nano captioner's answers are written in, followed token by token.

A form is a sentence with fields, "Fits {topic} at full speed: {event}."; each field has choices.
Some forms are only for music that was heard to be of a kind. Which form of those, and what is put
into it, is the language model's to say; that it ends the sentence it began is seen to here: far
from the music it learned from, a small model falls between two.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from musiscene_core.captioning.nano.words import END, Words

_FIELD = re.compile(r"\{([\w.-]+)\}")
Slots = tuple[tuple[tuple[int, ...], ...], ...]
"""A form in tokens: its slots in order, of each the choices."""


_ANYTHING: Mapping[str, str] = MappingProxyType({})


class Form(msgspec.Struct, frozen=True, array_like=True):
    """A sentence with fields.

    Attributes:
        text: the sentence, each field's name in braces.
        heard: what the encoder's heads must have told for it to be said, by head; any where empty.
    """

    text: str
    heard: dict[str, str] = {}


class _State(NamedTuple):
    """Before a token: of which form, in which of its slots, of which choice there, at which place.

    Past the last slot only the end is left.
    """

    form: int
    slot: int
    choice: int
    place: int


class Place:
    """Somewhere in an answer: every sentence that it may yet become."""

    def __init__(self, forms: Sequence[Slots], states: frozenset[_State]) -> None:
        self._forms = forms
        self._states = states

    def allowed(self) -> list[int]:
        """The tokens that may follow, in order, the one that ends an answer among them."""
        return sorted({self._token(state) for state in self._states})

    def after(self, token: int) -> Place:
        """The place behind a token; nothing may follow one that was not allowed."""
        reached: set[_State] = set()
        for state in self._states:
            if token != END and self._token(state) == token:
                reached.update(self._next(state))
        return Place(self._forms, frozenset(reached))

    def _token(self, state: _State) -> int:
        slots = self._forms[state.form]
        if state.slot == len(slots):
            return END
        return slots[state.slot][state.choice][state.place]

    def _next(self, state: _State) -> list[_State]:
        choice = self._forms[state.form][state.slot][state.choice]
        if state.place + 1 < len(choice):
            return [state._replace(place=state.place + 1)]
        return _entered(self._forms, state.form, state.slot + 1)


class Sentences:
    """Every sentence there is."""

    def __init__(
        self,
        forms: Mapping[str, Sequence[Form]],
        choices: Mapping[str, Sequence[str]],
        words: Words,
    ) -> None:
        """Read forms.

        Args:
            forms: by question, sentences with fields.
            choices: what may stand in each field.
            words: the vocabulary.

        Raises:
            KeyError: a field without choices, or a word that is not in the vocabulary.
        """
        self._forms = {
            question: tuple(_slots(form.text, choices, words) for form in held)
            for question, held in forms.items()
        }
        self._heard = {question: [form.heard for form in held] for question, held in forms.items()}

    def begin(self, question: str, heard: Mapping[str, str] = _ANYTHING) -> Place:
        """The place before an answer to `question`; KeyError where it has none.

        Args:
            question: what is asked.
            heard: what each head told; forms for what was heard otherwise are left out.
        """
        forms = self._forms[question]
        states = [
            state
            for form, wanted in enumerate(self._heard[question])
            if all(heard.get(head, told) == told for head, told in wanted.items())
            for state in _entered(forms, form, 0)
        ]
        return Place(forms, frozenset(states))

    def has(self, question: str, tokens: Sequence[int]) -> bool:
        """Whether tokens are an answer to `question`, from its first word to its last."""
        place = self.begin(question)
        for token in tokens:
            place = place.after(token)
        return END in place.allowed()


def _entered(forms: Sequence[Slots], form: int, slot: int) -> list[_State]:
    slots = forms[form]
    if slot == len(slots):
        return [_State(form, slot, 0, 0)]
    return [_State(form, slot, choice, 0) for choice in range(len(slots[slot]))]


def _slots(form: str, choices: Mapping[str, Sequence[str]], words: Words) -> Slots:
    slots = []
    for number, part in enumerate(_FIELD.split(form)):
        # What is split off at odd places is a field's name.
        texts = choices[part] if number % 2 else (part,)
        found = tuple(tuple(words.tokens(text)) for text in texts if text.strip())
        if found:
            slots.append(found)
    return tuple(slots)
