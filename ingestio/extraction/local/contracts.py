"""Contracts: parties, dates, term, law and signatures, from the sentences in which contracts say them."""

import re
from dataclasses import replace

from ingestio.domain.fields import FieldKind
from ingestio.extraction.amounts import as_amount, find_numbers
from ingestio.extraction.catalogue import DOCUMENT_TYPES
from ingestio.extraction.dates import find_dates
from ingestio.extraction.layout import Layout, plain
from ingestio.extraction.local import scalars
from ingestio.extraction.local.contract_parties import parties_of, signatories_of
from ingestio.extraction.local.labels import Labels, lexicon_of
from ingestio.extraction.local.money import read_currency
from ingestio.extraction.local.prose import Prose, heads_of, title_of
from ingestio.extraction.local.reading import Entry, Found, Reading, of_cells
from ingestio.extraction.local.vocabulary import any_of, words

_NUMBER = any_of("contract", "number")
_UNIT = r"(?:calendar\s|full\s|consecutive\s|business\s)?" + any_of("contract", "duration_unit")
_DURATION = re.compile(rf"(?<![^\W_]){_NUMBER}\s?(?:\(\s?\w[\w\s-]*\))?[\s-]*{_UNIT}(?![^\W_])['’]?", re.IGNORECASE)
_OF_TERM = re.compile(rf"\b{any_of('contract', 'of_term')}\b", re.IGNORECASE)
_OF_WHOLE_TERM = re.compile(rf"\b{any_of('contract', 'of_whole_term')}", re.IGNORECASE)
_OF_A_DUTY = re.compile(rf"\b{any_of('contract', 'of_a_duty')}\b", re.IGNORECASE)
_NOT_OF_TERM = re.compile(rf"\b{any_of('contract', 'not_of_term')}\b", re.IGNORECASE)
# How long somebody may not compete is no term of the agreement.
_OF_COMPETING = re.compile(r"\b(?:not compete|competing|solicit)", re.IGNORECASE)
_OF_CONFIDENCE = re.compile(
    r"\b(?:obligations?|confidentiality|agreement|vertrag|accord|acuerdo|accordo|overeenkomst|acordo|vereinbarung)\b",
    re.IGNORECASE,
)
_OF_NOTICE = re.compile(rf"\b{any_of('contract', 'of_notice')}\b", re.IGNORECASE)
_OF_RENEWAL = re.compile(rf"\b{any_of('contract', 'of_renewal')}\b", re.IGNORECASE)
_LAW = tuple(map(re.compile, words("contract", "law")))
_COURTS = tuple(map(re.compile, words("contract", "courts")))
_EFFECTIVE = re.compile(rf"\b{any_of('contract', 'effective')}\s", re.IGNORECASE)
_SIGNED = re.compile(rf"\b{any_of('contract', 'signed')}\s", re.IGNORECASE)
_EXPIRES = re.compile(rf"\b{any_of('contract', 'expires')}\s", re.IGNORECASE)
_DATE_IS_EFFECTIVE = re.compile(
    r"^\s*,?\s*\(?\s*(?:the|this|„|hereinafter(?: referred to as)?)?\s*[“\"'(]?\s*(?:the\s)?[“\"']?"
    r"(?:Effective Date|Commencement Date|Start Date)",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"(?:(?!,|;|\b(?:and|und|et|y|e|en|unless|after which)\b).)*", re.DOTALL)
_FOR_TIME = re.compile(r"\b(?:period|from|after|for|während|für|pendant|durante|gedurende)\b", re.IGNORECASE)
_FEE = re.compile(rf"\b{any_of('contract', 'fee')}\b[^.;]{{0,60}}$", re.IGNORECASE)
_CONTRACT_WORDS = frozenset(words("contract", "title_words"))


def read_contract(layout: Layout) -> tuple[Found, dict[str, list[Entry]]]:
    """Readings by concept; parties and signatories as lists."""
    kind = DOCUMENT_TYPES["contract"]
    labels, prose = Labels(layout, lexicon_of("contract")), Prose(layout)
    found: Found = {}
    for concept in kind.concepts:
        if concept.spec.kind is not FieldKind.LIST and concept.name not in ("title", "currency"):
            _put(found, concept.name, _closed(labels, concept.name, concept.spec.kind))
    _put(found, "title", _title(layout))
    _dates(found, prose)
    _durations(found, prose)
    for name, patterns, group in (("governing_law", _LAW, "law"), ("jurisdiction", _COURTS, "court")):
        if name not in found:
            _put(found, name, next(filter(None, (prose.search(pattern, group) for pattern in patterns)), None))
    if "contract_value" not in found:
        _put(found, "contract_value", _value(prose))
    if "contract_value" in found:
        _put(found, "currency", read_currency(labels, {"contract_value": found["contract_value"]}))
    lists = {"parties": parties_of(layout, prose), "signatories": signatories_of(layout)}
    return found, {name: entries for name, entries in lists.items() if entries}


def _put(found: Found, name: str, reading: Reading | None) -> None:
    if reading is not None:
        found[name] = reading


def _closed(labels: Labels, concept: str, kind: FieldKind) -> Reading | None:
    """In prose only a label with a colon, or one that fills its cell, is a label."""
    for candidate in scalars.candidates(labels, concept, kind):
        label = candidate.label
        if label.leading and (label.closed or (label.fills_cell and candidate.relation == "right")):
            if kind is FieldKind.TEXT and len(candidate.reading.value.split()) > 12:
                continue
            return candidate.reading
    return None


def _title(layout: Layout) -> Reading | None:
    """The heading with a contract's word in it; else the largest one."""
    heads = heads_of(layout)
    for cell in heads:
        keys = {token.key for token in cell.tokens}
        if len(cell.words) <= 12 and (
            keys & _CONTRACT_WORDS or any(key.endswith(("vertrag", "vereinbarung", "overeenkomst")) for key in keys)
        ):
            if cell.text.rstrip().endswith((".", ",", ";")) or any(char.isdigit() for char in cell.text):
                continue
            return of_cells([cell], score=0.85)
    return title_of(layout)


def _dates(found: Found, prose: Prose) -> None:
    text = prose.text
    all_dates = find_dates(text, prose.layout.habits.date_order)
    for date in all_dates:
        before, after = text[max(0, date.start - 70) : date.start], text[date.end : date.end + 60]
        reading = prose.reading(date.start, date.end, date.value)
        if _DATE_IS_EFFECTIVE.match(after) or _ends_with(_EFFECTIVE, before):
            found.setdefault("effective_date", reading)
        elif _ends_with(_EXPIRES, before):
            found.setdefault("expiration_date", reading)
        if _ends_with(_SIGNED, before) and date.start < 3000:
            found.setdefault("signing_date", reading)
    if "effective_date" not in found and "signing_date" not in found and all_dates and all_dates[0].start < 1500:
        date = all_dates[0]
        found["signing_date"] = prose.reading(date.start, date.end, date.value, 0.6)
    if "effective_date" not in found and "signing_date" in found:
        # An agreement that names no other day applies from the day on which it is made.
        of_that_day = re.search(r"\bas of\s*$", text[: _offset(prose, found["signing_date"])][-20:])
        found["effective_date"] = found["signing_date"] if of_that_day else replace(found["signing_date"], score=0.5)


def _offset(prose: Prose, reading: Reading) -> int:
    quote = plain(reading.cell.text[reading.pieces[0][1] : reading.pieces[0][2]])
    return max(0, prose.text.find(quote))


def _ends_with(pattern: re.Pattern[str], before: str) -> bool:
    """Whether the last match of a pattern reaches (nearly) to the end: `effective as of` + date, a weekday in between at most."""
    matches = list(pattern.finditer(before))
    return bool(matches) and len(before) - matches[-1].end() <= 14


def _durations(found: Found, prose: Prose) -> None:
    """Term, notice and renewal: durations told apart by the words of their sentence."""
    text = prose.text
    terms: list[tuple[int, Reading]] = []
    for start, end in prose.sentences:
        sentence = text[start:end]
        for match in _DURATION.finditer(sentence):
            before = sentence[max(0, match.start() - 160) : match.start()]
            near = sentence[max(0, match.start() - 60) : match.end() + 60]
            # `for three years and renews thereafter`: what follows speaks of another time.
            own = sentence[max(0, match.start() - 60) : match.end()] + _CLAUSE.match(sentence[match.end() :])[0][:60]  # type: ignore[index]
            reading = prose.reading(start + match.start(), start + match.end())
            if _OF_RENEWAL.search(before):
                found.setdefault("renewal", reading)
            elif _OF_NOTICE.search(near):
                found.setdefault("notice_period", reading)
            elif (_OF_TERM.search(before) or _OF_WHOLE_TERM.search(before)) and not _NOT_OF_TERM.search(own):
                whole = bool(_OF_WHOLE_TERM.search(before))
                if whole or not _OF_COMPETING.search(sentence):
                    terms.append((2 * whole - bool(_OF_A_DUTY.search(sentence)), reading))
    if terms:
        found.setdefault("term", max(terms, key=lambda each: each[0])[1])  # of equal ones the first
    if "term" in found:
        return
    for start, end in prose.sentences:
        sentence = text[start:end]
        for match in _DURATION.finditer(sentence):
            near = sentence[max(0, match.start() - 60) : match.end() + 60]
            of_agreement = _OF_CONFIDENCE.search(sentence) and _FOR_TIME.search(sentence[: match.start()])
            # What a duty of confidence outlives is the agreement: how long is the only term that such an agreement has.
            aside = re.sub(r"surviv\w*", "", near, flags=re.IGNORECASE)
            if of_agreement and not _NOT_OF_TERM.search(aside):
                found["term"] = prose.reading(start + match.start(), start + match.end(), score=0.6)
                return


def _value(prose: Prose) -> Reading | None:
    for number in find_numbers(prose.text, prose.layout.habits.decimal_sign):
        if number.currency and _FEE.search(prose.text[max(0, number.start - 90) : number.start]):
            return prose.reading(number.start, number.end, as_amount(number.value), 0.7)
    return None
