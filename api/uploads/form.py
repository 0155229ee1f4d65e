"""The fields of a one-shot batch, in whatever order they come, and whose each prompt is (R60)."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from api.schemas.texts import LONGEST_NAME, checked_prompt, checked_prompts, plain_line
from api.uploads.names import LONGEST as LONGEST_FILE_NAME
from api.uploads.names import display_name
from ingestio.domain.batches import PromptStrategy
from ingestio.domain.objects import NamedTwice, each_name_once
from ingestio.domain.plans import Plan
from ingestio.domain.prompts import MAX_PROMPT_CHARACTERS
from ingestio.domain.submissions import BatchSpec
from ingestio.errors import FieldError, InvalidRequest, PromptMissing

FILES = "files"
_PROMPTS = "per_document_prompts"
_UTF8_BYTES_PER_CHARACTER = 4
# JSON may write a character as \uXXXX, and one beyond the basic plane as two of them.
_JSON_BYTES_PER_CHARACTER = 12
MOST_PROMPT_BYTES = 32 << 20
"""For all prompts of a batch together."""
_TRUE = frozenset({"true", "1", "on", "yes"})
_FALSE = frozenset({"false", "0", "off", "no", ""})

Prompts = Sequence[Any] | Mapping[str, Any]


class BatchForm:
    """Takes the fields one by one, each refused as soon as it is wrong; `spec` and `prompts_of` answer once all are there."""

    def __init__(self, plan: Plan) -> None:
        documents = plan.batch_documents or MOST_PROMPT_BYTES
        one_of_them = (LONGEST_FILE_NAME + MAX_PROMPT_CHARACTERS) * _JSON_BYTES_PER_CHARACTER
        all_prompts = min(MOST_PROMPT_BYTES, 1024 + documents * one_of_them)
        self._limits = {
            "name": 4 * 1024,
            "prompt_strategy": 64,
            # Over the limit in characters a prompt is `prompt_invalid`, so there must be room to see that it is.
            "global_prompt": 2 * MAX_PROMPT_CHARACTERS * _UTF8_BYTES_PER_CHARACTER,
            _PROMPTS: all_prompts,
            "all_or_nothing": 16,
        }
        self._given: set[str] = set()
        self._name: str | None = None
        self._strategy = PromptStrategy.GLOBAL
        self._global_prompt: str | None = None
        self._prompts: Prompts = []
        self._all_or_nothing = False

    def limit_bytes(self, field: str) -> int:
        """How long a field may be. Raises InvalidRequest for one that we do not know."""
        if field not in self._limits:
            known = ", ".join(sorted([*self._limits, FILES]))
            raise _wrong(field[:64], f"unknown field; fields are {known}")
        return self._limits[field]

    def add(self, field: str, text: str) -> None:
        """Take one field. Raises InvalidRequest, PromptInvalid."""
        if field in self._given:
            raise _wrong(field, "given more than once")
        self._given.add(field)
        match field:
            case "name":
                self._name = _name(text)
            case "prompt_strategy":
                self._strategy = _strategy(text)
            case "global_prompt":
                self._global_prompt = checked_prompt(field, text)
            case "per_document_prompts":
                self._prompts = _prompts(text)
            case _:
                self._all_or_nothing = _flag(field, text)

    def spec(self) -> BatchSpec:
        """What the batch is to be. Raises PromptMissing under the global strategy without a prompt."""
        if self._strategy is PromptStrategy.GLOBAL and self._global_prompt is None:
            raise PromptMissing(
                "The global strategy needs a prompt.", [FieldError("global_prompt", "write what to extract")]
            )
        return BatchSpec(self._name, self._strategy, self._global_prompt, self._all_or_nothing)

    @property
    def needs_own_prompts(self) -> bool:
        """Whether a document without its own prompt is refused."""
        return self._strategy is PromptStrategy.PER_DOCUMENT

    def prompts_of(self, filenames: Sequence[str]) -> list[str | None]:
        """Each file's own prompt, in file order. Raises InvalidRequest for keys that name no file, or more than one; PromptInvalid.

        Under the global strategy they are checked, and not used.
        """
        if isinstance(self._prompts, Mapping):
            by_position = _by_key(self._prompts, filenames)
        elif len(self._prompts) > len(filenames):
            raise _wrong(_PROMPTS, f"{len(self._prompts)} prompts for {len(filenames)} files")
        else:
            by_position = {index: (f"{_PROMPTS}.{index}", text) for index, text in enumerate(self._prompts)}
        checked = checked_prompts(dict(by_position.values()))
        own = [checked[by_position[index][0]] if index in by_position else None for index in range(len(filenames))]
        return own if self._strategy is not PromptStrategy.GLOBAL else [None] * len(filenames)

    def fingerprint_fields(self) -> dict[str, object]:
        """The content of the fields, for recognising a repeat."""
        return {
            "name": self._name,
            "prompt_strategy": self._strategy.value,
            "global_prompt": self._global_prompt,
            _PROMPTS: self._prompts,
            "all_or_nothing": self._all_or_nothing,
        }


def _by_key(prompts: Mapping[str, Any], filenames: Sequence[str]) -> dict[int, tuple[str, Any]]:
    """Position -> (field, text)."""
    named: dict[str, set[int]] = {}
    for index, name in enumerate(filenames):
        named.setdefault(name, set()).add(index)
    at = {str(index): index for index in range(len(filenames))}
    found: dict[int, tuple[str, Any]] = {}
    for key, text in prompts.items():
        field = f"{_PROMPTS}.{key}"
        # Names are compared as they are shown, which is how the user saw them.
        positions = set(named.get(display_name(key, ""), ()))
        if key in at:
            positions.add(at[key])
        if not positions:
            raise _wrong(field, "names no file: use a position from 0, or a file name")
        if len(positions) > 1:
            raise _wrong(
                field, "names more than one file: use the position, or give an array in the order of the files"
            )
        (position,) = positions
        if position in found:
            raise _wrong(field, f"a second prompt for the file at position {position}")
        found[position] = (field, text)
    return found


def _prompts(text: str) -> Prompts:
    if not text.strip():
        return []
    try:
        parsed = json.loads(text, object_pairs_hook=each_name_once)
    except json.JSONDecodeError as error:
        raise _wrong(_PROMPTS, f"not JSON: {error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise _wrong(_PROMPTS, "nested too deeply") from None
    except NamedTwice as twice:
        raise _wrong(f"{_PROMPTS}.{twice.name}", "given more than once") from None
    except ValueError:  # Python reads whole numbers of up to 4,300 digits
        raise _wrong(_PROMPTS, "holds a number that is too long") from None
    if not isinstance(parsed, list | dict):
        raise _wrong(_PROMPTS, "must be a JSON array in file order, or an object keyed by position or file name")
    entries = parsed.items() if isinstance(parsed, dict) else enumerate(parsed)
    for key, prompt in entries:
        if not isinstance(prompt, str | None):
            raise _wrong(f"{_PROMPTS}.{key}", "must be a text or null")
    return parsed


def _name(text: str) -> str | None:
    if len(text) > LONGEST_NAME:
        raise _wrong("name", f"at most {LONGEST_NAME} characters")
    try:
        return plain_line(text) or None
    except ValueError as error:
        raise _wrong("name", str(error)) from None


def _strategy(text: str) -> PromptStrategy:
    if text not in PromptStrategy._value2member_map_:
        raise _wrong("prompt_strategy", f"one of {', '.join(PromptStrategy)}")
    return PromptStrategy(text)


def _flag(field: str, text: str) -> bool:
    if text.lower() not in _TRUE | _FALSE:
        raise _wrong(field, "true or false")
    return text.lower() in _TRUE


def _wrong(field: str, message: str) -> InvalidRequest:
    return InvalidRequest(f"{field}: {message}.", [FieldError(field, message)])
