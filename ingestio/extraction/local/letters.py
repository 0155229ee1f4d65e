"""Letters: letterhead, addressee, date, subject, salutation, body and signature."""

import re
from dataclasses import replace

from ingestio.domain.fields import FieldKind
from ingestio.extraction.layout import Cell, Layout, plain
from ingestio.extraction.local import scalars
from ingestio.extraction.local.blocks import could_be_name, is_contact_line, is_street_line, is_town_line
from ingestio.extraction.local.labels import Labels, lexicon_of
from ingestio.extraction.local.parties import Parties, Party
from ingestio.extraction.local.reading import Entry, Found, Reading, of_cells, of_span
from ingestio.extraction.local.vocabulary import any_of

_SALUTATION = re.compile(rf"^{any_of('letter', 'salutation')}", re.IGNORECASE)
_CLOSING = re.compile(rf"^{any_of('letter', 'closing')}", re.IGNORECASE)
_MAX_BODY = 400


def read_letter(layout: Layout) -> tuple[Found, dict[str, list[Entry]]]:
    """Readings by concept; letters have no lists."""
    labels = Labels(layout, lexicon_of("letter"))
    found: Found = {}
    if not layout.sheets:
        return found, {}
    salutation = next((cell for cell in layout.cells if _SALUTATION.match(cell.text) and len(cell.words) <= 10), None)
    closings = [cell for cell in layout.cells if _CLOSING.match(cell.text) and len(cell.words) <= 14]
    closing = next((cell for cell in closings if salutation is None or cell.index > salutation.index), None)
    _parties(found, labels, salutation)
    for concept, kind in (
        ("reference", FieldKind.IDENTIFIER),
        ("subject", FieldKind.TEXT),
        ("letter_date", FieldKind.DATE),
    ):
        labelled = [
            each
            for each in scalars.candidates(labels, concept, kind)
            if each.label.leading and _before(each.label.cell, salutation, layout)
        ]
        strong = [each for each in labelled if kind is not FieldKind.TEXT or each.label.closed]
        if strong:
            found[concept] = strong[0].reading
    if "letter_date" not in found:
        date = _date(layout, salutation)
        if date is not None:
            found["letter_date"] = date
    if salutation is not None:
        found["salutation"] = of_cells([salutation])
        if "subject" not in found:
            subject = _subject(layout, salutation)
            if subject is not None:
                found["subject"] = subject
        body = _body(layout, salutation, closing, found.get("subject"))
        if body is not None:
            found["body"] = body
    if closing is not None:
        found["closing"] = of_cells([closing])
        signatory = _signatory(layout, closing)
        if signatory is not None:
            found["signatory"] = signatory
    return found, {}


def _before(cell: Cell, salutation: Cell | None, layout: Layout) -> bool:
    if salutation is None:
        return cell.page == 1 and cell.middle < 0.5 * layout.sheets[0].height
    return cell.page == salutation.page and cell.middle < salutation.middle + 2.5 * salutation.height


def _parties(found: Found, labels: Labels, salutation: Cell | None) -> None:
    parties = Parties(labels)
    sender = next(iter(parties.labelled(["sender_name"])), None) or next(iter(parties.senders(None)), None)
    recipient = next(iter(parties.labelled(["recipient_name"])), None)
    if recipient is None or recipient.score < 0.6:
        above = [
            each
            for each in parties.recipients(sender)
            if salutation is None or each.name.cell.middle < salutation.middle
        ]
        recipient = next(iter(above), None) or recipient
    if recipient is not None and sender is not None and sender.name.cell in recipient.cells and not sender.labelled:
        others = [each for each in parties.senders(recipient) if each.name.cell not in recipient.cells]
        sender = next(iter(others), None)
    if sender is not None and recipient is not None and not sender.labelled and _stands_above(recipient, sender):
        sender, recipient = recipient, sender  # of two addresses below each other the upper one writes
    for role, party in (("sender", sender), ("recipient", recipient)):
        if party is not None:
            found[f"{role}_name"] = replace(party.name, score=min(1.0, party.score))
            address = parties.address_of(party) or _address_beside(party)
            if address is not None:
                found[f"{role}_address"] = address


def _stands_above(first: Party, second: Party) -> bool:
    """Whether both are blocks of one column at the head of the page, `first` over `second`."""
    one, other = first.name.cell, second.name.cell
    return (
        not first.labelled
        and one.page == other.page == 1
        and abs(one.box[0] - other.box[0]) < 6
        and 0 < other.box[1] - one.box[1] < 14 * one.height
    )


def _address_beside(party: Party) -> Reading | None:
    """A letterhead's address on one line below the name: `The Old Toll House · Much Wenlock · TF99 6AB`."""
    for cell in party.cells:
        text = plain(cell.text)
        if cell is not party.name.cell and is_town_line(text) and not is_contact_line(text):
            parts = [part.strip() for part in re.split(r"\s*[·|•]\s*", text) if part.strip()]
            return Reading(", ".join(parts), ((cell, 0, len(cell.text)),), 0.7)
    return None


def _date(layout: Layout, salutation: Cell | None) -> Reading | None:
    """The first date above the salutation that stands alone or behind a place."""
    for cell in layout.sheets[0].cells:
        if not _before(cell, salutation, layout) or len(cell.words) > 7:
            continue
        for date in cell.dates[:1]:
            return of_span(cell, date.start, date.end, date.value, 0.8)
    return None


def _subject(layout: Layout, salutation: Cell) -> Reading | None:
    """A heading of its own: the line below the salutation (British), or the last one above it (German, French)."""
    below = next(iter(layout.below(salutation, reach=2.5)), None)
    if below is not None and _is_heading(below, layout):
        return of_cells([below], score=0.75)
    for cell in layout.above(salutation, reach=4.0):
        if (
            abs(cell.box[0] - salutation.box[0]) < 4
            and _is_heading(cell, layout)
            and not (is_town_line(cell.text) or is_street_line(cell.text))
        ):
            return of_cells([cell], score=0.65) if not cell.dates else None
        if cell.dates or is_town_line(cell.text):
            return None
    return None


def _is_heading(cell: Cell, layout: Layout) -> bool:
    text = plain(cell.text)
    width = layout.sheet(cell).width
    return (
        2 <= len(cell.words) <= 16
        and not text.endswith((".", ",", ":", ";", "!"))
        and text[:1].isupper()
        and cell.box[2] < 0.82 * width
        and not could_be_contact(text)
    )


def could_be_contact(text: str) -> bool:
    """Telephone, web and the like."""
    return is_contact_line(text)


def _body(layout: Layout, salutation: Cell, closing: Cell | None, subject: Reading | None) -> Reading | None:
    end = closing.index if closing is not None else len(layout.cells)
    skipped = {piece[0].index for piece in subject.pieces} if subject is not None else set()
    cells = [
        cell
        for cell in layout.cells[salutation.index + 1 : end]
        if cell.index not in skipped and any(char.isalpha() for char in cell.text)
    ][:_MAX_BODY]
    return of_cells(cells, score=0.8) if cells else None


def _signatory(layout: Layout, closing: Cell) -> Reading | None:
    """The first line below the closing that reads as a name; a signature's image may lie between."""
    for cell in layout.below(closing, reach=9.0):
        text = plain(cell.text).strip(" ,")
        if could_be_name(text) and len(text.split()) <= 6 and not _CLOSING.match(text):
            return of_cells([cell], score=0.8)
        if len(cell.words) > 8:
            return None
    return None
