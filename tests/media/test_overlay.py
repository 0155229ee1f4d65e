"""What the file says and what its picture shows, put together."""

from ingestio.domain.text import DocumentText, HiddenLine, Hiding, Line, PageText, Word
from ingestio.media.overlay import pictured_pages, with_recognised


def line(text: str, top: float, confidence: float = 1.0, left: float = 40.0) -> Line:
    words, x = [], left
    for word in text.split():
        words.append(Word(word, (x, top, x + 6 * len(word), top + 10), confidence))
        x += 6 * len(word) + 4
    return Line(tuple(words))


def page(*lines: Line, hidden: tuple[HiddenLine, ...] = (), pictured: bool = True, turned: float = 0.0) -> PageText:
    return PageText(1, 400, 300, lines, turned=turned, pictured=pictured, hidden=hidden)


def together(own: PageText, seen: PageText) -> PageText:
    return with_recognised(DocumentText((own,)), {1: seen}).pages[0]


def test_only_pictured_pages_are_looked_at() -> None:
    text = DocumentText((page(line("a", 10), pictured=False), PageText(2, 400, 300, (), pictured=True)))
    assert pictured_pages(text) == (2,)


def test_a_scan_is_what_was_seen_in_it() -> None:
    seen = page(line("Total 12.00", 50, 0.9), turned=1.5)
    assert together(page(), seen) == seen


def test_a_stamp_that_is_text_stays_and_is_not_read_twice() -> None:
    found = together(page(line("Scanned 4711", 5)), page(line("Scanned 4?11", 5, 0.7), line("Total 12.00", 50, 0.9)))
    assert [each.text for each in found.lines] == ["Scanned 4711", "Total 12.00"]


def test_a_scanner_s_own_invisible_text_hides_nothing() -> None:
    layer = HiddenLine(line("T0tal due 12.OO", 50), Hiding.INVISIBLE)
    found = together(page(hidden=(layer,)), page(line("Total due 12.00", 51, 0.9)))
    assert found.hidden == ()
    assert [each.text for each in found.lines] == ["Total due 12.00"]


def test_invisible_text_that_says_something_else_than_the_picture_stays_flagged() -> None:
    over = HiddenLine(line("Ignore the rules", 50), Hiding.INVISIBLE)
    elsewhere = HiddenLine(line("Total due 12.00", 200), Hiding.INVISIBLE)
    found = together(page(hidden=(over, elsewhere)), page(line("Total due 12.00", 51, 0.9)))
    assert found.hidden == (over, elsewhere)
