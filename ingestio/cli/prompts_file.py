"""`--prompts FILE`: one prompt for each file, as a JSON array in file order or an object by file name."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from ingestio.cli.files import LocalFile
from ingestio.domain.objects import NamedTwice, each_name_once
from ingestio.errors import InvalidRequest


def read_prompts(path: Path, files: Sequence[LocalFile]) -> dict[int, str]:
    """Prompts by the position of their file. A file without one is left to the service, which lists it as `prompt_missing`.

    Raises InvalidRequest that says what is wrong: no JSON, too long an array, a key that names no file or several.
    """
    try:
        content = json.loads(path.read_text("utf-8-sig"), object_pairs_hook=each_name_once)
    except OSError as error:
        raise InvalidRequest(f"{path}: cannot be read ({error.strerror})") from error
    except json.JSONDecodeError as error:
        raise InvalidRequest(f"{path}: not JSON: {error.msg} in line {error.lineno}, column {error.colno}") from None
    except NamedTwice as twice:
        raise InvalidRequest(f"{path}: {twice.name!r} is named twice") from None
    except (ValueError, RecursionError):  # other bytes, endless numbers, brackets without end
        raise InvalidRequest(f"{path}: not JSON in UTF-8") from None
    if isinstance(content, list):
        return _in_order(path, content, files)
    if isinstance(content, dict):
        return _by_name(path, content, files)
    raise InvalidRequest(f"{path}: must hold a JSON array in file order, or an object of prompts by file name")


def _in_order(path: Path, prompts: Sequence[Any], files: Sequence[LocalFile]) -> dict[int, str]:
    if len(prompts) > len(files):
        raise InvalidRequest(f"{path}: {len(prompts)} prompts for {len(files)} files")
    return _texts(path, {position: (str(position + 1), prompt) for position, prompt in enumerate(prompts)})


def _by_name(path: Path, prompts: Mapping[str, Any], files: Sequence[LocalFile]) -> dict[int, str]:
    found: dict[int, tuple[str, Any]] = {}
    for name, prompt in prompts.items():
        places = [position for position, file in enumerate(files) if file.label == name]
        if not places:
            places = [position for position, file in enumerate(files) if PurePath(file.label).name == name]
        if not places:
            raise InvalidRequest(f"{path}: {name!r} names none of the files")
        if len(places) > 1:
            same = ", ".join(files[position].label for position in places[:3])
            raise InvalidRequest(f"{path}: {name!r} names {len(places)} files ({same}); write their paths")
        if places[0] in found:
            raise InvalidRequest(f"{path}: {files[places[0]].label} has two prompts")
        found[places[0]] = (repr(name), prompt)
    return _texts(path, found)


def _texts(path: Path, prompts: Mapping[int, tuple[str, Any]]) -> dict[int, str]:
    for name, prompt in prompts.values():
        if not isinstance(prompt, str | None):
            raise InvalidRequest(f"{path}: the prompt of {name} must be a text")
    return {position: prompt for position, (_, prompt) in prompts.items() if prompt is not None and prompt.strip()}
