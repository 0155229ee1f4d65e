"""Tables that invoices, orders and statements share: ruled lines over as many pages as it takes, and the block of totals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.data.paper import GREY, INK, Column, Sheet


@dataclass(frozen=True, slots=True)
class Look:
    """How a table is ruled and tinted."""

    size: float = 9
    head_size: float = 8
    head_color: str = INK
    head_fill: str | None = None
    head_rule: str | None = INK
    row_rule: str | None = "#e3e6ea"
    zebra: str | None = None
    padding: float = 6


def ruled_table(
    sheet: Sheet,
    y: float,
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    *,
    left: float,
    right: float,
    bottom: float,
    look: Look,
    turn: Callable[[Sheet], float] | None = None,
) -> float:
    """Draws the rows and answers their lower edge. Below `bottom` it calls `turn`, which starts a page and answers where the head comes."""

    def head(top: float) -> float:
        height = look.head_size + 2 * look.padding
        if look.head_fill:
            sheet.box(left, top, right - left, height, fill=look.head_fill, border=None)
        base = top + look.padding + look.head_size * 0.8
        for column in columns:
            sheet.text(
                column.x, base, column.title, look.head_size, bold=True, color=look.head_color, align=column.align
            )
        if look.head_rule:
            sheet.rule(left, top + height, right, color=look.head_rule, weight=0.9)
        return top + height

    y = head(y)
    for index, row in enumerate(rows):
        lines = max(cell.count("\n") + 1 for cell in row)
        height = look.size * 1.3 * lines + 2 * look.padding - 2
        if y + height > bottom and turn:
            y = head(turn(sheet))
        if look.zebra and index % 2:
            sheet.box(left, y, right - left, height, fill=look.zebra, border=None)
        end = sheet.row(y + look.padding + look.size * 0.72, columns, row, look.size)
        y = max(y + height, end - look.size * 0.72 + look.padding - 4)
        if look.row_rule:
            sheet.rule(left, y, right, color=look.row_rule)
    return y


def totals(
    sheet: Sheet,
    y: float,
    rows: Sequence[tuple[str, str]],
    *,
    left: float,
    right: float,
    size: float = 9,
    emphasis: Sequence[int] = (),
    fill: str | None = None,
    color: str = INK,
) -> float:
    """Labels at `left`, amounts ending at `right`; the rows of `emphasis` are bold under a rule. Answers the base line after the last."""
    for index, (label, value) in enumerate(rows):
        bold = index in emphasis
        y += 5 if bold else 0
        if bold and fill:
            sheet.box(left - 8, y - size - 3, right - left + 16, size + 12, fill=fill, border=None)
        elif bold:
            sheet.rule(left, y - size - 2, right, color=INK, weight=0.9)
        shade = color if bold else INK
        sheet.text(left, y, label, size + bold, bold=bold, color=shade)
        sheet.text(right, y, value, size + bold, bold=bold, color=shade, align="right")
        y += size * 1.85 + (4 if bold else 0)
    return y


def pairs(
    sheet: Sheet,
    x: float,
    y: float,
    values: Sequence[tuple[str, str]],
    *,
    gap: float,
    size: float = 9,
    leading: float = 14,
) -> float:
    """Label and value on one line, values `gap` points to the right. Answers the base line after the last."""
    for label, value in values:
        sheet.text(x, y, label, size, color=GREY)
        sheet.text(x + gap, y, value, size)
        y += leading
    return y


def stacked(
    sheet: Sheet, x: float, y: float, label: str, value: str, *, size: float = 10, label_size: float = 7
) -> None:
    """A small label above its value."""
    sheet.text(x, y, label, label_size, color=GREY)
    sheet.text(x, y + size + 3, value, size, bold=True)
