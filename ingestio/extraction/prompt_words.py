"""The words and patterns by which a prompt's sentences are told apart: what asks, what is asked for, what is neither."""

import re

from ingestio.extraction.tokens import fold

_VERBS = (
    "extract", "extrahiere?n?", "extrait", "extraire", "extrais", "extraiga", "extraer", "extrae", "estrai", "estrarre", "extraia",
    "extrair", "haal", "get", "find", "pull(?: out)?", "return", "give me", "provide", "retrieve", "fetch", "capture", "identify",
    "read", "collect", "grab", "output", "list", "show(?: me)?", "tell me", "report", "include", "record", "parse", "scrape",
    "look for", "need", "want", "finde", "gib", "liste", "trouve", "donne(?:-moi)?", "dame", "encuentra", "obten", "trova", "dammi",
    "geef", "vind", "encontre",
)  # fmt: skip
VERB = "|".join(_VERBS)
REQUEST = re.compile(
    rf"(?<![^\W_])(?:{VERB})(?![^\W_])(?:\s+(?:me|us|out|only|just|exactly|also|to know))*\s*:?\s+(?P<what>.+)",
    re.IGNORECASE | re.DOTALL,
)
STARTS_WITH_VERB = re.compile(rf"(?:{VERB})\b", re.IGNORECASE)
LEAD_IN = re.compile(rf"(?:{VERB})\b[^\n]*:\s*\n", re.IGNORECASE)
QUESTION = re.compile(
    r"(?:^|(?<=[.?!\n])\s*)(?:what|who|which|when|where|how much)\s*(?:is|are|was|were|'s)\s+(?P<what>[^?.\n]+)\?",
    re.IGNORECASE,
)
BULLET = re.compile(r"^(?P<indent>[ \t]*)(?:[-*•‣–—▪●]|\(?\d{1,2}[.):]|[a-z]\))\s+(?P<text>\S.*)$")
SENTENCE_END = re.compile(
    r"(?<!\bno)(?<!\bnr)(?<!\bnum)(?<!\bp\.o)(?<!\bp)(?<!\be\.g)(?<!\bi\.e)\.(?:\s|$)|[!?](?:\s|$)|\n\s*\n",
    re.IGNORECASE,
)
DOCUMENT = (
    "invoices?|documents?|receipts?|bills?|contracts?|agreements?|statements?|orders?|files?|letters?|forms?|pages?|resumes?|cvs?|"
    "reports?|pdfs?|tables?|items?|lines?"
)
# What follows a name and does not belong to it: `... from this invoice`, `... if present`, `... as JSON`.
TAIL = re.compile(
    r"\s+(?:from|in|of|on|out of|for|aus|von|de|du|da|del|dalla?|della?|uit|van)\s+"
    r"(?:the|this|these|each|every|all|any|my|our|der|dieser?|dieses|den|die|cette?|ces|la|le|les|esta?|il|questa?|deze|dit|dat|het|"
    r"attached|following|given|provided|a|an)\b.*$"
    r"|\s+(?:from|in|aus|von|uit)\s+"
    r"(?:invoices?|receipts?|documents?|contracts?|bills?|pdfs?|files?|pages?|images?|statements?|resumes?)\b.*$"
    r"|\s+(?:if|when|where|wherever)\s+(?:present|available|possible|any|it|they|there|applicable|shown|given|stated|visible)\b.*$"
    r"|\s+(?:as|in|into)\s+(?:json|csv|xml|a|an|one|iso|numbers?|text|strings?|decimals?|yyyy)\b.*$"
    r"|\s+(?:using|with the format|formatted|then|so that|but|please|thanks|only"
    r"|and (?:return|give|output|put|ignore|nothing|skip|leave))\b.*$",
    re.IGNORECASE | re.DOTALL,
)
ARTICLE = re.compile(
    r"^(?:(?:the|an?|all|any|each|every|its|their|this|that|these|those|both|full|exact|complete|following|names? of the fields?|"
    r"values? of|only|just|also|me|us|please|der|die|das|den|dem|alle|le|la|les|l['’]|un|une|el|los|las|il|lo|gli|i|de|het|een|o|os|as|"
    r"(?:document|invoice|receipt|contract|statement|order)['’]s)\s+|l['’])+",
    re.IGNORECASE,
)
# Commas, `and` and their kin between two names.
SPLIT = re.compile(
    r"\s*[;\n]\s*|\s+/\s+|\s*,\s*(?:(?:and|or|as well as|plus|und|et|y|e|en|sowie)\s+)?(?!\d)"
    r"|\s+(?:and|as well as|plus|along with|together with|und|sowie|et|ed|y|e|en|&)\s+(?=\D)",
    re.IGNORECASE,
)
# `line items (description, quantity)`, `line items with description and quantity`.
COLUMNS = re.compile(
    r"^(?P<name>.+?)\s*(?:\((?:with |including |incl\.? |e\.g\.? )?(?P<inside>[^()]+)\)"
    r"|\s(?:with|including|incl\.?|consisting of|each with|containing)\s+(?P<with>.+)|\[(?P<brackets>[^\[\]]+)\])$",
    re.IGNORECASE | re.DOTALL,
)
QUOTES = re.compile(r"^[`\"'“”‘’*_]+|[`\"'“”‘’*_]+$")
# `a JSON object with the keys: ...`: what the answer looks like, before the names.
SHAPE_LEAD = re.compile(
    r"^(?:an?\s+|the\s+)?(?:valid\s+)?(?:json|csv|yaml|xml|table|list|object|dictionary|dict|array)"
    r"(?:\s+(?:object|array|table|list|document))?\s+"
    r"(?:with|of|having|containing|that has|using)\s+(?:the\s+|these\s+)?(?:following\s+)?"
    r"(?:keys?|fields?|columns?|attributes?|properties)\s*:?\s+",
    re.IGNORECASE,
)
# `dates in ISO format`: how values are to be written names none of them.
FORMAT = re.compile(
    r"^(?:all |any |the )*(?:dates?|amounts?|numbers?|values?|currenc(?:y|ies)|prices?|times?|strings?|keys?|names?)\s+"
    r"(?:in|as|with|without|using)\s+"
    r"(?:an?\s+|the\s+)?(?:iso|yyyy|dd|mm|json|decimals?|numbers?|strings?|text|format|snake|lower|upper|camel|currency|thousands?|two|utc|plain)\b",
    re.IGNORECASE,
)
GENERIC_LEAD = re.compile(
    r"^(?:(?!\n)[^,:;])*?\b(?:information|info|data|details?|fields?|values?|everything|facts|things|items of interest)\s*,?\s+"
    r"(?:such as|like|including|e\.g\.|i\.e\.|namely|especially|for example)\s*:?\s+",
    re.IGNORECASE,
)
BARE_LEAD = re.compile(r"^(?:the\s+)?(?:fields?|data|values|keys|columns|wanted|needed|required)\s*:\s*", re.IGNORECASE)
FOLLOWING_LEAD = re.compile(
    r"^(?:the\s+)?(?:following\s+)?(?:fields?|information|data|details|values|items)?\s*(?:below)?\s*:\s*",
    re.IGNORECASE,
)
FROM_LEAD = re.compile(
    rf"^(?:from|in|for|on|out of)\s+(?:the|this|these|each|every|all|any|my|our|an?)\s+(?:\w+\s+)?(?:{DOCUMENT})\s*[,:]?\s+",
    re.IGNORECASE,
)
POINTS_AHEAD = re.compile(r"\b(?:following|below|these|fields|information|details|data)\b", re.IGNORECASE)
GENERIC = re.compile(
    rf"(?:(?:{DOCUMENT})\s+)?(?:information|details?|data|info|fields?|summary|values?)", re.IGNORECASE
)
# `name and address of the vendor`, `issue and due dates`: the shared word is given to both.
OWNED_BY = re.compile(
    rf"\b([\w-]+(?: (?:number|id|address))?)(?: and (?:the )?([\w-]+))? of (?:the|each|every|both) (?!(?:{DOCUMENT})\b)([\w-]+)\b",
    re.IGNORECASE,
)
# `phone number of the customer`, whole: for one name in a list or an enumeration.
OWNED = re.compile(
    rf"^(?P<what>[\w-]+(?: [\w-]+){{0,2}}) of (?:the|each|every|both) (?!(?:{DOCUMENT})\b)(?P<owner>[\w-]+)$",
    re.IGNORECASE,
)
_PERSONAL = (
    r"(?:full )?name|address|(?:tele)?phone(?: number)?|e-?mail(?: address)?|fax(?: number)?|(?:tax|vat) (?:id|number)"
    r"|date of birth|title|role"
)
# In `name, address and phone number of the customer` all are the customer's.
OWNED_LIST = re.compile(
    rf"\b(?P<list>(?:(?:the )?(?:{_PERSONAL})(?:,? and |, ))+(?:the )?(?:{_PERSONAL})) of (?:the|each|every|both) "
    rf"(?!(?:{DOCUMENT})\b)(?P<owner>[\w-]+)\b",
    re.IGNORECASE,
)
# `vendor name and address`: the address is the vendor's.
NAME_AND = re.compile(
    r"\b(?P<owner>(?!(?:the|a|an|full|and|first|last|file|of)\b)[\w-]+) name and (?:the )?"
    r"(?P<also>address|phone(?: number)?|email(?: address)?|tax id|vat number|tax number)\b",
    re.IGNORECASE,
)
SHARED_HEAD = re.compile(
    r"\b((?:[\w-]+ )?[\w-]+) and ((?:[\w-]+ )?[\w-]+) (date|number|name|address|amount|id|email)e?s\b"
    r"(?=\s*(?:$|[,.;)]|(?:and|from|in|of|on|as)\b))",
    re.IGNORECASE,
)
# What cannot begin a field's name: it is an instruction, a question or a condition.
NOT_A_NAME = re.compile(
    rf"(?:{VERB}|summari[sz]e|describe|analy[sz]e|process|convert|translate|classify|check (?:if|whether|that|for|the|this|all)|by|"
    r"explain|review|compare|organi[sz]e|transform|verify|help|can|could|would|what|who|how|when|where|which|do|don['’]?t|if|use|make|"
    r"keep|leave|ignore|be|is|are|you|i|we|must|should|never|always|no)\b\s",
    re.IGNORECASE,
)
LISTS = frozenset(
    {
        "items", "item", "lines", "transactions", "products", "parties", "positions", "entries", "rows", "table", "services",
        "signatories", "experience", "education", "work", "bookings", "movements", "articles", "positionen", "posten", "goods", "jobs",
    }
)  # fmt: skip
"""Last words of names that stand for a list with columns."""

NOT_A_FIELD = frozenset(
    fold(word.strip())
    for word in """
    information | info | data | details | everything | all | all fields | fields | field | values | value | text | content | contents
    | key information | key data | key fields | key details | relevant information | relevant data | relevant fields
    | relevant details | important information | important details | important data | important fields | main information
    | main details | main fields | invoice | invoices | this invoice | receipt | receipts | document | documents | this document
    | file | files | pdf | page | pages | contract | statement | structured data | structured information | structured json | json
    | csv | following | following fields | following information | following data | following details | the following
    | fields below | these fields | following values | standard fields | usual fields | output | result | results | answer | it
    | them | this | that | these | those | key value pairs | key facts | facts | main facts | basics | required fields
    | required information | metadata | entities | more | other relevant information | other information | anything else
    | other details | so on | etc | data fields | default fields | valid json | a table | tables | informationen | daten
    | alle daten | alles | tout | toutes les informations | todo | toda la informacion | todos los datos | tutto | tutti i dati
    | alle gegevens | null | none | nothing else | nothing | date format | iso format | english | extract | euros | euro
    """.replace("\n", " ").split("|")
)
"""Words that ask for everything, or for nothing that has a name."""
