"""Contracts: parties, dates, term, law and signatures, from the sentences in which contracts say them."""

import re

from ingestio.domain.fields import FieldKind
from ingestio.extraction.amounts import as_amount, find_numbers
from ingestio.extraction.catalogue import DOCUMENT_TYPES
from ingestio.extraction.dates import find_dates
from ingestio.extraction.layout import Layout, plain
from ingestio.extraction.local import scalars
from ingestio.extraction.local.blocks import LEGAL_FORM, could_be_name, has_legal_form
from ingestio.extraction.local.labels import Labels, lexicon_of
from ingestio.extraction.local.money import read_currency
from ingestio.extraction.local.prose import Prose, heads_of, title_of
from ingestio.extraction.local.reading import Entry, Found, Reading, of_cells, of_span

_NUMBER = (
    r"(?:\d{1,3}|(?:twenty|thirty|forty|fifty|sixty|ninety)(?:[-\s](?:one|two|three|four|five|six|seven|eight|nine))?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|"
    r"eighteen|fifteen|einem?|einer|ein|zwei|drei|vier|fünf|sechs|zwölf|un|une|deux|trois|quatre|cinq|six|douze|uno?|una|dos|tres|cuatro|cinco|seis|doce|due|tre|quattro|cinque|sei|dodici|"
    r"een|twee|drie|vier|vijf|zes|twaalf|um|uma|dois|duas|três|quatro|doze)"
)
_UNIT = (
    r"(?:calendar\s|full\s|consecutive\s|business\s)?(?:years?|months?|weeks?|days?|Jahren?|Jahr|Monaten?|Monat|Wochen?|Tagen?|ans?|années?|mois|semaines?|jours?|años?|mes(?:es)?|semanas?|días?|"
    r"ann[oi]|mes[ei]|settimane?|giorn[oi]|jaar|jaren|maand(?:en)?|weken|week|dagen|anos?|mês|meses|dias?)"
)
_DURATION = re.compile(rf"(?<![^\W_]){_NUMBER}\s?(?:\(\s?\w[\w\s-]*\))?[\s-]*{_UNIT}(?![^\W_])['’]?", re.IGNORECASE)
_OF_TERM = re.compile(
    r"\b(?:term|duration|initial period|period of this|remain(?:s)? in (?:full )?(?:force|effect)|shall continue|continues? for|in effect for|expires?|for a period of|valid for|"
    r"laufzeit|vertragsdauer|läuft|abgeschlossen für|für die dauer|geschlossen für|befristet|durée|conclu pour|duración|plazo|vigencia|durata|looptijd|duur|aangegaan voor|duração|prazo|vigência)\b",
    re.IGNORECASE,
)
_NOT_OF_TERM = re.compile(
    r"\b(?:notice|surviv\w*|invoice|payable|payment|cure|breach|remed\w*|interest|renew\w*|warranty|kündig\w*|frist|rechnung|preavis|préavis|renouvel\w*|reconduc\w*|preaviso|renov\w*|prórroga|preavviso|rinnov\w*|"
    r"opzeg\w*|verleng\w*|aviso|verlänger\w*)\b",
    re.IGNORECASE,
)
_OF_CONFIDENCE = re.compile(
    r"\b(?:obligations?|confidentiality|agreement|vertrag|accord|acuerdo|accordo|overeenkomst|acordo|vereinbarung)\b",
    re.IGNORECASE,
)
_OF_NOTICE = re.compile(
    r"\b(?:notice|kündigungsfrist|frist von|kündig\w*|préavis|preaviso|preavviso|opzegtermijn|opzeg\w*|aviso prévio|pré-aviso)\b",
    re.IGNORECASE,
)
_OF_RENEWAL = re.compile(
    r"\b(?:renew\w*|verlänger\w*|renouvel\w*|reconduc\w*|prorrog\w*|renov\w*|rinnov\w*|verleng\w*)\b", re.IGNORECASE
)
_LAW = (
    re.compile(
        r"(?:governed by|construed (?:in accordance with|under)|subject to)[^.;]{0,90}?\b(?:the\s)?(?:internal |substantive |domestic )?laws?\s(?:and \w+ )?(?:of|in force in)\s(?:the\s)?(?P<law>[A-Z][\w’'-]*(?:\s(?:of|and|the|[A-Z][\w’'-]*))*)"
    ),
    re.compile(
        r"(?:governed by|construed (?:in accordance with|under)|subject to)[^.;]{0,60}?\b(?:the\s)?(?P<law>[A-Z][a-z]+(?:\s[A-Z][a-z]+)?)\slaws?\b"
    ),
    re.compile(
        r"\b(?P<law>[Dd]eutsches|[ÖöOo]sterreichisches|[Ss]chweizer(?:isches)?)\s+(?:materielle[sn]?\s)?Recht\b"
    ),
    re.compile(
        r"\b(?:gilt|findet|unterliegt)[^.;]{0,60}?\bdas\s(?:materielle\s)?Recht\s(?:der|von)\s(?P<law>[A-ZÄÖÜ][\w-]*(?:\s(?:und|[A-ZÄÖÜ][\w-]*))*)"
    ),
    re.compile(
        r"\b(?:régi|soumis|gouverné)[^.;]{0,50}?\b(?:au |par (?:le|la) |à la )?(?:droit|loi)\s(?P<law>[a-zA-Zéèç]+(?:e|s)?)"
    ),
    re.compile(
        r"\b(?:regir[áa]|rige|sometid[oa]|regulad[oa])[^.;]{0,60}?\b(?:ley(?:es)?|legislación|derecho)\s(?:de\s)?(?P<law>[A-Za-zñáéíóú]+)"
    ),
    re.compile(
        r"\b(?:regolat[oa]|disciplinat[oa]|soggett[oa])[^.;]{0,60}?\b(?:legge|leggi|diritto)\s(?:dell[a'’]\s?|d'|di\s)?(?P<law>[A-Za-zàèìòù]+)"
    ),
    re.compile(r"\b(?P<law>[Nn]ederlands|[Bb]elgisch)\srecht\b"),
    re.compile(r"\b(?:regid[oa]|regulad[oa]|rege)[^.;]{0,60}?\b(?:leis?|legislação)\s(?P<law>[a-zçãéíóú]+)"),
)
_COURTS = (
    re.compile(
        r"\b(?:exclusive |non-exclusive )?jurisdiction of the\s(?P<court>(?:[\w]+\s){0,4}?courts?\s(?:of|in|located in|sitting in)\s[^.;,]{3,80})"
    ),
    re.compile(
        r"\b[Tt]he\s(?P<court>(?:[\w]+\s){0,3}?courts?\s(?:of|in|located in)\s[^.;,]{3,60}?)\s(?:shall\s)?(?:have|has)\s(?:exclusive |non-exclusive |sole )?jurisdiction"
    ),
    re.compile(
        r"\b(?:venue|jurisdiction)\s(?:shall be|is|lies)\s(?:exclusively\s)?(?:in\s)?(?P<court>[A-Z][^.;]{3,60})"
    ),
    re.compile(
        r"Gerichtsstand[^.;]{0,80}?\bist\s(?:ausschließlich\s)?(?P<court>[A-ZÄÖÜ][\w.-]*(?:\s(?:am|an|der|[A-ZÄÖÜ][\w.-]*))*)"
    ),
    re.compile(r"\b(?P<court>[Tt]ribuna(?:l|ux)\s(?:de|d'|du)\s[^.;,]{3,50})"),
    re.compile(r"\b(?P<court>(?:juzgados y )?[Tt]ribunales de\s[^.;,]{3,40})"),
    re.compile(r"\b[Ff]oro\s(?:competente\s)?(?:esclusivo\s)?(?:di|da|sarà quello di)\s(?P<court>[^.;,]{3,40})"),
    re.compile(r"\b(?P<court>[Rr]echtbank\s[^.;,]{3,40})"),
)
_EFFECTIVE = re.compile(
    r"\b(?:effective (?:as of|from|on|date[:\s])|with effect from|commenc\w+ on|commencing|begins? on|starts? on|effective|mit wirkung (?:zum|vom|ab)|tritt am|beginnt am|ab dem|à compter du|prend effet (?:le|au)|"
    r"entre en vigueur le|a partir del?|entrará en vigor el|con efectos? (?:desde|de)|a decorrere dal|con decorrenza dal|met ingang van|gaat in op|treedt in werking op|com início em|a partir de|produz efeitos a)\s",
    re.IGNORECASE,
)
_SIGNED = re.compile(
    r"\b(?:(?:made|entered into|executed|dated|signed|concluded)(?: and \w+(?: into)?)?(?: as of| on| this| the| by and between)*|geschlossen am|vom|fait (?:à|le)[^,]{0,30},? ?le|firmado[^,]{0,30}|"
    r"sottoscritto[^,]{0,30}|ondertekend[^,]{0,30}|celebrado[^,]{0,30})\s",
    re.IGNORECASE,
)
_EXPIRES = re.compile(
    r"\b(?:expir\w+ on|until|ending on|ends on|terminat\w+ on|through|end date[:\s]|endet am|bis zum|befristet bis|prend fin le|jusqu'au|expire le|finaliza(?:rá)? el|hasta el|terminará el|termina il|fino al|scade il|"
    r"eindigt op|tot en met|loopt tot|termina em|até)\s",
    re.IGNORECASE,
)
_DATE_IS_EFFECTIVE = re.compile(
    r"^\s*,?\s*\(?\s*(?:the|this|„|hereinafter(?: referred to as)?)?\s*[“\"'(]?\s*(?:the\s)?[“\"']?(?:Effective Date|Commencement Date|Start Date)",
    re.IGNORECASE,
)
_BETWEEN = re.compile(
    r"\b(?:by and between|by and among|between|among|zwischen|entre les soussignés|entre|tra|fra|tussen|reunidos|de una parte|outorgantes)\b\s*:?",
    re.IGNORECASE,
)
_PARTIES_END = re.compile(
    r"\b(?:WHEREAS|WITNESSETH|RECITALS?|BACKGROUND|NOW,? THEREFORE|agree as follows|Präambel|wird (?:folgender|folgendes)|Il a été convenu|EXPONEN|MANIFIESTAN|CLÁUSULAS|PREMESSO|si conviene|komen overeen|OVERWEGENDE|"
    r"CONSIDERANDO|The parties|§\s?1|(?:Article|Section|Clause|Artikel|Articolo|Artículo)\s1)\b|\s1\.\s(?=[A-ZÄÖÜ])"
)
# `(the “Client”)`, `(hereinafter "Licensor")`, `– nachfolgend „Auftraggeber“ genannt –`, `ci-après « le Prestataire »`.
_DEFINED = re.compile(
    r"[(\[–-]?\s*(?:(?:hereinafter|each|individually|collectively|together|herein|referred to as|called|the|a|an|as|nachfolgend|nachstehend|im folgenden|ci-après(?: dénommée?)?|en adelante|in (?:seguito|appresso)|di seguito|hierna(?: te noemen)?|"
    r"doravante|denominada?|auch|als|und|or|and|le|la|l['’]|el|il|de|o)[\s,:]*)*[“\"„«‘'][\s]?(?:the |der |die |le |la |el |il |de |o |a )?(?P<role>[A-ZÄÖÜÉ][\w\s/-]{1,40}?)[\s]?[”\"“»’'](?:\s*(?:or|and|und)\s*[“\"„][^”\"“]{2,30}[”\"“])?[^()\[\]]{0,40}?[)\]–-]?",
)
_ROLE_LABEL = re.compile(
    r"^(?:the\s)?(?P<role>disclosing party|receiving party|discloser|recipient|landlord|tenant|lessor|lessee|seller|buyer|purchaser|vendor|supplier|customer|client|contractor|consultant|service provider|provider|company|employer|employee|licensor|"
    r"licensee|borrower|lender|party [ab12]|auftraggeber(?:in)?|auftragnehmer(?:in)?|vermieter(?:in)?|mieter(?:in)?|verkäufer(?:in)?|käufer(?:in)?|arbeitgeber(?:in)?|arbeitnehmer(?:in)?|lizenzgeber|lizenznehmer|le prestataire|prestataire|le client|bailleur|"
    r"locataire|vendeur|acheteur|employeur|salarié|arrendador|arrendatario|vendedor|comprador|cliente|proveedor|locatore|conduttore|fornitore|committente|venditore|acquirente|verhuurder|huurder|opdrachtgever|opdrachtnemer|werkgever|"
    r"werknemer|senhorio|inquilino|arrendatário|prestador|contratante|contratada)\s*(?:name)?\s*:\s*(?P<name>\S.*)?$",
    re.IGNORECASE,
)
_NAME_END = re.compile(
    r",\s(?!(?:Inc|LLC|L\.L\.C|Ltd|Limited|LLP|PLC|Corp|S\.|GmbH)\b)|\s\(|;|\s[–-]\s|\b(?:whose|with (?:its|an?)|having|located|residing|a (?:company|corporation|limited|Delaware|registered)|an? [A-Z]\w+ (?:corporation|company|limited)|of [A-Z]?\d|mit sitz|"
    r"vertreten|ansässig|wohnhaft|dont le siège|représentée?|domiciliad[oa]|con domicilio|con sede|representad[oa]|gevestigd|vertegenwoordigd|com sede)\b"
)
_NAME_START = re.compile(
    r"^(?:and|und|et|y|e|en|the|on the one (?:hand|part)|on the other (?:hand|part)|of the (?:first|second|one|other) part|\(?[12ab]\)|\(?[iv]+\)|[12]\.|[,;:.)\]–-]|der|die|das|la société|la empresa|la sociedad|la società|de besloten vennootschap|firma|frau|herrn?|"
    r"mr\.?|mrs\.?|ms\.?|dr\.?)[\s,]*",
    re.IGNORECASE,
)
_FEE = re.compile(
    r"\b(?:fee|retainer|price|sum|amount|rent|salary|compensation|consideration|vergütung|miete|kaufpreis|gehalt|loyer|prix|montant|renta|precio|canone|prezzo|huurprijs|prijs|renda|preço)\b[^.;]{0,60}$",
    re.IGNORECASE,
)
_CONTRACT_WORDS = frozenset(
    "agreement contract vertrag vereinbarung contrat accord contrato acuerdo convenio contratto accordo overeenkomst acordo lease amendment memorandum terms".split(
        " "
    )
)


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
    lists = {"parties": _parties(layout, prose), "signatories": _signatories(layout)}
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
        words = {token.key for token in cell.tokens}
        if len(cell.words) <= 12 and (
            words & _CONTRACT_WORDS or any(key.endswith(("vertrag", "vereinbarung", "overeenkomst")) for key in words)
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
    if (
        "effective_date" not in found
        and "signing_date" in found
        and re.search(r"\bas of\s*$", text[: _offset(prose, found["signing_date"])][-20:])
    ):
        found["effective_date"] = found["signing_date"]


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
    for start, end in prose.sentences:
        sentence = text[start:end]
        for match in _DURATION.finditer(sentence):
            before = sentence[max(0, match.start() - 160) : match.start()]
            near = sentence[max(0, match.start() - 60) : match.end() + 60]
            reading = prose.reading(start + match.start(), start + match.end())
            if _OF_RENEWAL.search(before):
                found.setdefault("renewal", reading)
            elif _OF_NOTICE.search(near):
                found.setdefault("notice_period", reading)
            elif _OF_TERM.search(before) and not _NOT_OF_TERM.search(near):
                found.setdefault("term", reading)
    if "term" in found:
        return
    for start, end in prose.sentences:
        sentence = text[start:end]
        for match in _DURATION.finditer(sentence):
            if _OF_CONFIDENCE.search(sentence) and re.search(
                r"\b(?:period|from|after|for|während|für|pendant|durante|gedurende)\b",
                sentence[: match.start()],
                re.IGNORECASE,
            ):
                if not _NOT_OF_TERM.search(sentence[max(0, match.start() - 60) : match.end() + 60]):
                    found["term"] = prose.reading(start + match.start(), start + match.end(), score=0.6)
                    return


def _value(prose: Prose) -> Reading | None:
    for number in find_numbers(prose.text, prose.layout.habits.decimal_sign):
        if number.currency and _FEE.search(prose.text[max(0, number.start - 90) : number.start]):
            return prose.reading(number.start, number.end, as_amount(number.value), 0.7)
    return None


def _parties(layout: Layout, prose: Prose) -> list[Entry]:
    """Between `between` and the recitals; else labelled by role; else the firms of the signature blocks."""
    text = prose.text
    for opening in list(_BETWEEN.finditer(text[:6000]))[:4]:
        stop = _PARTIES_END.search(text, opening.end())
        end = min(stop.start() if stop else len(text), opening.end() + 1800)
        entries = _defined_parties(prose, opening.end(), end) or _named_parties(
            prose, opening.end(), min(end, opening.end() + 500)
        )
        if len(entries) >= 2:
            return entries
    return _labelled_parties(layout) or _signing_firms(layout)


def _defined_parties(prose: Prose, start: int, end: int) -> list[Entry]:
    """Names before their defined terms."""
    entries: list[Entry] = []
    position = start
    for match in _DEFINED.finditer(prose.text, start, end):
        role = match["role"].strip()
        if role.casefold() in (
            "agreement",
            "effective date",
            "party",
            "parties",
            "vertrag",
            "contract",
            "parteien",
            "les parties",
            "partes",
            "le parti",
        ):
            if "date" in role.casefold() or role.casefold() in ("agreement", "vertrag", "contract"):
                position = match.end()
            continue
        name = _leading_name(prose, position, match.start())
        position = match.end()
        if name is not None:
            entries.append(
                {
                    "name": name,
                    "role": prose.reading(match.start("role"), match.start("role") + len(match["role"].rstrip())),
                }
            )
    return entries


def _leading_name(prose: Prose, start: int, end: int) -> Reading | None:
    """The party's name at the start of its description."""
    while True:
        chunk = prose.text[start:end]
        blanks = len(chunk) - len(chunk.lstrip())
        trimmed = _NAME_START.match(chunk.lstrip())
        if not trimmed or not trimmed.end():
            start += blanks
            break
        start += blanks + trimmed.end()
    chunk = prose.text[start:end]
    stop = _NAME_END.search(chunk)
    name = chunk[: stop.start()] if stop else chunk
    name = name.rstrip(" ,;:–-")
    if not name or len(name.split()) > 10 or not any(char.isalpha() for char in name) or not name[0].isupper():
        return None
    return prose.reading(start, start + len(name))


def _named_parties(prose: Prose, start: int, end: int) -> list[Entry]:
    """`between X and Y` without defined terms."""
    region = prose.text[start:end]
    first_stop = re.search(r"\.\s|;\s", region)
    region = region[: first_stop.start()] if first_stop else region
    joint = re.search(r"\s(?:and|und|et|y|en|e)\s(?=[A-ZÄÖÜ])", region)
    if not joint:
        return []
    names = [
        _leading_name(prose, start, start + joint.start()),
        _leading_name(prose, start + joint.end(), start + len(region)),
    ]
    return [
        {"name": name}
        for name in names
        if name is not None and (has_legal_form(name.value) or could_be_name(name.value))
    ]


def _labelled_parties(layout: Layout) -> list[Entry]:
    entries: list[Entry] = []
    for sheet in layout.sheets[:2]:
        for cell in sheet.cells:
            match = _ROLE_LABEL.match(cell.text)
            if match is None:
                continue
            role = of_span(cell, match.start("role"), match.end("role"), score=0.8)
            if match["name"]:
                name = match["name"].split("\u2003")[0]
                stop = _NAME_END.search(name)
                name = (name[: stop.start()] if stop else name).rstrip(" ,;")
                entries.append(
                    {
                        "name": of_span(cell, match.start("name"), match.start("name") + len(name), score=0.8),
                        "role": role,
                    }
                )
                continue
            beside = next(iter(layout.right_of(cell)), None) or next(iter(layout.below(cell, reach=1.8)), None)
            if beside is not None and could_be_name(beside.text) and not _ROLE_LABEL.match(beside.text):
                entries.append({"name": of_cells([beside], score=0.75), "role": role})
    unique: dict[str, Entry] = {}
    for entry in entries:
        unique.setdefault(entry["name"].value.casefold(), entry)
    return list(unique.values())


def _signing_firms(layout: Layout) -> list[Entry]:
    """Firms that stand alone on lines of the last pages, where contracts are signed."""
    names: dict[str, Entry] = {}
    for sheet in layout.sheets[-2:]:
        for cell in sheet.cells:
            if (
                has_legal_form(cell.text)
                and could_be_name(cell.text)
                and len(cell.words) <= 8
                and LEGAL_FORM.search(cell.text)
            ):
                names.setdefault(plain(cell.text).casefold(), {"name": of_cells([cell], score=0.6)})
    return list(names.values()) if 2 <= len(names) <= 6 else []


_SIGNER = re.compile(
    r"^(?:name|print(?:ed)? name|nom|nombre|nome|naam|by)\s*:\s*(?P<value>[^_:]{3,60}?)\s*$", re.IGNORECASE
)
_SIGNER_TITLE = re.compile(
    r"^(?:title|its|position|funktion|fonction|qualité|cargo|qualifica|functie|carica)\s*:\s*(?P<value>[^_:]{2,60}?)\s*$",
    re.IGNORECASE,
)


def _signatories(layout: Layout) -> list[Entry]:
    """`Name:` with `Title:` below it, in any number of columns."""
    entries: list[Entry] = []
    for sheet in layout.sheets[-3:]:
        for cell in sheet.cells:
            match = _SIGNER.match(cell.text)
            if match is None or not could_be_name(match["value"]):
                continue
            entry: Entry = {"name": of_span(cell, match.start("value"), match.end("value"), score=0.85)}
            for below in layout.below(cell, reach=2.0):
                title = _SIGNER_TITLE.match(below.text)
                if title and abs(below.box[0] - cell.box[0]) < 6:
                    entry["title"] = of_span(below, title.start("value"), title.end("value"), score=0.85)
                    break
            entries.append(entry)
    return entries
