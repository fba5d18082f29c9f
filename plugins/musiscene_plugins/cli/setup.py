"""`musiscene setup`: makes, checks, mends and removes the environments of engines.

What belongs into an editor's menu is set up by resolve_menu.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from musiscene_core.environments import building
from musiscene_core.environments.pip import Source
from musiscene_core.environments.places import folder_of, stamp_of
from musiscene_core.environments.recipe import Recipe, packaged
from musiscene_core.environments.recipes import RECIPES
from musiscene_core.environments.torches import BUILDS, build_for
from musiscene_core.errors import CancelledError, InputError, RequestError
from musiscene_plugins.cli import resolve_menu
from musiscene_plugins.cli.terminal import result_console, shown_progress

_RESTART = "A daemon that runs learns of it when it starts again: `musiscene daemon stop`."


def run(arguments: argparse.Namespace) -> int:
    """Do what the arguments ask for; returns the exit code."""
    if arguments.environment == "resolve":
        return resolve_menu.run(arguments)
    if arguments.folder:
        raise RequestError("--folder belongs to `setup resolve`.", hint="Leave it out.")
    recipe = _recipe(arguments)
    if arguments.remove:
        removed = building.remove(recipe)
        said = f"Removed {folder_of(recipe.name)}." if removed else "There was none to remove."
        return _say(said, arguments, removed=removed)
    if arguments.verify:
        with shown_progress(quiet=arguments.json) as show:
            found = building.problems(recipe, show)
        if found:
            name, problem = next(iter(found.items()))
            more = f", and {len(found) - 1} more" if len(found) > 1 else ""
            raise InputError(
                f"{name.split('==')[0]} {problem}{more}.",
                hint=f"Run `musiscene setup {recipe.name} --repair`.",
            )
        return _say(f"All of {folder_of(recipe.name)} is as it should be.", arguments, problems=[])
    source = Source(arguments.mirror or "", _folder(arguments.packages))
    python = Path(arguments.python).expanduser().absolute() if arguments.python else None
    if arguments.repair:
        with shown_progress(quiet=arguments.json) as show:
            mended = building.repair(recipe, python=python, source=source, progress=show)
        said = f"Mended: {', '.join(mended)}. {_RESTART}" if mended else "Nothing was damaged."
        return _say(said, arguments, mended=list(mended))
    _show_plan(recipe, arguments)
    with shown_progress(quiet=arguments.json) as show:
        place = building.build(recipe, python=python, source=source, progress=show)
    taken = building.space_taken(place)
    engines = f" for the engines {', '.join(recipe.engines)}" if recipe.engines else ""
    said = f"{place} is ready{engines}: {taken / 1e9:.2f} GB. {_RESTART}"
    return _say(said, arguments, folder=str(place), bytes=taken, engines=list(recipe.engines))


def _recipe(arguments: argparse.Namespace) -> Recipe:
    """The recipe that is asked for, with the torch that is there or that the machine wants."""
    make = packaged(arguments.environment, RECIPES, further=("resolve",))
    stamp = stamp_of(folder_of(arguments.environment))
    there = stamp.variant if stamp is not None and (arguments.verify or arguments.repair) else ""
    build = next((one for one in BUILDS if one == (arguments.torch or there)), None)
    index = arguments.torch_index or ""
    if arguments.remove or arguments.verify:
        # Neither fetches anything, so that no index need be known.
        index = index or "unused"
    return make(build or build_for(), torch_index=index)


def _show_plan(recipe: Recipe, arguments: argparse.Namespace) -> None:
    """What will happen, before it does; on a terminal it may be called off."""
    if arguments.json:
        return
    place = folder_of(recipe.name)
    free = building.check_room(recipe, place)
    console = result_console()
    console.print(f"{recipe.title}, {len(recipe.requirements)} packages", markup=False)
    console.print(
        f"  into {place}: about {recipe.disk_bytes / 1e9:.1f} GB of {free / 1e9:.1f} GB free",
        markup=False,
    )
    console.print(f"  {recipe.licence}", markup=False)
    if arguments.yes or not sys.stdin.isatty():
        return
    if console.input("Go on? [y/N] ").strip().lower() not in ("y", "yes"):
        raise CancelledError("Nothing was changed.")


def _folder(named: str | None) -> Path | None:
    if named is None:
        return None
    path = Path(named).expanduser().absolute()
    if not path.is_dir():
        raise InputError(f"{path} is no folder.", hint="Name the folder that has the packages.")
    return path


def _say(text: str, arguments: argparse.Namespace, **as_json: object) -> int:
    if arguments.json:
        sys.stdout.write(json.dumps(as_json) + "\n")
    else:
        result_console().print(text, markup=False)
    return 0
