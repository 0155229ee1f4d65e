"""What a user's prompt asks for (R78): the fields it names, whatever way it names them.

Understood, most explicit first: a JSON Schema, a JSON or JSON-like template, a bulleted or line by line list, a sentence with
"extract the X, Y and Z", a bare comma list. A prompt that names no field asks for the default fields of the document's type.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ingestio.domain.fields import FieldKind
from ingestio.domain.prompts import validate_prompt
from ingestio.extraction import json_prompts
from ingestio.extraction import prompt_words as words
from ingestio.extraction.catalogue import DOCUMENT_TYPES
from ingestio.extraction.prompt_names import field_named, names_in, owned, pieces, protected, restored
from ingestio.extraction.requested import RequestedField

__all__ = ["RequestedField", "requested_fields", "validate_prompt"]

_MAX_FIELDS = 100
_MAX_BARE_CHARACTERS = 600


@dataclass(frozen=True, slots=True)
class _Item:
    """One bullet: its text, and how far it is indented in columns."""

    text: str
    indent: int = 0


def requested_fields(prompt: str) -> tuple[RequestedField, ...]:
    """The fields that `prompt` names, in its order, without repeats; empty when it names none. At most 100."""
    asked = json_prompts.fields_in(prompt) or _from_list(prompt) or _from_sentences(prompt) or _from_bare_names(prompt)
    unique: dict[str, RequestedField] = {}
    for field in asked:
        unique.setdefault(field.name, field)
    return tuple(unique.values())[:_MAX_FIELDS]


def _from_list(prompt: str) -> list[RequestedField]:
    """A bulleted or numbered list, or one name a line, with or without a lead-in that ends with a colon."""
    bullets = [match for match in map(words.BULLET.match, prompt.splitlines()) if match]
    if len(bullets) >= 2 or (bullets and words.LEAD_IN.search(prompt)):
        return _nested([_Item(match["text"], len(match["indent"].expandtabs(4))) for match in bullets])
    lines = [line.strip() for line in prompt.splitlines() if line.strip()]
    if len(lines) >= 3 and lines[0].endswith(":"):
        lines = lines[1:]
    elif len(lines) < 2:
        return []
    named = [_named(_Item(line)) for line in lines]
    return [field for field in named if field] if all(named) else []


def _nested(items: list[_Item]) -> list[RequestedField]:
    """Bullets with deeper ones below them are lists with columns."""
    fields: list[RequestedField] = []
    index = 0
    while index < len(items):
        head = items[index]
        index += 1
        below: list[_Item] = []
        while index < len(items) and items[index].indent > head.indent:
            below.append(items[index])
            index += 1
        field = _named(head)
        if field and below:
            field = replace(field, kind=FieldKind.LIST, children=tuple(filter(None, map(_named, below))))
        if field:
            fields.append(field)
    return fields


def _named(item: _Item) -> RequestedField | None:
    """One list entry: a name, then perhaps a colon or dash and what it means."""
    name, description = _parted(item.text.strip().rstrip(".,;"), (":", " - ", " – ", " — ", " = ", " -> "))
    return field_named(owned(name), description.strip())


def _parted(text: str, separators: Iterable[str]) -> tuple[str, str]:
    """The text before and after the first of the separators."""
    places = [(text.find(separator), separator) for separator in separators if separator in text]
    if not places:
        return text, ""
    at, separator = min(places)
    return text[:at], text[at + len(separator) :]


def _from_sentences(prompt: str) -> list[RequestedField]:
    """`Extract the X and the Y.` and `What is the Z?`, in any number of sentences."""
    fields: list[RequestedField] = []
    for sentence in words.SENTENCE_END.split(protected(prompt)):
        request = words.REQUEST.search(restored(sentence or ""))
        if request:
            fields.extend(names_in(request["what"]))
    for question in words.QUESTION.finditer(prompt):
        fields.extend(names_in(question["what"]))
    return fields


def _is_known(name: str) -> bool:
    """Whether a type has a field of this name: a lone word is taken for a field only then."""
    return any(kind.concept(name) for kind in DOCUMENT_TYPES.values())


def _from_bare_names(prompt: str) -> list[RequestedField]:
    """`invoice number, date, total`: a comma list that reads as names and nothing else."""
    text = words.BARE_LEAD.sub("", prompt.strip().rstrip("."))
    if len(text) > _MAX_BARE_CHARACTERS or words.SENTENCE_END.search(text):
        return []
    parts = pieces(text)
    fields = [field_named(part) for part in parts]
    if not all(fields) or (len(parts) == 1 and not _is_known(text)):
        return []
    return [field for field in fields if field]
