"""Till rolls as tills print them: several totals, dates without a label, a tax invoice that is a receipt."""

from pathlib import Path

from ingestio.domain.evidence import FieldState
from ingestio.domain.fields import ExtractedField, Extraction
from ingestio.extraction.base import ExtractRequest
from ingestio.extraction.classify import classify_text
from ingestio.extraction.local.engine import extract_from
from tests.extraction.typed import typed

ROLL = """
KEDAI SERI AMAN
NO 12, JALAN MERANTI 3/2
47100 PUCHONG
TAX INVOICE
Inv No : CS00012456
14/03/2018 18:22
BREAD            3.70
MILO            35.00
EGGS            12.38
Sub Total       51.08
Rounding         0.02
Total Qty        3.00
Rounded         51.10
CASH            60.00
CHANGE           8.90
Goods may be returned until 21/03/2018
"""

VENDOR = ExtractRequest(Path("receipt"), "image/jpeg", 1, "receipt", "Extract the vendor")


def read(paper: str) -> Extraction:
    request = ExtractRequest(Path("receipt"), "image/jpeg", 1, None, "Extract the total, date and vendor")
    return extract_from(typed(paper), request)


def test_a_tax_invoice_on_a_till_roll_is_a_receipt() -> None:
    assert classify_text(typed(ROLL)).document_type == "receipt"


def test_the_total_is_what_was_given_less_what_was_given_back() -> None:
    assert read(ROLL).data["total"] == "51.10"


def test_an_amount_that_is_printed_nowhere_is_no_total() -> None:
    without = "\n".join(line for line in ROLL.splitlines() if not line.startswith(("Rounded", "Sub", "Total Qty")))
    assert read(without).data["total"] is None


def test_the_date_beside_the_time_is_that_of_the_purchase() -> None:
    assert read(ROLL).data["date"] == "2018-03-14"
    assert read(ROLL.replace("14/03/2018 18:22\n", "")).data["date"] is None


def test_the_shop_is_the_first_line() -> None:
    assert read(ROLL).data["vendor"] == "KEDAI SERI AMAN"


ISLAND = """
LIAN HUAT HARDWARE
83000 BATU PAHAT
CASH BILL
No. 11872    Date: 05-01-18
PIPE            14.00
WALL PLUG        6.50
SCREW           10.00
TOTAL SALES     30.50
DISCOUNT         0.50
TOTAL           30.00
CASH            50.00
BALANCE         20.00
"""


def test_a_balance_below_the_cash_is_what_came_back_and_not_the_total() -> None:
    request = ExtractRequest(Path("receipt"), "image/jpeg", 1, "receipt", "Extract the total")
    assert extract_from(typed(ISLAND), request).data["total"] == "30.00"


CORNER = """
WARTEG BAHARI
Jl. Kebon Jeruk No. 12, Jakarta
No Nota : 0031        19.22
NASI RAMES    2   44.000
ES TEH        2   12.000
TEMPE         1   20.000
SUBTOTAL          76.000
TOTAL             83.600
TUNAI            100.000
KEMBALI           16.400
"""


def test_thousands_are_thousands_where_only_the_time_has_two_digits_behind_the_mark() -> None:
    request = ExtractRequest(Path("receipt"), "image/jpeg", 1, "receipt", "Extract the total")
    assert extract_from(typed(CORNER), request).data["total"] == "83600.00"


NAMELESS = """
1x  MILK TEA     16,500
2x  TOAST        18,000
TOTAL            34,500
CASH             40,000
CHANGE            5,500
"""


def test_what_was_bought_is_not_the_shop() -> None:
    assert read(NAMELESS).data["vendor"] is None


def test_the_address_ends_where_the_purchase_begins() -> None:
    paper = """
MAPLE GROVE MARKET
1200 BLOOR ST W TORONTO
HST 81234 5678 RT0001
30/09/18 16:05:41
PEARS ST GREEN     4.12
PLATES PKG 12345   6.98
TOTAL             11.10
"""
    request = ExtractRequest(Path("receipt"), "image/jpeg", 1, "receipt", "Extract the merchant address")
    address = extract_from(typed(paper), request).data["merchant_address"]
    assert address is not None
    assert "BLOOR" in address
    assert "16:05" not in address
    assert "PEARS" not in address


def test_a_date_with_a_digit_misread_is_no_telephone_number() -> None:
    paper = "SATE KHAS SENAYAN\nTGL: 29/02/2828 WKT: 19.22\nTOTAL 198.000\n"
    request = ExtractRequest(Path("receipt"), "image/jpeg", 1, "receipt", "Extract the merchant phone")
    assert extract_from(typed(paper), request).data["merchant_phone"] is None


def test_a_bill_to_cash_is_a_receipt() -> None:
    paper = """
BATU HARDWARE SDN BHD
Company Reg No : 1022871-M
No. 31, Jalan Industri 1/3, 68100 Batu Caves, Selangor
TAX INVOICE
Bill To: CASH                          Inv No: SI-18200457
                                       Date: 09/02/2018
                                       Terms: C.O.D.
Item Description            Qty UOM    Price   Amount
1    CEMENT 50KG             6  BAG    17.50   105.00
2    PVC PIPE 4 CLASS D      2  LGTH   38.00    76.00
                        Total Excl. GST:       181.00
                        GST @ 6%:               10.86
                        Total Incl. GST:       191.86
Received the above goods in good order and condition
"""
    assert classify_text(typed(paper, confidence=0.94)).document_type == "receipt"


FOLIO = """
Pinewood Lodge
Guest Receipt
Printed 09/18/2020 10:40
Room charges     987.00
Spa              120.00
Total charges  1,107.00
Payment Visa  -1,107.00
Balance            0.00
"""


def test_a_balance_of_nothing_is_not_what_it_cost() -> None:
    assert read(FOLIO).data["total"] == "1107.00"


PUMP = """
SERI PURNAMA PETROL
81200 JOHOR BAHRU
DATE 03-25-18 6:41PM
32.728 L @ RM 2.200/L   {item}
TOTAL   RM   {total}
VISA    RM   {paid}
"""


def photographed(item: str, total: str, paid: str) -> ExtractedField:
    request = ExtractRequest(Path("receipt"), "image/jpeg", 1, "receipt", "Extract the total")
    return extract_from(typed(PUMP.format(item=item, total=total, paid=paid), confidence=0.94), request).fields[0]


def test_a_total_that_what_was_paid_contradicts_by_a_look_alike_figure_is_not_believed() -> None:
    assert photographed("72.00", "72.00", "72.00").state is FieldState.SUPPORTED
    assert photographed("72.08", "72.80", "72.08").value == "72.08"
    assert photographed("12.08", "72.80", "72.08").state is FieldState.UNSUPPORTED
    assert photographed("72.00", "72.08", "illegible").state is FieldState.UNSUPPORTED
    assert photographed("72.00", "72.00", "80.00").state is FieldState.SUPPORTED


PHO = """
QUÁN PH THANH HUONG
25 Lý Quôc Su, Hà Nôi
HÓA DON THANH TOÁN
Ngày: 25/03/2018  12:15
Ph bò tái        2   90,000
Trà dá           3   30,000
Tng cng:            120,000
Tin khách dua:      200,000
Cm on quý khách!
"""


def test_words_of_a_picture_whose_letters_the_recogniser_does_not_know_are_not_believed() -> None:
    request = ExtractRequest(Path("receipt"), "image/jpeg", 1, "receipt", "Extract the total, date and vendor")
    total, date, vendor = extract_from(typed(PHO, confidence=0.94), request).fields
    assert (total.value, total.state) == ("120000.00", FieldState.SUPPORTED)
    assert (date.value, date.state) == ("2018-03-25", FieldState.SUPPORTED)
    assert (vendor.value, vendor.state) == ("QUÁN PH THANH HUONG", FieldState.UNSUPPORTED)
    vendor = extract_from(typed(PHO), request).fields[2]
    assert vendor.state is FieldState.SUPPORTED  # text of the file itself


def test_a_name_whose_legal_form_was_misread_is_not_believed() -> None:
    (printed,) = extract_from(
        typed(ROLL.replace("KEDAI SERI AMAN", "SERI AMAN SDN BHD"), confidence=0.94), VENDOR
    ).fields
    (misread,) = extract_from(
        typed(ROLL.replace("KEDAI SERI AMAN", "SERI AMAN SDN SHD"), confidence=0.94), VENDOR
    ).fields
    assert (printed.value, printed.state) == ("SERI AMAN SDN BHD", FieldState.SUPPORTED)
    assert (misread.value, misread.state) == ("SERI AMAN SDN SHD", FieldState.UNSUPPORTED)


WEIGHED = """
GREENFIELD FARMERS MARKET
12/15/18  17:22
BANANAS ORGANIC
2.14 lb @ $0.79/lb         1.69 F
WHL MILK GAL               3.29 F
OIL FILTER
2 X 14.00                 28.00
SUBTOTAL                  32.98
TOTAL                     32.98
"""


def test_an_item_may_be_priced_in_the_line_below_its_name() -> None:
    request = ExtractRequest(Path("receipt"), "image/jpeg", 1, "receipt", None)
    items = extract_from(typed(WEIGHED), request).data["line_items"]
    assert [(each["description"], each["quantity"], each["unit_price"], each["amount"]) for each in items] == [
        ("BANANAS ORGANIC", "2.14", "0.79", "1.69"),
        ("WHL MILK GAL", None, None, "3.29"),
        ("OIL FILTER", "2", "14.00", "28.00"),
    ]


def test_a_date_whose_year_was_misread_is_told_and_not_believed() -> None:
    request = ExtractRequest(Path("receipt"), "image/jpeg", 1, "receipt", "Extract the date")
    (date,) = extract_from(typed(ROLL.replace("14/03/2018", "14/03/3018"), confidence=0.94), request).fields
    assert (date.value, date.state) == ("2018-03-14", FieldState.UNSUPPORTED)


CHEMIST = """
KAVERI CHEMISTS
22 Temple Street, Mysuru 570001
CASH BILL
Bill No: C-1187        Date: 04-03-2025
CETIRIZINE 10     2   18.20    36.40
COTTON ROLL       1   55.30    55.30
Gross                          91.70
{rounding}
   NET AMOUNT Rs. {net}
"""


def test_a_net_amount_that_is_rounded_is_what_was_paid() -> None:
    assert read(CHEMIST.format(rounding="Round off        0.30", net="92.00")).data["total"] == "92.00"
    assert read(CHEMIST.format(rounding="Discount         1.70", net="90.00")).data["total"] is None


CORNER_SHOP = """
CEDAR CORNER SHOP
88 King St E, Hamilton ON L8N 1A8
ENVELOPES         6.15
STAMPS           10.38
TOTAL            16.53
{word}          {paid}
DEBIT           {paid}
2026-04-11 10:12:40
"""


def test_what_is_called_rounded_below_a_total_is_what_was_paid() -> None:
    assert read(CORNER_SHOP.format(word="ROUNDED", paid="16.55")).data["total"] == "16.55"
    assert read(CORNER_SHOP.format(word="WITH TIP", paid="18.55")).data["total"] == "16.53"


KIOSK = """
THANDI'S KIOSK
4 Station Rd, Mdantsane
{phone}
Date: 21/11/2025,08:14:09
Bread            R18.00
Milk             R21.50
TOTAL            R39.50
Cash             R40.00
"""


def test_a_time_may_stand_behind_a_date_s_comma_and_a_telephone_tell_the_country() -> None:
    request = ExtractRequest(Path("receipt"), "image/jpeg", 1, "receipt")
    abroad = extract_from(typed(KIOSK.format(phone="+27 43 760 1188")), request).data
    assert abroad["receipt_date"] == "2025-11-21"
    assert abroad["receipt_time"] == "08:14:09"
    assert abroad["currency"] == "ZAR"
    assert extract_from(typed(KIOSK.format(phone="043 760 1188")), request).data["currency"] is None


MERCEARIA = """
MERCEARIA DO LARGO LDA
Rua Direita 14, 3000-112 Coimbra
NIF {tax_id}
{phone}
12/02/2026 17:20
CAFE MOIDO         4,20
ARROZ 1KG          1,35
TOTAL A PAGAR      5,55
{paid}             5,55
"""


def test_the_number_for_taxes_is_no_telephone_and_a_telephone_stays_one() -> None:
    request = ExtractRequest(Path("receipt"), "image/jpeg", 1, "receipt")
    silent = extract_from(typed(MERCEARIA.format(tax_id="507118034", phone="", paid="Dinheiro")), request).data
    assert (silent["merchant_tax_id"], silent["merchant_phone"]) == ("507118034", None)
    called = typed(MERCEARIA.format(tax_id="507118034", phone="Tel 239 811 204", paid="Dinheiro"))
    assert extract_from(called, request).data["merchant_phone"] == "239 811 204"


def test_a_card_has_many_names() -> None:
    request = ExtractRequest(Path("receipt"), "image/jpeg", 1, "receipt")
    for card in ("Cartao de Debito", "Cartão", "Bankkort", "Kort"):
        paper = typed(MERCEARIA.format(tax_id="507118034", phone="", paid=card))
        assert extract_from(paper, request).data["payment_method"] == card


def test_the_number_of_an_article_is_no_quantity() -> None:
    items = extract_from(
        typed("""
CORNER MARKET
14 Elm St
Dayton, OH 45402
05/12/19 17:45
BREAD        007874235186     2.88
MILK         007874201243     3.12
EGGS         12               4.15
TOTAL                        10.15
CASH                         20.15
CHANGE                       10.00
"""),
        ExtractRequest(Path("receipt"), "image/jpeg", 1, "receipt", None),
    ).data["line_items"]
    assert [(each["description"], each["quantity"], each["amount"]) for each in items] == [
        ("BREAD", None, "2.88"),
        ("MILK", None, "3.12"),
        ("EGGS", "12", "4.15"),
    ]
