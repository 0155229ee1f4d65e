"""What a résumé looks like, whatever its headings say: somebody's name and contact at the head, and lines that begin or end with years."""

import re
from collections.abc import Sequence

from ingestio.extraction.layout import Sheet, plain
from ingestio.extraction.local.blocks import could_be_name, has_legal_form
from ingestio.extraction.local.resume_person import POSITION
from ingestio.extraction.local.vocabulary import any_of
from ingestio.extraction.values import find_emails, find_phones

_UNTIL = rf"(?:[-–—－→]|{any_of('resume', 'until')}\b)"
_PRESENT = rf"{any_of('resume', 'present')}(?!\w)"
_MONTH = r"(?:\d{1,2}[/.]|[^\W\d_]{3,9}\.?\s)?"
_YEAR = r"(?:19|20)\d{2}"
# `2011-16`, `03/2014 – 08/2019`, `since 2016`, `2015-`, a year alone.
_YEARS = (
    rf"\(?(?:{any_of('resume', 'since')}\s)?{_MONTH}(?P<start>{_YEAR})"
    rf"(?P<span>\s?{_UNTIL}\s?(?:{_MONTH}{_YEAR}|\d{{2}}|{_PRESENT})?)?\)?"
)
_BEGINS = re.compile(rf"\W*{_YEARS}(?![\w/.,-]*\d)", re.IGNORECASE)
_ENDS = re.compile(rf"(?<![\d/.,-]){_YEARS}\W*\Z", re.IGNORECASE)
# `03/2014 – 08/2019`, `May 2011 to present`, `01/03/2016-15/06/2018`, wherever it stands.
_SPAN = re.compile(
    rf"(?<![\d.,-]){_YEAR}\s?{_UNTIL}\s?(?:(?:\d{{1,2}}[/.]){{0,2}}(?:[^\W\d_]{{3,9}}\.?\s)?{_YEAR}(?!\d)|{_PRESENT})",
    re.IGNORECASE,
)
# `Depuis janv. 2018 : CHU de Tours`; `Since 2011 we have built` begins a sentence.
_SINCE = re.compile(rf"\W*{any_of('resume', 'since')}\s{_MONTH}{_YEAR}\s?(?:[:;,–—－-]|\Z)", re.IGNORECASE)
# `Harbour Board, 2018 till now. Surveyor, later more`: where, from when and until when, in a sentence by itself.
_SENTENCE_OF_YEARS = re.compile(
    rf"[^.!?]{{3,60}},\s(?P<start>{_YEAR})\s?{_UNTIL}\s?(?P<span>{_YEAR}|{_PRESENT})\.(?:\s|\Z)", re.IGNORECASE
)
_HEAD, _FIRST_ROWS = 0.35, 3
_NAMED, _SHORT_LIFE, _LIFE = 1.5, 1.5, 3.0
_LINES, _LINES_OF_A_SHORT_LIFE = 3, 2
_WORDS_OF_A_NAME, _WORDS_OF_A_LINE = (2, 4), 12


def looks_like_a_life(sheet: Sheet) -> float:
    """How much the first page looks like one; 0 without a telephone or an e-mail at its head."""
    head = [cell for cell in sheet.cells if cell.middle < _HEAD * sheet.height]
    if not any(find_emails(cell.text) or find_phones(cell.text) for cell in head):
        return 0.0
    return _NAMED * _is_headed_by_a_person(sheet) + _of_years(sheet)


def is_of_a_person(sheets: Sequence[Sheet]) -> bool:
    """Whether there is somebody whose life it is: a name at the head, or years from and to."""
    return _is_headed_by_a_person(sheets[0]) or any(
        _SPAN.search(cell.text) or _SINCE.match(cell.text) for sheet in sheets for cell in sheet.cells
    )


def _is_headed_by_a_person(sheet: Sheet) -> bool:
    """A name of a few capitalised words in the first lines, and no firm's."""
    for cell in (cell for row in sheet.rows[:_FIRST_ROWS] for cell in row):
        words = plain(cell.text).split()
        capitals = all(
            word[:1].isupper() and word.replace("-", "").replace("'", "").replace(".", "").isalpha() for word in words
        )
        least, most = _WORDS_OF_A_NAME
        if POSITION.search(cell.text):
            continue  # `Senior Data Engineer` is wanted, or what somebody is
        if least <= len(words) <= most and capitals and could_be_name(cell.text) and not has_legal_form(cell.text):
            return True
    return False


def _of_years(sheet: Sheet) -> float:
    """Lines of years, the latest first: a club's history begins with its beginning."""
    lines = []
    for row in sheet.rows:
        short = [cell for cell in (row[0], row[-1]) if len(cell.words) <= _WORDS_OF_A_LINE]
        match = next((match for cell in short if (match := _BEGINS.match(cell.text) or _ENDS.search(cell.text))), None)
        match = match or _SENTENCE_OF_YEARS.match(row[0].text)
        if match is not None:
            lines.append(match)
    if len(lines) < _LINES_OF_A_SHORT_LIFE or not any(each["span"] for each in lines):
        return 0.0
    if int(lines[0]["start"]) < int(lines[1]["start"]):
        return 0.0
    return _LIFE if len(lines) >= _LINES else _SHORT_LIFE
