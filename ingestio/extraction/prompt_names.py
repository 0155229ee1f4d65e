"""Names of fields inside a sentence: `the invoice number, the issue and due dates and the line items (description, quantity)`."""

import re

from ingestio.domain.fields import FieldKind
from ingestio.extraction import prompt_words as words
from ingestio.extraction.requested import RequestedField, snake_case
from ingestio.extraction.tokens import fold

_MAX_WORDS = 6
_MAX_CHARACTERS = 80
_HIDE = str.maketrans(",;.", "\x1c\x1e\x1f")
_SHOW = str.maketrans("\x1c\x1e\x1f", ",;.")
_AND = "\x1d"
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_LIST_WITH_COLUMNS = re.compile(
    rf"\b(?:{'|'.join(sorted(words.LISTS))})\s+(?:each\s+)?(?:with|including|incl\.?|containing)\s[^;.\n]*",
    re.IGNORECASE,
)
_SINGULAR_LISTS = frozenset(word.rstrip("s") for word in words.LISTS)


def names_in(text: str) -> list[RequestedField]:
    """The fields that an enumeration names, in its order; parts that are no names are passed over."""
    text = _without_lead(text.strip())
    text = words.NAME_AND.sub(r"\g<owner> name and \g<owner> \g<also>", text)
    text = words.OWNED_LIST.sub(_give_owner_to_all, text)
    text = words.SHARED_HEAD.sub(_give_head_to_both, words.OWNED_BY.sub(_give_owner_to_both, text))
    fields: list[RequestedField] = []
    for piece in pieces(text):
        field = field_named(piece)
        if field is None and words.STARTS_WITH_VERB.match(piece):
            again = words.REQUEST.search(piece)
            field = field_named(again["what"]) if again else None
        if field:
            fields.append(field)
    return fields


def pieces(text: str) -> list[str]:
    """The parts between commas, semicolons and `and`; what stands in brackets stays with the name before it."""
    return [restored(part).strip() for part in words.SPLIT.split(protected(text)) if part and part.strip()]


def protected(text: str) -> str:
    """Punctuation and `and` inside brackets, and after `line items with`, hidden from splitting."""

    def hide(match: re.Match[str]) -> str:
        return match.group().translate(_HIDE).replace(" and ", _AND)

    return _LIST_WITH_COLUMNS.sub(hide, _BRACKETS.sub(hide, text))


def restored(text: str) -> str:
    """The opposite of `protected`."""
    return text.translate(_SHOW).replace(_AND, " and ")


def field_named(text: str, description: str = "") -> RequestedField | None:
    """A field from its name as written, or None when the words are an instruction, a filler, or too long for a name."""
    text = text.strip()
    if words.FORMAT.match(text):
        return None
    children: tuple[RequestedField, ...] = ()
    columns = words.COLUMNS.match(text)
    if columns:
        inside = columns["inside"] or columns["with"] or columns["brackets"]
        last_word = (fold(columns["name"]).split() or [""])[-1]
        if last_word.rstrip("s") in _SINGULAR_LISTS:
            children = tuple(filter(None, map(field_named, pieces(inside))))
        elif not description:
            description = inside.strip()
        text = columns["name"]
    text = words.QUOTES.sub("", words.TAIL.sub("", text).strip().strip(":.,;")).strip()
    text = words.QUOTES.sub("", words.ARTICLE.sub("", text)).strip(" ?!.")
    name = snake_case(text)
    if not name or not _can_be_a_name(text):
        return None
    return RequestedField(name, text, FieldKind.LIST if children else None, description, children)


def _can_be_a_name(text: str) -> bool:
    count = len(re.findall(r"[^\W_]+", text))
    if not 1 <= count <= _MAX_WORDS or len(text) > _MAX_CHARACTERS or not any(char.isalpha() for char in text):
        return False
    if " ".join(fold(text).split()) in words.NOT_A_FIELD or words.GENERIC.fullmatch(text):
        return False
    return not words.NOT_A_NAME.match(text + " ")


def _without_lead(text: str) -> str:
    """Without `the following fields:`, `information such as` and `from this invoice` before the first name."""
    text = words.FOLLOWING_LEAD.sub("", words.SHAPE_LEAD.sub("", text))
    lead, colon, rest = text.partition(":")
    if colon and rest.strip():
        nameless = "," not in lead and field_named(words.TAIL.sub("", lead)) is None
        if nameless or words.POINTS_AHEAD.search(lead):
            text = rest.strip()
    return words.GENERIC_LEAD.sub("", words.FROM_LEAD.sub("", text))


def owned(text: str) -> str:
    """`Name of the tenant` as `tenant Name`; anything else as it is."""
    match = words.OWNED.match(words.ARTICLE.sub("", text.strip()))
    return f"{match['owner']} {match['what']}" if match else text


def _give_owner_to_all(match: re.Match[str]) -> str:
    """`name, address and e-mail of the buyer` -> `buyer name, buyer address, buyer e-mail`."""
    listed = [words.ARTICLE.sub("", part) for part in re.split(r",? and |, ", match["list"])]
    return ", ".join(f"{match['owner']} {part}" for part in listed)


def _give_owner_to_both(match: re.Match[str]) -> str:
    first, second, owner = match.groups()
    return f"{owner} {first} and {owner} {second}" if second else f"{owner} {first}"


def _give_head_to_both(match: re.Match[str]) -> str:
    first, second, head = match.groups()
    if first.casefold().endswith(head.casefold()) or words.ARTICLE.fullmatch(first + " "):
        return match.group()
    return f"{first} {head} and {second} {head}"
