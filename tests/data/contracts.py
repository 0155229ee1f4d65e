"""Contracts: a services agreement with numbered clauses, and a non-disclosure agreement that is only seen as a fax."""

from collections.abc import Sequence
from datetime import date

from tests.data.paper import GREY, INK, TIMES, VERA, Face, Sheet, draw_pdf
from tests.data.prose import Flow, sections
from tests.data.trade import Made
from tests.data.writing import GB_LONG, US_LONG

SERVICES = """
# Definitions

“Confidential Information” means all information, in any form, that one party discloses to the other in connection
with this Agreement and that is marked confidential or would reasonably be understood to be so.

“Deliverables” means the reports, software configurations and other materials that the Supplier prepares for the
Client under a Statement of Work.

“Statement of Work” means a document signed by both parties that describes Services, their schedule and their price,
and refers to this Agreement.

# Services

The Supplier shall provide to the Client the data engineering and maintenance services described in each Statement of
Work (the “Services”) with reasonable care and skill and by suitably qualified personnel.

The Supplier may engage subcontractors with the Client's prior written consent and remains responsible for their work
as for its own.

Dates for performance are estimates unless a Statement of Work states that time is of the essence.

# Fees and payment

The Client shall pay the Supplier a monthly retainer of £7,450.00, exclusive of VAT, and for work outside the retainer
at the daily rate of £685.00.

The Supplier invoices monthly in arrears. Undisputed invoices are payable within thirty (30) days of receipt.

Amounts overdue bear interest at four per cent (4%) per annum above the base rate of the Bank of England from time to
time.

# Term and termination

This Agreement commences on the Effective Date and continues for an initial term of twenty-four (24) months, unless
terminated earlier in accordance with this clause.

After the initial term it renews for successive periods of twelve (12) months unless either party gives at least
ninety (90) days' written notice before the end of the current period.

Either party may terminate this Agreement with immediate effect by written notice if the other commits a material
breach and, where the breach can be remedied, fails to remedy it within thirty (30) days of being asked to do so.

On termination the Supplier shall hand over all Deliverables, finished or not, for which the Client has paid.

# Confidentiality

Each party shall keep the other's Confidential Information secret, use it only for the purposes of this Agreement, and
disclose it only to those of its personnel and advisers who need to know it and are bound by like duties.

These duties do not apply to information that is or becomes public without breach, was already lawfully known, is
independently developed, or must be disclosed by law.

The duties in this clause survive termination for five (5) years.

# Data protection

Where the Supplier processes personal data on behalf of the Client it does so only on documented instructions, keeps
the data secure by appropriate technical and organisational measures, and notifies the Client of a personal data
breach without undue delay and in any event within forty-eight (48) hours.

The Supplier shall not transfer personal data outside the United Kingdom without the Client's prior written consent.

# Intellectual property

Rights in the Deliverables pass to the Client on payment of the fees for them. Rights in tools and know-how that
existed before this Agreement remain with the party that owned them.

The Supplier grants the Client a perpetual, non-exclusive, royalty-free licence of any pre-existing material embedded
in the Deliverables.

# Liability

Nothing in this Agreement limits liability for death or personal injury caused by negligence, for fraud, or for
anything else for which liability cannot be limited by law.

Subject to that, each party's total liability in any contract year shall not exceed one hundred and fifty per cent
(150%) of the fees payable in that year, and neither party is liable for loss of profit or for indirect loss.

# Insurance

The Supplier shall maintain professional indemnity insurance of not less than £2,000,000 for each claim during the
term and for six (6) years afterwards.

# General

This Agreement and its Statements of Work are the entire agreement between the parties about their subject. Changes
must be in writing and signed by both parties.

Neither party may assign this Agreement without the other's written consent, which shall not be unreasonably withheld.

Notices must be in writing and delivered by hand or by recorded post to the registered office of the recipient, and
are deemed received on the second working day after posting.

A person who is not a party to this Agreement has no right to enforce any of its terms.

# Governing law and jurisdiction

This Agreement and any dispute or claim arising out of it are governed by the laws of England and Wales.

The courts of England and Wales have exclusive jurisdiction.
"""

NDA = """
# Purpose

The parties wish to explore a possible supply of recycled polymer feedstock (the “Purpose”) and may disclose to each
other information that each considers confidential.

# Confidential Information

“Confidential Information” means non-public technical, commercial and financial information disclosed by either party,
in writing, orally or by inspection, that is designated confidential or should reasonably be understood to be so.

# Obligations

The receiving party shall (a) use Confidential Information solely for the Purpose, (b) not disclose it to third
parties without prior written consent, and (c) protect it with no less than reasonable care. It may share it with
employees and advisers who need to know it and are bound by obligations at least as protective.

# Exclusions

Confidential Information does not include information that is or becomes publicly available without breach, was known
to the receiving party before disclosure, is received from a third party without restriction, or is independently
developed.

# Compelled disclosure

If required by law to disclose Confidential Information, the receiving party shall give prompt notice, where lawful,
and disclose only what is required.

# Return of materials

On request, the receiving party shall return or destroy all Confidential Information in its possession and confirm in
writing that it has done so.

# Term

This Agreement remains in effect for three (3) years from the Effective Date. Obligations regarding trade secrets
continue for as long as the information remains a trade secret.

# No licence

Nothing in this Agreement grants any right in patents, trademarks or copyrights, or obliges either party to enter into
any further agreement.

# Remedies

The parties agree that damages may be an inadequate remedy and that injunctive relief may be sought without proof of
actual damage.

# Governing law

This Agreement is governed by the laws of the State of Oregon, without regard to its conflict of laws rules.

# Entire agreement

This Agreement is the entire understanding of the parties about its subject and may be amended only in writing signed
by both. It may be signed in counterparts and by facsimile.
"""


def signatures(flow: Flow, parties: Sequence[tuple[str, str, str]], signed: str, *, inked: bool = False) -> None:
    """Two columns of signature lines: party, name and title, date."""
    flow.room(130)
    flow.space(26)
    width = (flow.right - flow.left) / 2
    for index, (party, name, title) in enumerate(parties):
        x = flow.left + index * width
        sheet, y = flow.sheet, flow.y
        sheet.text(x, y, "Signed for and on behalf of", 9.5, color=GREY)
        sheet.text(x, y + 14, party, 10, bold=True)
        if inked:
            sheet.signature(x + 12, y + 46, name)
        sheet.rule(x, y + 54, x + width - 30, color=INK)
        sheet.lines(x, y + 67, (f"Name: {name}", f"Title: {title}", f"Date: {signed}"), 9.5, leading=13.5)
    flow.space(110)


def services_agreement() -> Made:
    """A master services agreement of several pages with numbered clauses."""
    left, right = 76.0, 519.0
    client, supplier = "Larkfield Housing Association Limited", "Brindle & Marsh Data Services LLP"
    effective = date(2026, 2, 16)

    def turn(sheet: Sheet) -> float:
        sheet.next_page()
        return furniture(sheet)

    def furniture(sheet: Sheet) -> float:
        sheet.text(left, 52, "Master Services Agreement", 8.5, italic=True, color=GREY)
        sheet.text(right, 52, "BM/LHA/2026-04", 8.5, color=GREY, align="right")
        sheet.text(
            (left + right) / 2, 806, f"Page {sheet.page_number} of {sheet.page_total}", 8.5, color=GREY, align="center"
        )
        return 84

    def draw(sheet: Sheet) -> None:
        furniture(sheet)
        sheet.text((left + right) / 2, 116, "MASTER SERVICES AGREEMENT", 17, bold=True, align="center", spacing=0.8)
        flow = Flow(sheet, left, right, 156, 776, turn)
        flow.paragraph(
            f"This Agreement is made on {GB_LONG.date(effective)} (the “Effective Date”) between:", 11.5, after=8
        )
        first = f"{client}, a registered society (No. 99107R) whose registered office is at 2 Assembly Square, Leicester LE99 1QT"
        second = f"{supplier}, a limited liability partnership (No. OC990412) whose registered office is at 17 Tenter Yard, Derby DE99 3LN"
        flow.paragraph(f"{first} (the “Client”); and", 11.5, label="(1)", indent=32)
        flow.paragraph(f"{second} (the “Supplier”).", 11.5, label="(2)", indent=32, after=8)
        flow.paragraph(
            "The Client wishes to obtain, and the Supplier is willing to provide, certain services on the terms of this Agreement. "
            "The parties agree as follows:",
            11.5,
        )
        for number, (title, clauses) in enumerate(sections(SERVICES), 1):
            flow.heading(f"{number}.  {title}", 12.5)
            for part, clause in enumerate(clauses, 1):
                flow.paragraph(clause, 11.5, label=f"{number}.{part}", indent=32, after=6)
        signatures(
            flow,
            ((client, "Harriet Olusoga", "Chief Executive"), (supplier, "Martin Brindle", "Managing Partner")),
            GB_LONG.date(effective),
        )

    content = draw_pdf(draw, title="Master Services Agreement", author=supplier, face=TIMES)
    fields = {
        "title": "MASTER SERVICES AGREEMENT",
        "parties[0].name": client,
        "parties[1].name": supplier,
        "effective_date": effective.isoformat(),
        "term": "twenty-four (24) months",
        "governing_law": "England and Wales",
    }
    return Made("Larkfield-Brindle-MSA-2026.pdf", content, {"document_type": "contract", "pages": 3, "fields": fields})


def nda_pages(face: Face = VERA) -> tuple[dict[str, str], bytes]:
    """A mutual non-disclosure agreement with signatures, three pages to be scanned: its expected fields and the pages."""
    left, right = 72.0, 523.0
    parties = ("Cascadia Polymers, Inc.", "Rowan Street Packaging Co.")
    effective = date(2026, 1, 20)

    def turn(sheet: Sheet) -> float:
        sheet.next_page()
        sheet.text((left + right) / 2, 806, f"{sheet.page_number} / {sheet.page_total}", 9, align="center")
        return 90

    def draw(sheet: Sheet) -> None:
        sheet.text((left + right) / 2, 110, "MUTUAL NON-DISCLOSURE AGREEMENT", 15, bold=True, align="center")
        sheet.text((left + right) / 2, 806, f"1 / {sheet.page_total}", 9, align="center")
        flow = Flow(sheet, left, right, 150, 770, turn)
        flow.paragraph(
            f"This Mutual Non-Disclosure Agreement is entered into as of {US_LONG.date(effective)} (the “Effective Date”) by and between "
            f"{parties[0]}, an Oregon corporation with its principal place of business at 6100 Slough Road, Portland, Oregon, and "
            f"{parties[1]}, a Washington corporation with its principal place of business at 19 Rowan Street, Tacoma, Washington.",
            13,
            after=12,
        )
        for number, (title, paragraphs) in enumerate(sections(NDA), 1):
            flow.heading(f"{number}. {title}", 13.5, before=12)
            flow.paragraph(paragraphs[0], 13, after=10)
        people = ((parties[0], "Dolores Whitcombe", "VP Operations"), (parties[1], "Kenji Abara", "President"))
        signatures(flow, people, US_LONG.date(effective), inked=True)

    content = draw_pdf(draw, title="Mutual Non-Disclosure Agreement", author=parties[0], face=face)
    fields = {
        "title": "MUTUAL NON-DISCLOSURE AGREEMENT",
        "parties[0].name": parties[0],
        "parties[1].name": parties[1],
        "effective_date": effective.isoformat(),
        "term": "three (3) years",
        "governing_law": "State of Oregon",
    }
    return fields, content
