"""Signs of failure while a captioner trains: seen after each validation, told at the end.

The rules are those of an evaluation (musiscene_training.evaluate.signatures), over the few captions
that are written after an epoch: of so few, a share is a warning only where it is all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from musiscene_training.evaluate.signatures import Check, checks, names_scene, sceneless, standing

_FEW = 10
_SCENE = "no scene"


def signs(
    captions: Sequence[Mapping[str, str]], training: Sequence[str], losses: Sequence[float]
) -> tuple[Check, ...]:
    """Every sign that can be judged.

    Args:
        captions: as validation.captions gives them; may be none.
        training: answers that it learns from.
        losses: of all steps so far.
    """
    found: list[Check] = []
    if captions:
        wrote = [one["wrote"] for one in captions]
        wanted = [(one["wanted"],) for one in captions]
        found += [one for one in checks(wrote, wanted, training) if one.name != _SCENE]
        # Answers about music need no scene: only those are judged whose reference has one.
        scenes = [one["wrote"] for one in captions if names_scene(one["wanted"])]
        if scenes:
            found.append(sceneless(scenes))
        if len(captions) < _FEW:
            found = [_of_few(one) for one in found]
    moving = standing(losses)
    return (*found, moving) if moving is not None else tuple(found)


def as_event(found: Sequence[Check]) -> dict[str, float | list[str]]:
    """The signs as the log has them: each value by its name, and what is warned of."""
    values: dict[str, float | list[str]] = {one.name: round(one.value, 4) for one in found}
    values["warnings"] = [f"{one.name} {one.value:.2f}: {one.says}" for one in found if one.warns]
    return values


def _of_few(check: Check) -> Check:
    return msgspec.structs.replace(check, warns=check.warns and check.value == 1)
