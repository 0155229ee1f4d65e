"""Reads an electronic invoice in the Cross Industry Invoice syntax (UN/CEFACT, as EN 16931 uses it) into an invoice's fields.

The XML comes out of a file from anywhere: no document type, so no entity can expand; size, depth and number of elements are limited.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from xml.parsers import expat

_MOST_ELEMENTS = 200_000
_DEEPEST = 40
_MOST_LINES = 10_000

# Where a field stands: names of elements from the root's children downwards; ZUGFeRD 1.0 calls some of them otherwise.
_AGREEMENT = "ApplicableHeaderTradeAgreement|ApplicableSupplyChainTradeAgreement"
_DELIVERY = "ApplicableHeaderTradeDelivery|ApplicableSupplyChainTradeDelivery"
_SETTLEMENT = "ApplicableHeaderTradeSettlement|ApplicableSupplyChainTradeSettlement"
_TRANSACTION = "SupplyChainTradeTransaction|SpecifiedSupplyChainTradeTransaction"
_DOCUMENT = "ExchangedDocument|HeaderExchangedDocument"
_SUMS = "SpecifiedTradeSettlementHeaderMonetarySummation|SpecifiedTradeSettlementMonetarySummation"
_MEANS = "SpecifiedTradeSettlementPaymentMeans"
_PATHS = {
    "invoice_number": (_DOCUMENT, "ID"),
    "invoice_date": (_DOCUMENT, "IssueDateTime", "DateTimeString"),
    "due_date": (_TRANSACTION, _SETTLEMENT, "SpecifiedTradePaymentTerms", "DueDateDateTime", "DateTimeString"),
    "purchase_order_number": (_TRANSACTION, _AGREEMENT, "BuyerOrderReferencedDocument", "IssuerAssignedID|ID"),
    "vendor_name": (_TRANSACTION, _AGREEMENT, "SellerTradeParty", "Name"),
    "customer_name": (_TRANSACTION, _AGREEMENT, "BuyerTradeParty", "Name"),
    "delivery_date": (
        _TRANSACTION,
        _DELIVERY,
        "ActualDeliverySupplyChainEvent",
        "OccurrenceDateTime",
        "DateTimeString",
    ),
    "service_period_start": (_TRANSACTION, _SETTLEMENT, "BillingSpecifiedPeriod", "StartDateTime", "DateTimeString"),
    "service_period_end": (_TRANSACTION, _SETTLEMENT, "BillingSpecifiedPeriod", "EndDateTime", "DateTimeString"),
    "currency": (_TRANSACTION, _SETTLEMENT, "InvoiceCurrencyCode"),
    "iban": (_TRANSACTION, _SETTLEMENT, _MEANS, "PayeePartyCreditorFinancialAccount", "IBANID"),
    "bic": (_TRANSACTION, _SETTLEMENT, _MEANS, "PayeeSpecifiedCreditorFinancialInstitution", "BICID"),
    "payment_reference": (_TRANSACTION, _SETTLEMENT, "PaymentReference"),
    "subtotal": (_TRANSACTION, _SETTLEMENT, _SUMS, "TaxBasisTotalAmount"),
    "tax_amount": (_TRANSACTION, _SETTLEMENT, _SUMS, "TaxTotalAmount"),
    "total_amount": (_TRANSACTION, _SETTLEMENT, _SUMS, "GrandTotalAmount"),
    "amount_due": (_TRANSACTION, _SETTLEMENT, _SUMS, "DuePayableAmount"),
}
_TAX_IDS = {"vendor_tax_id": "SellerTradeParty", "customer_tax_id": "BuyerTradeParty"}
_LINE_AGREEMENT = "SpecifiedLineTradeAgreement|SpecifiedSupplyChainTradeAgreement"
_LINE_DELIVERY = "SpecifiedLineTradeDelivery|SpecifiedSupplyChainTradeDelivery"
_LINE_SETTLEMENT = "SpecifiedLineTradeSettlement|SpecifiedSupplyChainTradeSettlement"
_LINE_PATHS = {
    "description": ("SpecifiedTradeProduct", "Name"),
    "item_code": ("SpecifiedTradeProduct", "SellerAssignedID"),
    "quantity": (_LINE_DELIVERY, "BilledQuantity"),
    "unit_price": (_LINE_AGREEMENT, "NetPriceProductTradePrice", "ChargeAmount"),
    "tax_rate": (_LINE_SETTLEMENT, "ApplicableTradeTax", "RateApplicablePercent|ApplicablePercent"),
    "amount": (
        _LINE_SETTLEMENT,
        "SpecifiedTradeSettlementLineMonetarySummation|SpecifiedTradeSettlementMonetarySummation",
        "LineTotalAmount",
    ),
}


@dataclass(frozen=True, slots=True)
class EInvoice:
    """What the XML says, by the names of the invoice's concepts, not yet normalised. `lines`: the same for each line item."""

    values: dict[str, str]
    lines: tuple[dict[str, str], ...]


class _Element:
    """A name without its namespace, the text directly inside, and the elements inside."""

    __slots__ = ("attributes", "children", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.text = ""
        self.children: list[_Element] = []

    def all(self, *path: str) -> Iterator["_Element"]:
        """The elements at a path of names, `|` between names that mean the same."""
        if not path:
            yield self
            return
        names = path[0].split("|")
        for child in self.children:
            if child.name in names:
                yield from child.all(*path[1:])

    def first(self, *path: str) -> str:
        """The text of the first element at a path that has any; empty when there is none."""
        return next((each.text.strip() for each in self.all(*path) if each.text.strip()), "")


class _Refused(Exception):
    """XML that is not read: too much of it, or more than elements and text."""


def read_einvoice(xml: bytes) -> EInvoice | None:
    """The invoice, or None when the XML is none, is damaged or asks for more than its limits. The same bytes give the same answer."""
    try:
        root = _parsed(xml)
    except (_Refused, expat.ExpatError, ValueError, LookupError):
        return None
    if root is None or root.name not in ("CrossIndustryInvoice", "CrossIndustryDocument"):
        return None
    values = {name: _readable(root.first(*path), name) for name, path in _PATHS.items()}
    agreement = (_TRANSACTION, _AGREEMENT)
    for name, party in _TAX_IDS.items():
        ids = list(root.all(*agreement, party, "SpecifiedTaxRegistration", "ID"))
        ids.sort(key=lambda each: each.attributes.get("schemeID") != "VA")  # the VAT number rather than the local one
        values[name] = ids[0].text.strip() if ids else ""
    lines: list[dict[str, str]] = []
    for line in root.all(_TRANSACTION, "IncludedSupplyChainTradeLineItem"):
        found = {name: line.first(*path) for name, path in _LINE_PATHS.items()}
        # A line without an amount only carries a note.
        if found["amount"] and len(lines) < _MOST_LINES:
            lines.append({name: value for name, value in found.items() if value})
    return EInvoice({name: value for name, value in values.items() if value}, tuple(lines))


def _readable(text: str, name: str) -> str:
    """Dates come as 20261123 (format 102 of UN/EDIFACT 2379)."""
    is_date = name.endswith(("_date", "_start", "_end"))
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}" if is_date and len(text) == 8 and text.isdigit() else text


def _parsed(xml: bytes) -> _Element | None:
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    outside = _Element("", {})
    open_elements = [outside]
    left = _MOST_ELEMENTS

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal left
        left -= 1
        if left < 0 or len(open_elements) > _DEEPEST:
            raise _Refused
        element = _Element(name.rpartition(" ")[2], attributes)
        open_elements[-1].children.append(element)
        open_elements.append(element)

    def end(_: str) -> None:
        open_elements.pop()

    def text(content: str) -> None:
        open_elements[-1].text += content

    def refuse(*_: object) -> None:
        raise _Refused

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    # Entities, and files from elsewhere, are only ever declared in a document type.
    parser.StartDoctypeDeclHandler = refuse
    parser.Parse(xml, True)
    return outside.children[0] if outside.children else None
