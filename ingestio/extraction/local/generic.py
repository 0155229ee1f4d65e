"""Fields that no type knows: the user's own words are the label that is looked for."""

from ingestio.domain.fields import FieldKind, FieldSpec
from ingestio.extraction.catalogue import Concept
from ingestio.extraction.layout import Layout
from ingestio.extraction.local import scalars
from ingestio.extraction.local.items import list_entries
from ingestio.extraction.local.labels import Labels, Lexicon, Named, lexicon_of
from ingestio.extraction.local.reading import Entry, Reading
from ingestio.extraction.tokens import compact

_KNOWN = "known:"


def concept_of(spec: FieldSpec) -> Concept:
    """A user's own field as a concept: its labels are its name and the shorter forms of it."""
    children = tuple(concept_of(child) for child in spec.children)
    return Concept(spec, (), frozenset(), False, children)


def read_own_fields(layout: Layout, document_type: str, specs: list[FieldSpec]) -> dict[str, Reading]:
    """Values that stand beside the users' own labels, by field name. The type's labels only tell where a value ends."""
    lexicon = Lexicon(())
    for spec in specs:
        for rank, label in enumerate(spec.labels):
            if compact(label):
                lexicon.add(compact(label), Named(spec.name, False, rank))
    _add_known(lexicon, document_type)
    labels = Labels(layout, lexicon)
    found: dict[str, Reading] = {}
    for spec in specs:
        reading = _best(labels, spec)
        if reading is not None:
            found[spec.name] = reading
    return found


def _add_known(lexicon: Lexicon, document_type: str) -> None:
    for key in lexicon_of(document_type).runs.keys:
        if key not in lexicon:
            lexicon.add(key, Named(_KNOWN, True, 0))


def _best(labels: Labels, spec: FieldSpec) -> Reading | None:
    """By kind; a field whose kind was only guessed from its name may hold plain text after all."""
    reading = scalars.best(labels, spec.name, spec.kind)
    if reading is not None or spec.kind is FieldKind.TEXT:
        return reading
    if spec.kind is FieldKind.IDENTIFIER:
        return scalars.best(labels, spec.name, FieldKind.TEXT)
    return None


def read_own_list(layout: Layout, document_type: str, spec: FieldSpec) -> list[Entry]:
    """A table whose headings are the users' own words."""
    concept = concept_of(spec)
    columns = Lexicon(concept.children)
    return list_entries(layout, concept, columns, lexicon_of(document_type)).entries
