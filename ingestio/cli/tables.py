"""What became of each file, for people: a line each, and below it the few values that tell whether it worked."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from ingestio.cli.outcomes import COMPLETED
from ingestio.cli.service import Service
from ingestio.cli.terminal import harmless
from ingestio.client.models import Batch
from ingestio.exporters.rows import ExportRow

INDENT = "  "
_STYLES = {
    "completed": "green",
    "failed": "red",
    "refused": "yellow",
    "cancelled": "yellow",
    "partially completed": "yellow",
}
# What people look for first, after the number of the thing itself; others follow in the order of the result.
_KEY_NAMES = (
    "name",
    "title",
    "form_title",
    "subject",
    "merchant_name",
    "vendor_name",
    "account_holder",
    "sender_name",
    "applicant_name",
    "total_amount",
    "closing_balance",
    "invoice_date",
    "receipt_date",
)
_LONGEST_CELL = 60
_LONGEST_VALUE = 44


class KeyValue(NamedTuple):
    """One value worth showing, and the page that it was read from (None: no page is known)."""

    name: str
    value: str
    page: int | None


def key_values(row: ExportRow, most: int = 4) -> list[KeyValue]:
    """The values that show best what was found: at most `most`, none that the document does not bear out."""
    fields: Iterable[Mapping[str, Any]] = (row.result or {}).get("fields", ())
    sound = [field for field in fields if field["value"] not in (None, "") and field["state"] == "supported"]
    single = [
        KeyValue(harmless(field["path"]), _value(field, row), _page(field))
        for field in sound
        if "[" not in field["path"]
    ]
    order = (f"{row.document_type}_number", *_KEY_NAMES)
    single.sort(key=lambda item: order.index(item.name) if item.name in order else len(order))
    return [*single[:3], *_lists(row, sound), *single[3:]][:most]


def _lists(row: ExportRow, sound: Sequence[Mapping[str, Any]]) -> Iterator[KeyValue]:
    """How long each list is, at the page where it begins."""
    data: Mapping[str, Any] = (row.result or {}).get("data") or {}
    seen = set()
    for field in sound:
        name, bracket, _ = str(field["path"]).partition("[")
        if bracket and name not in seen and isinstance(entries := data.get(name), list):
            seen.add(name)
            yield KeyValue(
                harmless(name), f"{len(entries)} {'entry' if len(entries) == 1 else 'entries'}", _page(field)
            )


def show_rows(console: Console, rows: Iterable[ExportRow], *, with_pages: bool = False) -> None:
    """A table of files with type, pages and status, and below each what was found or why not. Reads `rows` twice.

    `with_pages`: each value on a line of its own, with the page that it was read from.
    """
    widths = [max([4, *(min(cell_len(cell(row)), _LONGEST_CELL) for row in rows)]) for cell in (_file, _type)]
    _line(console, widths, "File", "Type", "Pages", "Status", style="bold")
    console.print("─" * (sum(widths) + 22), style="dim")
    for row in rows:
        pages = "" if row.pages is None else str(row.pages)
        code = "" if row.status == COMPLETED else row.error_code or ""
        _line(console, widths, _file(row), _type(row), pages, row.status, code)
        if row.status != COMPLETED:
            _print_below(console, Text(harmless(row.error_message or ""), style="dim"))
        elif with_pages:
            _show_values(console, key_values(row))
        else:
            _print_below(console, _on_one_line(key_values(row, most=3)))


def columns(console: Console, headers: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """A plain aligned table; the last column may be of any width."""
    cells = [list(headers), *([harmless(cell) for cell in line] for line in lines)]
    widths = [max(cell_len(line[place]) for line in cells) for place in range(len(headers))]
    for number, line in enumerate(cells):
        text = Text(style="bold" if number == 0 else "")
        for cell, width in zip(line, widths, strict=True):
            text.append(_padded(cell, width) + INDENT, _STYLES.get(cell, ""))
        text.rstrip()
        _print(console, text)


def status_text(status: str) -> Text:
    """A status in its colour, in words."""
    words = harmless(status.replace("_", " "))
    return Text(words, style=_STYLES.get(words, ""))


def say_run(console: Console, service: Service, batch: Batch) -> None:
    """A line that leads to the batch's run in the Temporal UI, where there is one."""
    if url := service.run_url(batch.workflow_id):
        console.print(Text(f"Run in Temporal: {harmless(url)}", style="dim"), soft_wrap=True)


def _line(
    console: Console,
    widths: Sequence[int],
    file: str,
    kind: str,
    pages: str,
    status: str,
    code: str = "",
    style: str = "",
) -> None:
    text = Text(f"{_padded(file, widths[0])}{INDENT}{_padded(kind, widths[1])}{INDENT}{pages:>5}{INDENT}", style=style)
    text.append(status_text(status))
    if code:
        text.append(f"  {code}", "dim")
    text.rstrip()
    _print(console, text)


def _show_values(console: Console, found: Sequence[KeyValue]) -> None:
    if not found:
        _print_below(console, _on_one_line(found))
    for item in found:
        text = Text(f"{INDENT}{_padded(item.name, 22)} ", style="dim")
        text.append(_padded(_shortened(item.value, _LONGEST_VALUE), _LONGEST_VALUE), "not dim")
        text.append("" if item.page is None else f"  page {item.page}")
        text.rstrip()
        _print(console, text)


def _on_one_line(found: Sequence[KeyValue]) -> Text:
    text = Text()
    for item in found:
        text.append(" · " if text else "", "dim")
        text.append(f"{item.name} ", "dim")
        text.append(_shortened(item.value, _LONGEST_VALUE))
    return text or Text("no value that the document bears out", style="dim")


def _print(console: Console, text: Text) -> None:
    # A terminal wraps long lines itself; in a file each stays one line.
    console.print(text, soft_wrap=True)


def _print_below(console: Console, text: Text) -> None:
    if console.is_terminal:
        console.print(Padding(text, (0, 0, 0, len(INDENT))))
    else:
        _print(console, Text(INDENT) + text)


def _shortened(text: str, width: int) -> str:
    return text if cell_len(text) <= width else f"{set_cell_size(text, width - 1).rstrip()}…"


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


def _file(row: ExportRow) -> str:
    return harmless(row.file)


def _type(row: ExportRow) -> str:
    return harmless((row.document_type or "").replace("_", " "))


def _value(field: Mapping[str, Any], row: ExportRow) -> str:
    text = harmless(str(field["value"]))
    if str(field["path"]).endswith(("amount", "balance", "total")):
        currency = ((row.result or {}).get("data") or {}).get("currency")
        return f"{text} {harmless(str(currency))}" if currency else text
    return text


def _page(field: Mapping[str, Any]) -> int | None:
    evidence = field.get("evidence") or ()
    return int(evidence[0]["page"]) if evidence else None
