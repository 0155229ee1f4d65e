"""How a document writes: its language, the order of its numeric dates, its decimal sign. Proven by the text, guessed by nothing else."""

import re
from dataclasses import dataclass

from ingestio.extraction.amounts import infer_decimal_sign
from ingestio.extraction.dates import DateOrder, order_from_dates
from ingestio.extraction.tokens import tokens

_STOPWORDS = {
    "en": "the of and to for this is with your our you from are by on be please any all that will not under thank",
    "de": "der die das und den von zu mit fur auf ist im dem nicht ein eine des sie wir bitte bei ihre zum zur oder nach rechnung",
    "fr": "le la les des et du pour est dans une sur par avec vous votre nous au aux facture ce cette sont qui que en",
    "es": "el la los las del y para por con una es en su se al nuestro usted factura fecha importe no que como",
    "it": "il lo gli di del della dei per con una sono nel alla al che si fattura importo data pagamento non dal",
    "nl": "de het een van en voor met op is dat niet uw wij aan bij te zijn naar factuur bedrag datum of om",
    "pt": "o os da do dos das para com uma por em no na ao que se nao seu sua valor fatura data como nos mais",
    # Told by the words of its papers: the recognition of print knows no letter with two marks, and leaves them out.
    "vi": "ngay tien tin khach quy thanh toan tong tng cong cng hoa don gia phieu lai dia chi thu ngan cam ban hang",
}
_WORDS_OF = {language: frozenset(words.split()) for language, words in _STOPWORDS.items()}
_COMMA_LANGUAGES = frozenset({"de", "fr", "es", "it", "nl", "pt"})
US_STATES = (
    "AL|AK|AZ|AR|CA|CO|CT|DE|DC|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|NM|NY|NC|ND|OH|OK|OR|PA|RI|SC|SD|TN|"
    "TX|UT|VT|VA|WA|WV|WI|WY"
)
"""The states of the United States by their two letters, as alternatives of a regular expression."""
# Recognised print has lost blanks: `Coralville,IA52241`. A telephone number of three, three and four digits is a North American one.
_AMERICAN = re.compile(
    rf"\b[A-Z]{{2}},?\s+\d{{5}}(?:-\d{{4}})?\b|\b(?:{US_STATES})\s?\d{{5}}(?:-\d{{4}})?\b"
    r"|(?<![\d-])\(?\d{3}\)?[-. ]\d{3}[-.]\d{4}(?![\d-])"
    r"|\b(?:sales tax|zip code|EIN|SSN|LLC|routing number)\b|(?<![A-Z])\$"
)
_NOT_AMERICAN = re.compile(
    r"[£€₹]|\b(?:IBAN|VAT|GST|ABN|BIC|GSTIN|Ltd|Pty|PLC|GmbH|cheque|Rs\.?)\b|\b(?:A\$|AU\$|NZ\$|S\$)"
    r"|(?<![^\W\d_])R[Mp]\s?\d|(?i:\b(?:sdn\.? ?bhd|npwp|jalan|jln)\b)"
)
_LETTER, _A4 = (612, 792), (595, 842)


@dataclass(frozen=True, slots=True)
class Habits:
    """`language`: ISO 639-1 of the eight known ones, or None. None elsewhere too means that the document does not say."""

    language: str | None
    date_order: DateOrder | None
    decimal_sign: str | None


def habits_of(texts: list[str], page_sizes: list[tuple[float, float]]) -> Habits:
    """The habits that these lines and page sizes (points) show."""
    language = _language(texts)
    order = order_from_dates(texts) or _likely_order(texts, page_sizes, language)
    sign = infer_decimal_sign(texts)
    if sign is None and language:
        sign = "," if language in _COMMA_LANGUAGES else "."
    return Habits(language, order, sign)


def _language(texts: list[str]) -> str | None:
    """The one whose words are most; a single word, however often, is as likely a part of a name: `Fond du Lac`."""
    found: dict[str, list[str]] = {language: [] for language in _WORDS_OF}
    for text in texts[:1500]:
        for token in tokens(text):
            if len(token.key) == 1 or token.key == "no":
                continue  # `2214 E. Washington`, `E-mail`, `Phone #`
            for language, words in _WORDS_OF.items():
                if token.key in words:
                    found[language].append(token.key)
    best, second, *_ = sorted(found, key=lambda language: -len(found[language]))
    told = len(found[best]) >= 3 and len(set(found[best])) > 1
    return best if told and len(found[best]) > len(found[second]) else None


def _likely_order(texts: list[str], page_sizes: list[tuple[float, float]], language: str | None) -> DateOrder | None:
    """Only the United States write the month first: a paper size, dollars, states with zip codes speak for them."""
    if language in _COMMA_LANGUAGES:
        return DateOrder.DAY_FIRST
    american = 2 * min(1, sum(bool(_AMERICAN.search(text)) for text in texts))
    other = 2 * min(1, sum(bool(_NOT_AMERICAN.search(text)) for text in texts))
    for width, height in page_sizes[:1]:
        short, long = sorted((width, height))
        american += abs(short - _LETTER[0]) < 2 and abs(long - _LETTER[1]) < 2
        other += abs(short - _A4[0]) < 3 and abs(long - _A4[1]) < 3
    if american == other:
        return None
    return DateOrder.MONTH_FIRST if american > other else DateOrder.DAY_FIRST
