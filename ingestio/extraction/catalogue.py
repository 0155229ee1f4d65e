"""The document types as data (R76): read once from `types/*.toml`, one file a type.

A concept is a field as the types know it: what it is called in a result, how documents label it, and by which names a prompt may
ask for it. `labels` of a field put the strong ones first; `weak_labels` (`Total`, `Date`) count only where nothing better stands.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Any

from ingestio.domain.fields import FieldKind, FieldSpec
from ingestio.extraction.tokens import compact

DOCUMENT_TYPE_NAMES = (
    "invoice", "receipt", "purchase_order", "bank_statement", "contract", "resume", "id_document", "form", "letter", "report", "other",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Concept:
    """A field as the engines know it. `extra`: only found when asked for. Aliases are compact keys."""

    spec: FieldSpec
    weak_labels: tuple[str, ...]
    aliases: frozenset[str]
    extra: bool
    children: tuple["Concept", ...]

    @property
    def name(self) -> str:
        return self.spec.name


@dataclass(frozen=True, slots=True)
class DocumentType:
    """A type of document: its default prompt and fields, and the words by which it is known.

    `earlier_prompts` were its default before, and still mean its default fields. `titles` stand as headings, `cues` anywhere; `against`
    speak for another type. `concepts` are all fields, `fields` the default ones.
    """

    name: str
    title: str
    default_prompt: str
    earlier_prompts: tuple[str, ...]
    schema_version: str
    fields: tuple[FieldSpec, ...]
    concepts: tuple[Concept, ...]
    titles: tuple[str, ...]
    cues: tuple[str, ...]
    against: tuple[str, ...]

    def concept(self, asked: str) -> Concept | None:
        """The concept that goes by this name, however it is spelt."""
        key = compact(asked)
        by_name = next((each for each in self.concepts if compact(each.name) == key), None)
        return by_name or next((each for each in self.concepts if key in each.aliases), None)


def _expanded(labels: list[str], words: Mapping[str, list[str]]) -> tuple[str, ...]:
    """Labels with `<no>` and `<date>` replaced by each of their words, without repeats."""
    expanded: dict[str, None] = {}
    for label in labels:
        placeholder = next((word for word in words if f"<{word}>" in label), None)
        for text in (
            [label.replace(f"<{placeholder}>", word) for word in words[placeholder]] if placeholder else [label]
        ):
            expanded.setdefault(text, None)
    return tuple(expanded)


def _concept(data: dict[str, Any], words: Mapping[str, list[str]]) -> Concept:
    children = tuple(_concept(child, words) for child in data.get("children", ()))
    labels = _expanded(data.get("labels", []), words)
    weak = _expanded(data.get("weak_labels", []), words)
    spec = FieldSpec(
        name=data["name"],
        kind=FieldKind(data["kind"]),
        description=data["description"],
        labels=labels + weak,
        children=tuple(child.spec for child in children if not child.extra),
    )
    aliases = frozenset(compact(alias) for alias in (*data.get("aliases", []), *labels))
    return Concept(spec, weak, aliases, bool(data.get("extra", False)), children)


def _document_type(data: dict[str, Any], words: Mapping[str, list[str]]) -> DocumentType:
    concepts = tuple(_concept(field, words) for field in data["fields"])
    known_by = data["classify"]
    return DocumentType(
        name=data["name"],
        title=data["title"],
        default_prompt=" ".join(data["default_prompt"].split()),
        earlier_prompts=tuple(" ".join(each.split()) for each in data.get("earlier_prompts", ())),
        schema_version=data["schema_version"],
        fields=tuple(each.spec for each in concepts if not each.extra),
        concepts=concepts,
        titles=tuple(known_by["titles"]),
        cues=_expanded(known_by["cues"], words),
        against=_expanded(known_by["against"], words),
    )


def _load() -> Mapping[str, DocumentType]:
    folder = resources.files("ingestio.extraction") / "types"

    def read(name: str) -> dict[str, Any]:
        return tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))

    words = read("_words")
    return MappingProxyType({name: _document_type(read(name), words) for name in DOCUMENT_TYPE_NAMES})


DOCUMENT_TYPES: Mapping[str, DocumentType] = _load()
"""Every document type by name, in a fixed order; `other` is the last."""
