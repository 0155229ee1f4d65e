"""Prompts that say what they want in JSON: a JSON Schema, a template with example values, a list of names, or something near it."""

import json
import re
from typing import Any

from ingestio.domain.fields import FieldKind
from ingestio.extraction.requested import RequestedField, key_of

_NAMES_OF_KINDS = {
    FieldKind.DATE: "date date-time datetime yyyy-mm-dd",
    FieldKind.NUMBER: "number integer int float decimal",
    FieldKind.EMAIL: "email",
    FieldKind.AMOUNT: "amount money",
    FieldKind.CURRENCY: "currency",
    FieldKind.PHONE: "phone",
    FieldKind.IBAN: "iban",
}
_KINDS = {name: kind for kind, names in _NAMES_OF_KINDS.items() for name in names.split()}
_KEY = re.compile(
    r"""(?P<quote>["'])?(?P<key>[^\W\d][\w .-]{0,60}?)(?(quote)(?P=quote))\s*:\s*(?P<value>[\[{]|"[^"\n]*"|'[^'\n]*'|[^,\n{}\[\]]*)"""
)
_ABOUT_A_FIELD = {
    "name",
    "type",
    "kind",
    "format",
    "description",
    "required",
    "items",
    "fields",
    "children",
    "enum",
    "example",
}
_CLOSING = re.compile(r"[\s,]*\]?")
_MAX_DEPTH = 4


def fields_in(prompt: str) -> list[RequestedField]:
    """The fields of the first JSON in `prompt` that names any; empty without one."""
    decoder = json.JSONDecoder()
    for match in re.finditer(r"[{\[]", prompt):
        try:
            value, _ = decoder.raw_decode(prompt, match.start())
        except (ValueError, RecursionError):
            continue
        fields = _fields(value, _MAX_DEPTH)
        if fields:
            return fields
    return _near_json(prompt)


def _fields(value: Any, depth: int) -> list[RequestedField]:
    """Fields of an object, schema or list of names; empty for anything else."""
    if isinstance(value, list):
        if value and all(isinstance(each, str) for each in value):
            return [field for field in (_field(each, None, depth) for each in value) if field]
        if value and all(_describes_a_field(each) for each in value):
            return [field for field in (_field(each["name"], each, depth) for each in value) if field]
        return _fields(value[0], depth) if len(value) == 1 and isinstance(value[0], dict) else []
    if not isinstance(value, dict) or depth <= 0:
        return []
    properties = value.get("properties")
    if isinstance(properties, dict):
        return [field for field in (_field(str(key), part, depth) for key, part in properties.items()) if field]
    if isinstance(value.get("items"), dict) and value.get("type") == "array":
        return _fields(value["items"], depth)
    listed = value.get("fields")
    if isinstance(listed, (list, dict)) and len(value) <= 3:
        return _fields(listed, depth)
    return [
        field
        for field in (_field(str(key), part, depth) for key, part in value.items() if not key.startswith("$"))
        if field
    ]


def _describes_a_field(value: Any) -> bool:
    """`{"name": "total", "type": "number"}`, as opposed to an example row that happens to have a name."""
    if not isinstance(value, dict) or not isinstance(value.get("name"), str) or not value["name"].strip():
        return False
    return value.keys() <= _ABOUT_A_FIELD


def _field(key: str, part: Any, depth: int) -> RequestedField | None:
    name = key_of(key)
    if not name or depth <= 0:
        return None
    label = " ".join(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", key).replace("_", " ").split())
    description = (
        str(part.get("description") or "")[:500]
        if isinstance(part, dict) and isinstance(part.get("description"), str)
        else ""
    )
    if isinstance(part, list):
        children = _fields(part, depth - 1) if part and isinstance(part[0], (dict, str)) else []
        return RequestedField(
            name, label, FieldKind.LIST, "", tuple(children) if part and isinstance(part[0], dict) else ()
        )
    if isinstance(part, dict):
        kind = _kind_of_schema(part)
        if kind is FieldKind.LIST:
            items = part.get("items") or part.get("children") or part.get("fields")
            return RequestedField(name, label, kind, description, tuple(_fields(items, depth - 1)) if items else ())
        if "properties" in part or (
            kind is None
            and part
            and not {"type", "description", "name", "enum", "format", "$ref", "anyOf"} & part.keys()
        ):
            return RequestedField(name, label, FieldKind.OBJECT, description, tuple(_fields(part, depth - 1)))
        return RequestedField(name, label, kind, description)
    if isinstance(part, str):
        return RequestedField(
            name, label, _KINDS.get(part.strip().casefold()), "" if part.casefold() in _KINDS else part[:500]
        )
    return RequestedField(
        name, label, FieldKind.NUMBER if isinstance(part, (int, float)) and not isinstance(part, bool) else None
    )


def _kind_of_schema(part: dict[str, Any]) -> FieldKind | None:
    types = part.get("type") or part.get("kind")
    names = [
        each for each in (types if isinstance(types, list) else [types]) if isinstance(each, str) and each != "null"
    ]
    if "array" in names or "list" in names or isinstance(part.get("items"), dict):
        return FieldKind.LIST
    form = part.get("format")
    if isinstance(form, str) and form.casefold() in _KINDS:
        return _KINDS[form.casefold()]
    return _KINDS.get(names[0].casefold()) if names else None


def _near_json(prompt: str) -> list[RequestedField]:
    """Braces with `key:` inside that no JSON parser takes: unquoted keys, comments, trailing commas, type names as values."""
    block = re.search(r"\{.*\}", prompt, re.DOTALL)
    if not block:
        return []
    text = re.sub(r"(?<!:)//[^\n]*|/\*.*?\*/|#[^\n]*", "", block.group()[1:-1], flags=re.DOTALL)
    fields, position = _near_fields(text, 0, _MAX_DEPTH)
    return fields if position >= 0 else []


def _near_fields(text: str, position: int, depth: int) -> tuple[list[RequestedField], int]:
    """Fields up to the closing brace that matches, and where reading stopped."""
    fields: list[RequestedField] = []
    while position < len(text) and depth > 0:
        closing = re.compile(r"\s*[}\]]").match(text, position)
        if closing:
            return fields, closing.end()
        match = _KEY.search(text, position)
        if not match:
            break
        close_at = re.search(r"[}\]]", text[position : match.start()])
        if close_at:
            return fields, position + close_at.end()
        position = match.end()
        name, label = key_of(match["key"].strip()), match["key"].strip().replace("_", " ")
        value = match["value"]
        if value in ("{", "["):
            children, position = _near_fields(text, position, depth - 1)
            if value == "[":  # the brace of the example row is behind us, the list's bracket may still be ahead
                position = _CLOSING.match(text, position).end()  # type: ignore[union-attr]
            fields.append(
                RequestedField(name, label, FieldKind.LIST if value == "[" else FieldKind.OBJECT, "", tuple(children))
            )
            continue
        word = value.strip().strip("\"'").casefold()
        fields.append(RequestedField(name, label, _KINDS.get(word.removesuffix("?").split(" ")[0])))
    return [field for field in fields if field.name], len(text)
