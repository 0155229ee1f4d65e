"""Résumés: the person from the head of the page, positions and education from their sections."""

import re

from ingestio.domain.fields import FieldKind
from ingestio.extraction.catalogue import DOCUMENT_TYPES
from ingestio.extraction.dates import FoundDate, find_months
from ingestio.extraction.layout import Cell, Layout, plain
from ingestio.extraction.local.blocks import has_legal_form
from ingestio.extraction.local.labels import Labels, lexicon_of
from ingestio.extraction.local.reading import Entry, Found, Piece, Reading, of_span
from ingestio.extraction.local.resume_person import PARTS, POSITION, add_person, head_of
from ingestio.extraction.local.sections import Section, sections_of
from ingestio.extraction.local.vocabulary import any_of
from ingestio.extraction.values import find_emails

_PRESENT = re.compile(rf"\b{any_of('resume', 'present')}\b", re.IGNORECASE)
_BULLET = re.compile(r"^\s*[•·▪●○◦‣∙*–—-]\s*")
_SCHOOL = re.compile(rf"{any_of('resume', 'school')}", re.IGNORECASE)
_DEGREE = re.compile(rf"\b{any_of('resume', 'degree')}\b\.?", re.IGNORECASE)
_SPLIT = re.compile(r"\s*[,;|•·/]\s+|\s*[|•;]\s*|\u2003+|\s·\s")
_SUMMARY_LINES = 40
# Lists that are written as words with commas between them; of the others each line is an entry.
_ENUMERATED = frozenset({"skills", "languages", "interests"})


def read_resume(layout: Layout) -> tuple[Found, dict[str, list[Entry]]]:
    """Readings by concept; work, education and the plain lists."""
    sections = sections_of(layout, "resume")
    labels = Labels(layout, lexicon_of("resume"))
    found: Found = {}
    top = head_of(layout, sections)
    add_person(found, layout, labels, top, sections)
    for section in sections:
        if section.name in ("work", "education"):
            break  # what is called a presentation further down was one
        told = section.rows and not any(find_emails(cell.text) for cell in section.cells)
        if section.name == "summary" and "summary" not in found and told:
            found["summary"] = _text_of(section.rows[:_SUMMARY_LINES])
    lists: dict[str, list[Entry]] = {
        "work": [entry for each in sections if each.name == "work" for entry in _positions(each)],
        "education": [entry for each in sections if each.name == "education" for entry in _educations(each)],
    }
    plain_lists = [each for each in DOCUMENT_TYPES["resume"].concepts if each.spec.kind is FieldKind.LIST]
    for name in (each.name for each in plain_lists if each.name not in lists):
        lists[name] = [
            {"": reading}
            for each in sections
            if each.name == name
            for reading in _items(each, by_line=name not in _ENUMERATED)
        ]
    return found, {name: entries for name, entries in lists.items() if entries}


def _text_of(rows: list[list[Cell]]) -> Reading:
    pieces: list[Piece] = []
    parts: list[str] = []
    for row in rows:
        for cell in row:
            match = _BULLET.match(cell.text)
            start = match.end() if match else 0
            if plain(cell.text[start:]):
                pieces.append((cell, start, len(cell.text)))
                parts.append(plain(cell.text[start:]))
    return Reading(" ".join(parts), tuple(pieces), 0.8)


def _dated_rows(section: Section) -> list[tuple[int, list[tuple[Cell, FoundDate]], bool]]:
    """Rows with a date or a range of dates: their number, the dates, and whether the last one is the present."""
    found: list[tuple[int, list[tuple[Cell, FoundDate]], bool]] = []
    for number, row in enumerate(section.rows):
        if _BULLET.match(row[0].text) and len(row[0].words) > 3:
            continue
        dates = [(cell, date) for cell in row for date in find_months(cell.text)]
        words = sum(len(cell.words) for cell in row)
        present = any(_PRESENT.search(cell.text) for cell in row)
        if dates and words <= 22 and (len(dates) >= 2 or present or words <= 14):
            found.append((number, dates[:2], present and len(dates) == 1))
    return found


def _blocks(section: Section) -> list[tuple[list[list[Cell]], list[tuple[Cell, FoundDate]], bool, int]]:
    """The rows of each entry, with its dates and the number of the dated row among them.

    An entry begins with its dated row, or with the line above it when that belongs to no earlier entry's text.
    """
    dated = _dated_rows(section)
    starts: list[int] = []
    for index, (number, _, _) in enumerate(dated):
        previous = dated[index - 1][0] if index else -1
        start = number
        alone = not _rest_of(section.rows[number])
        while start - 1 > previous and (alone or index == 0 or start == number) and _is_head_line(section, start - 1):
            start -= 1
            if number - start >= 2:
                break
        starts.append(start)
    blocks: list[tuple[list[list[Cell]], list[tuple[Cell, FoundDate]], bool, int]] = []
    for index, (number, dates, present) in enumerate(dated):
        end = starts[index + 1] if index + 1 < len(starts) else len(section.rows)
        blocks.append((section.rows[starts[index] : end], dates, present, number - starts[index]))
    return blocks


def _rest_of(row: list[Cell]) -> str:
    """A row's text without its dates."""
    return " ".join(_without_dates(cell)[0] for cell in row).strip()


def _is_head_line(section: Section, number: int) -> bool:
    """Whether a row above a dated one is its headline: short, no bullet, no sentence, set close to it."""
    row, below = section.rows[number], section.rows[number + 1]
    text = plain(" ".join(cell.text for cell in row))
    gap = below[0].box[1] - row[0].box[3]
    if (
        _BULLET.match(text)
        or text.endswith((".", ";", ","))
        or len(text.split()) > 10
        or gap > 0.8 * row[0].height
        or row[0].page != below[0].page
    ):
        return False
    if number == 0:
        return True
    above = section.rows[number - 1]
    return (
        row[0].page != above[0].page
        or row[0].box[1] - above[0].box[3] > gap + 1.5
        or row[0].height > 1.04 * above[0].height
    )


def _without_dates(cell: Cell) -> tuple[str, int, int]:
    """The part of a cell's text that is not its dates: before them, else behind them."""
    text = cell.text
    dates = find_months(text)
    present = _PRESENT.search(text)
    if not dates:
        if present and len(cell.words) <= 4:
            return "", 0, 0
        return text, 0, len(text)
    end = max([dates[-1].end, present.end() if present else 0])
    before = text[: dates[0].start].rstrip(" \u2003,|–—-(:·•")
    after_at = end + len(text[end:]) - len(text[end:].lstrip(" \u2003,|–—-):·•"))
    if before.strip():
        return before, 0, len(before)
    return text[after_at:], after_at, len(text)


def _dates_into(entry: Entry, dates: list[tuple[Cell, FoundDate]], present: bool, *, single_is_end: bool) -> None:
    readings = [of_span(cell, date.start, date.end, date.value) for cell, date in dates]
    if len(readings) >= 2 and readings[0].value <= readings[1].value:
        entry["start_date"], entry["end_date"] = readings[0], readings[1]
    elif present or not single_is_end:
        entry["start_date"] = readings[0]
    else:
        entry["end_date"] = readings[0]


def _headings(rows: list[list[Cell]], most: int) -> tuple[list[Reading], int]:
    """The short lines with which an entry begins, split at separators, and how many rows they took."""
    parts: list[Reading] = []
    used = 0
    for row in rows[: most + 1]:
        first = row[0]
        if _BULLET.match(first.text) or (used and (len(_rest_of(row).split()) > 10 or plain(first.text).endswith("."))):
            break
        if used >= most and parts:
            break
        used += 1
        for cell in row:
            text, start, _ = _without_dates(cell)
            position = start
            for part in re.split(f"({PARTS.pattern})", text):
                value = part.strip(" ,\u2003")
                if value and not PARTS.fullmatch(part) and any(char.isalpha() for char in value):
                    at = position + part.find(value)
                    parts.append(of_span(cell, at, at + len(value), score=0.75))
                position += len(part)
    return parts, used


def _positions(section: Section) -> list[Entry]:
    entries: list[Entry] = []
    for rows, dates, present, _ in _blocks(section):
        entry: Entry = {}
        _dates_into(entry, dates, present, single_is_end=False)
        heads, used = _headings(rows, 2)
        _name_and_position(entry, heads)
        rest = rows[used:]
        if rest:
            entry["summary"] = _text_of(rest)
        if "name" in entry or "position" in entry:
            entries.append(entry)
    return entries


def _name_and_position(entry: Entry, heads: list[Reading]) -> None:
    """Which of the headline's parts is the position, which the company; a place behind the company is cut off."""
    if not heads:
        return
    position = next((each for each in heads if POSITION.search(each.value)), None)
    if position is not None and " at " in position.value and len(heads) == 1:
        before, _, _ = position.value.partition(" at ")
        cell, start, end = position.pieces[0]
        at = cell.text.find(" at ", start)
        entry["position"] = of_span(cell, start, start + len(before), score=0.75)
        entry["name"] = of_span(cell, at + 4, end, score=0.75)
        return
    others = [each for each in heads if each is not position]
    company = next((each for each in others if has_legal_form(each.value)), None) or next(iter(others), None)
    if position is None and len(heads) >= 2:
        position, company = heads[0], heads[1]
    if position is not None and company is None and "," in position.value:
        cell, start, end = position.pieces[0]
        comma = cell.text.find(",", start)
        entry["position"] = of_span(cell, start, comma, score=0.7)
        entry["name"] = of_span(cell, comma + 1, end, score=0.6)
        return
    if position is not None:
        entry["position"] = position
    if company is not None:
        entry["name"] = _without_place(company)


def _without_place(company: Reading) -> Reading:
    """`Fjordlink Telecom AS, Oslo` without the town."""
    cell, start, _ = company.pieces[0]
    head, comma, tail = company.value.partition(", ")
    if not comma or len(tail.split()) > 4 or re.match(r"(?:Inc|LLC|Ltd|Limited|Corp)\b", tail):
        return company
    return (
        of_span(cell, start, start + len(head), score=company.score)
        if cell.text[start : start + len(head)] == head
        else company
    )


def _educations(section: Section) -> list[Entry]:
    entries: list[Entry] = []
    for rows, dates, present, _ in _blocks(section):
        entry: Entry = {}
        _dates_into(entry, dates, present, single_is_end=True)
        heads, _ = _headings(rows, 2)
        school = next((each for each in heads if _SCHOOL.search(each.value)), None)
        degree = next((each for each in heads if _DEGREE.search(each.value) and each is not school), None)
        others = [each for each in heads if each is not school and each is not degree]
        if school is not None and degree is None and _DEGREE.search(school.value) and "," in school.value:
            degree, school = _split_at_school(school)
        if degree is None and others:
            degree = others[0]
        if school is None:
            school = next((each for each in others if each is not degree), None)
        if school is not None:
            entry["institution"] = _without_place(school)
        if degree is not None:
            entry["study_type"] = degree
        if "institution" in entry or "study_type" in entry:
            entries.append(entry)
    return entries


def _split_at_school(both: Reading) -> tuple[Reading | None, Reading]:
    """`BSc Mathematics, University of Nordfold` in its two parts."""
    cell, start, end = both.pieces[0]
    position = start
    for part in cell.text[start:end].split(", "):
        if _SCHOOL.search(part):
            before = cell.text[start : max(start, position - 2)].strip(" ,")
            degree = of_span(cell, start, start + len(before), score=0.7) if before else None
            return degree, of_span(cell, position, position + len(part), score=0.7)
        position += len(part) + 2
    return None, both


def _items(section: Section, *, by_line: bool) -> list[Reading]:
    """The entries of a list: one a line, or split at commas and bullets; `Tools: Git, Docker` without its head."""
    found: dict[str, Reading] = {}
    for cell in section.cells:
        match = _BULLET.match(cell.text)
        start = match.end() if match else 0
        head = re.match(r"[^,:;|]{2,40}:\s+(?=\S)", cell.text[start:])
        start += head.end() if head and not by_line else 0
        text = cell.text[start:]
        position = start
        for part in [text] if by_line else _outside_brackets(text):
            value = part.strip(" ,.;\u2003")
            if value and any(char.isalnum() for char in value) and len(value) <= 80:
                at = position + part.find(value)
                found.setdefault(value.casefold(), of_span(cell, at, at + len(value), score=0.8))
            position += len(part)
    return list(found.values())


def _outside_brackets(text: str) -> list[str]:
    """The text cut at its separators, but not inside of brackets; separators stay at the ends, so that lengths add up."""
    hidden = re.sub(r"\([^()]*\)", lambda match: "x" * len(match.group()), text)
    parts: list[str] = []
    position = 0
    for match in _SPLIT.finditer(hidden):
        parts.append(text[position : match.end()])
        position = match.end()
    parts.append(text[position:])
    return [part for part in parts if part]
