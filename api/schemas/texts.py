"""Texts that users send: what a name may be, and prompts checked so that the answer says which one is wrong."""

import unicodedata
from collections.abc import Mapping
from typing import Annotated

from fastapi import Query
from pydantic import AfterValidator, StringConstraints

from ingestio.domain.prompts import validate_prompt
from ingestio.errors import FieldError, PromptInvalid

LONGEST_NAME = 200
_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})


def plain_line(text: str) -> str:
    """One line of text without control characters, white space at its ends removed. Raises ValueError."""
    if any(unicodedata.category(char) in _UNPRINTABLE for char in text):
        raise ValueError("must be one line without control characters")
    return text.strip()


def storable(text: str) -> str:
    """Text that a database takes. Raises ValueError for a NUL or half of a surrogate pair."""
    if "\x00" in text or any(0xD800 <= ord(char) < 0xE000 for char in text):
        raise ValueError("must not hold NUL characters or lone surrogates")
    return text


_STORABLE = AfterValidator(lambda text: None if text is None else storable(text))

DocumentSearch = Annotated[
    str | None,
    Query(
        max_length=200,
        description="Part of a file name, or words that the name, the type or the values of the result begin with, all of them.",
    ),
    _STORABLE,
]
TypeName = Annotated[str | None, Query(alias="type", max_length=64, description="A document type."), _STORABLE]

Name = Annotated[str, StringConstraints(max_length=LONGEST_NAME), AfterValidator(plain_line)]


def checked_prompt(field: str, text: str | None) -> str | None:
    """The prompt as it will be stored; None for none or a blank one. Raises PromptInvalid that names the field."""
    return checked_prompts({field: text})[field]


def checked_prompts(prompts: Mapping[str, str | None]) -> dict[str, str | None]:
    """Several prompts by field name. Raises one PromptInvalid that names every field that is wrong."""
    good: dict[str, str | None] = {}
    wrong: list[FieldError] = []
    for field, text in prompts.items():
        try:
            good[field] = validate_prompt(text) if text is not None and text.strip() else None
        except PromptInvalid as error:
            wrong.append(FieldError(field, error.detail))
    if wrong:
        raise PromptInvalid(wrong[0].message if len(wrong) == 1 else f"{len(wrong)} prompts are not valid.", wrong)
    return good
