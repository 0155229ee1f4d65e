"""Who sells what to whom: the facts of an invoice or order, from which both the page and its expected fields are made."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from tests.data.writing import Writing, money, plain


@dataclass(frozen=True, slots=True)
class Made:
    """One sample: its file name, its bytes and what must come out of it."""

    filename: str
    content: bytes
    expected: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Company:
    """A firm as its letterhead shows it. `tax_id` is the number alone, `tax_label` the words before it."""

    name: str
    address: tuple[str, ...]
    tax_label: str = ""
    tax_id: str = ""
    registration: str = ""
    phone: str = ""
    email: str = ""
    web: str = ""
    bank: str = ""
    iban: str = ""
    bic: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One line. `tax_rate` in percent."""

    description: str
    quantity: Decimal
    unit_price: Decimal
    tax_rate: Decimal = Decimal(0)
    unit: str = ""
    code: str = ""

    @property
    def amount(self) -> Decimal:
        return money(self.quantity * self.unit_price)


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice and its arithmetic: tax is worked out per rate on the sum of its lines, as the law of most countries has it."""

    number: str
    issued: date
    due: date | None
    vendor: Company
    customer: Company
    currency: str
    writing: Writing
    items: tuple[Item, ...]
    order_number: str = ""
    paid: Decimal = Decimal(0)

    @property
    def subtotal(self) -> Decimal:
        return money(sum((item.amount for item in self.items), Decimal(0)))

    @property
    def taxes(self) -> dict[Decimal, tuple[Decimal, Decimal]]:
        """Per rate, highest first: the net amount and its tax."""
        rates = sorted({item.tax_rate for item in self.items}, reverse=True)
        nets = {rate: sum((item.amount for item in self.items if item.tax_rate == rate), Decimal(0)) for rate in rates}
        return {rate: (net, money(net * rate / 100)) for rate, net in nets.items()}

    @property
    def tax(self) -> Decimal:
        return sum((tax for _, tax in self.taxes.values()), Decimal("0.00"))

    @property
    def total(self) -> Decimal:
        return self.subtotal + self.tax

    @property
    def amount_due(self) -> Decimal:
        return self.total - self.paid

    def fields(self, *, with_amount_due: bool = False) -> dict[str, str]:
        """The expected values by path; `with_amount_due` where the page names it beside the total."""
        wanted = {
            "invoice_number": self.number,
            "invoice_date": self.issued.isoformat(),
            "due_date": self.due.isoformat() if self.due else "",
            "purchase_order_number": self.order_number,
            "vendor_name": self.vendor.name,
            "vendor_tax_id": self.vendor.tax_id,
            "customer_name": self.customer.name,
            "currency": self.currency,
            "subtotal": str(self.subtotal),
            "tax_amount": str(self.tax),
            "total_amount": str(self.total),
            "amount_due": str(self.amount_due) if with_amount_due else "",
            "iban": self.vendor.iban,
        }
        return {path: value for path, value in wanted.items() if value} | item_fields(self.items)


def made(filename: str, invoice: Invoice, content: bytes, pages: int = 1, *, with_amount_due: bool = False) -> Made:
    """The invoice as a sample."""
    fields = invoice.fields(with_amount_due=with_amount_due)
    return Made(filename, content, {"document_type": "invoice", "pages": pages, "fields": fields})


def item_fields(items: tuple[Item, ...]) -> dict[str, str]:
    """The expected values of a table of lines, by path."""
    found: dict[str, str] = {}
    for index, item in enumerate(items):
        found[f"line_items[{index}].description"] = item.description
        found[f"line_items[{index}].quantity"] = plain(item.quantity)
        found[f"line_items[{index}].unit_price"] = str(money(item.unit_price))
        found[f"line_items[{index}].amount"] = str(item.amount)
    return found


def items(text: str, *, tax_rate: str = "0") -> tuple[Item, ...]:
    """Lines written as `description | quantity | unit price`, then optionally `| unit | code | tax rate`."""
    made = []
    for line in text.strip().splitlines():
        description, quantity, price, unit, code, rate = ([part.strip() for part in line.split("|")] + [""] * 3)[:6]
        made.append(Item(description, Decimal(quantity), Decimal(price), Decimal(rate or tax_rate), unit, code))
    return tuple(made)
