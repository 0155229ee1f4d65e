"""A letter, a report and a resume."""

from datetime import date

from tests.data.paper import GREY, HELVETICA, INK, TIMES, Column, Sheet, draw_pdf
from tests.data.prose import Flow, sections
from tests.data.tables import Look, ruled_table
from tests.data.trade import Made
from tests.data.writing import GB_LONG

BODY = """
Thank you for your letter of 3 March and for the photographs that came with it. Our surveyor, Mr Ellery Vaughan,
visited the churchyard wall on Tuesday last and has now given me his findings.

The wall is sound for most of its length. Between the lychgate and the yew, however, some four metres lean outwards by
up to eleven centimetres, and the coping stones there are loose. He recommends that the path below be closed to the
public until the stones have been taken down, which our own masons can do in the week of 20 April without charge to
the parish.

Rebuilding the leaning section in lime mortar, with the existing stone, would cost in the region of £6,800. The Trust
is able to meet half of that sum from its fabric fund, provided that the work is approved by the diocese and begun
before the end of September.

I should be glad to meet you and the churchwardens to talk this through. Would Thursday 16 April at two o'clock suit
you?
"""


def letter() -> Made:
    """A typed letter on a trust's paper: sender, recipient, reference, subject, signature."""
    left, right, accent = 82.0, 513.0, "#4a3b6b"
    written = date(2026, 3, 26)

    def draw(sheet: Sheet) -> None:
        middle = (left + right) / 2
        sheet.text(middle, 66, "The Wenlock Edge Heritage Trust", 19, font=TIMES.bold, color=accent, align="center")
        address = "The Old Toll House · Much Wenlock · Shropshire TF99 6AB"
        sheet.text(middle, 82, address, 9, color=GREY, align="center")
        sheet.text(
            middle, 94, "Telephone 01632 960 505 · office@wenlock-heritage.example", 9, color=GREY, align="center"
        )
        sheet.rule(left, 104, right, color=accent)
        sheet.lines(
            left,
            140,
            ("The Reverend Catherine Amberley", "The Vicarage", "Church Lane", "Stanton Lacy", "Shropshire SY99 2DW"),
            11,
            leading=15,
        )
        sheet.text(right, 140, GB_LONG.date(written), 11, align="right")
        sheet.text(right, 155, "Our ref: WET/26/0319", 9.5, color=GREY, align="right")
        sheet.text(left, 246, "Dear Reverend Amberley,", 11)
        sheet.text(left, 272, "Repairs to the churchyard wall at Stanton Lacy", 11.5, bold=True)
        flow = Flow(sheet, left, right, 296, 770, lambda page: page.height)
        for text in sections(BODY)[0][1]:
            flow.paragraph(text, 11, after=8)
        flow.paragraph("Yours sincerely,", 11)
        sheet.signature(left + 4, flow.y + 26, "Philippa Garraway")
        sheet.lines(left, flow.y + 54, ("Dr Philippa Garraway", "Director"), 11, leading=15)
        sheet.text(left, 782, "Enc: surveyor's notes (2 pages)", 9.5, color=GREY)

    content = draw_pdf(
        draw, title="Repairs to the churchyard wall", author="The Wenlock Edge Heritage Trust", face=TIMES
    )
    fields = {
        "sender_name": "The Wenlock Edge Heritage Trust",
        "recipient_name": "The Reverend Catherine Amberley",
        "letter_date": written.isoformat(),
        "subject": "Repairs to the churchyard wall at Stanton Lacy",
        "reference": "WET/26/0319",
        "signatory": "Dr Philippa Garraway",
    }
    return Made("letter-wenlock-heritage.pdf", content, {"document_type": "letter", "pages": 1, "fields": fields})


SECTIONS = """
# Executive summary

Between April and September 2026 the six counters on the Rivermead greenway registered 412,806 trips, 14 per cent more
than in the same months of 2025. Weekday commuting accounts for most of the growth; leisure use at weekends was flat,
which we attribute to a wet July.

The section between Tannery Bridge and the station remains the bottleneck. At peak hours it carries 380 people an hour
on a path two metres wide, and one in three users questioned there described it as uncomfortable or unsafe.

We recommend widening that section to four metres, moving the lamp standards to the embankment side, and counting for
another twelve months before any decision about the western extension.

# Method

Six infrared counters recorded passages in both directions in intervals of fifteen minutes. Each was checked against
manual counts on two days in May and two in August; the correction factors lie between 0.96 and 1.09.

In addition, 614 people were interviewed at four places on eight days. The questionnaire is reproduced in the annex of
the full edition.

# Results

Trips by counter are shown in Table 1. Growth was strongest at the station, where the new bicycle parking opened in
March, and weakest at the weir, where the path was closed for repairs for eleven days in June.

# Discussion

The counters measure passages, not people: somebody who rides to work and back is counted twice at each counter. The
interviews suggest that a trip passes 2.3 counters on average, so the number of journeys is roughly 180,000.

The rise in commuting coincides with the closure of the Mill Lane car park. Whether the new users stay once it reopens
in the spring cannot be answered from the present data.

# Recommendations

1. Widen the path between Tannery Bridge and the station to four metres (estimated cost £410,000).

2. Move eleven lamp standards to the embankment side while the works are under way.

3. Continue counting at all six places until September 2027 and repeat the interviews in May.
"""
COUNTS = (
    ("Station", 88214, 113930),
    ("Tannery Bridge", 97402, 112655),
    ("Allotments", 51877, 57010),
    ("Weir", 39120, 38266),
    ("Sports ground", 46331, 50244),
    ("Western gate", 38911, 40701),
)


def report() -> Made:
    """A consultant's report: title page block, sections, a table and a bar chart."""
    left, right, accent = 70.0, 525.0, "#0b5563"

    def furniture(sheet: Sheet) -> float:
        sheet.text(left, 800, "Rivermead Greenway: use and comfort, summer 2026", 8, color=GREY)
        sheet.text(right, 800, f"{sheet.page_number}", 8, color=GREY, align="right")
        return 84

    def turn(sheet: Sheet) -> float:
        sheet.next_page()
        return furniture(sheet)

    def chart(flow: Flow) -> None:
        flow.room(190)
        sheet, top = flow.sheet, flow.y + 6
        sheet.text(left, top, "Figure 1. Trips by counter, April to September (thousands)", 9, bold=True)
        for index, (name, before, after) in enumerate(COUNTS):
            y = top + 16 + index * 25
            sheet.text(left + 82, y + 10, name, 8.5, align="right")
            sheet.box(left + 90, y, before / 400, 8, fill="#b9d3d8", border=None)
            sheet.box(left + 90, y + 9, after / 400, 8, fill=accent, border=None)
            sheet.text(left + 96 + after / 400, y + 16.5, f"{after / 1000:.1f}", 8)
        flow.space(178)
        sheet.text(left + 90, flow.y, "Light: 2025    Dark: 2026", 8, color=GREY)
        flow.space(18)

    def draw(sheet: Sheet) -> None:
        furniture(sheet)
        sheet.box(0, 0, sheet.width, 150, fill=accent, border=None)
        sheet.text(left, 62, "REPORT", 9, bold=True, color="#bfe0e5", spacing=2)
        sheet.text(left, 92, "Rivermead Greenway", 26, bold=True, color="#ffffff")
        sheet.text(left, 116, "Use and comfort of the path, summer 2026", 13, color="#e3f1f3")
        sheet.text(left, 178, "Prepared for Rivermead Borough Council", 10, bold=True)
        sheet.text(left, 193, "Author: Ines Okafor-Lindqvist, Slowlane Mobility Research", 10)
        sheet.text(left, 208, "Date: 30 October 2026", 10)
        flow = Flow(sheet, left, right, 236, 770, turn)
        for number, (title, paragraphs) in enumerate(sections(SECTIONS), 1):
            flow.heading(f"{number}  {title}", 14, before=14, color=accent)
            for text in paragraphs:
                flow.paragraph(text, 10.5, after=7)
            if title == "Results":
                flow.room(200)
                sheet.text(left, flow.y + 6, "Table 1. Trips by counter, April to September", 9, bold=True)
                columns = (
                    Column("Counter", left + 4, 140),
                    Column("2025", 330, 70, "right"),
                    Column("2026", 420, 70, "right"),
                    Column("Change", right - 4, 60, "right"),
                )
                rows = [(name, f"{old:,}", f"{new:,}", f"{(new - old) / old:+.1%}") for name, old, new in COUNTS]
                olds, news = sum(row[1] for row in COUNTS), sum(row[2] for row in COUNTS)
                rows.append(("All counters", f"{olds:,}", f"{news:,}", f"{(news - olds) / olds:+.1%}"))
                look = Look(size=9, head_rule=accent, padding=5)
                flow.y = (
                    ruled_table(sheet, flow.y + 12, columns, rows, left=left, right=right, bottom=790, look=look) + 22
                )
                chart(flow)

    content = draw_pdf(draw, title="Rivermead Greenway", author="Slowlane Mobility Research", face=HELVETICA)
    fields = {
        "title": "Rivermead Greenway",
        "authors[0]": "Ines Okafor-Lindqvist",
        "report_date": "2026-10-30",
        "organization": "Slowlane Mobility Research",
    }
    return Made("report-rivermead-greenway.pdf", content, {"document_type": "report", "pages": 2, "fields": fields})


WORK = (
    ("Staff Platform Engineer", "Fjordlink Telecom AS", "Oslo", "2022-03", "", "March 2022", "Present", (
        "Lead the team of six that runs the event platform behind 40 services (1.2 billion messages a day).",
        "Cut the cost of storage by 38% by tiering cold topics to object storage.",
        "Introduced game days; median time to recovery fell from 52 to 14 minutes.",
    )),
    ("Senior Software Engineer", "Havbris Analytics", "Bergen", "2018-08", "2022-02", "August 2018", "February 2022", (
        "Designed the pipeline that turns vessel positions into port forecasts, in Python and Rust.",
        "Mentored four engineers and ran the hiring loop for the data group.",
    )),
    ("Software Developer", "Kystverk Systems", "Trondheim", "2015-09", "2018-07", "September 2015", "July 2018", (
        "Built the booking service for pilot boats and its offline mobile client.",
    )),
)  # fmt: skip
SKILLS = ("Python", "Rust", "Kafka", "PostgreSQL", "Kubernetes", "Terraform", "Observability", "Technical writing")
STUDIES = (
    ("MSc, Computer Science", "Norwegian Fjord University", "2013", "2015"),
    ("BSc, Mathematics", "University of Nordfold", "2010", "2013"),
)


def resume() -> Made:
    """A resume of one page: contact line, summary, work with bullets, education, skills, languages."""
    left, right, accent = 62.0, 533.0, "#1e3a5f"

    def draw(sheet: Sheet) -> None:
        sheet.text(left, 72, "Ingrid Solheim Bakke", 24, bold=True, color=accent)
        sheet.text(left, 91, "Platform engineer", 12, color=GREY)
        contact = "ingrid.bakke@postkasse.example   |   +47 999 40 118   |   Oslo, Norway   |   ingridbakke.example"
        sheet.text(left, 111, contact, 9)
        sheet.rule(left, 120, right, color=accent, weight=1.2)
        flow = Flow(sheet, left, right, 132, 800, lambda page: page.height)

        def section(title: str) -> None:
            flow.heading(title.upper(), 10.5, before=12, color=accent)

        section("Summary")
        flow.paragraph(
            "Engineer with eleven years in telecoms and shipping. "
            "I build data platforms that small teams can run, and I like to leave them simpler than I found them.",
            9.8,
        )
        section("Experience")
        for position, employer, place, _, _, begin, end, bullets in WORK:
            sheet.text(left, flow.y, position, 10.5, bold=True)
            sheet.text(right, flow.y, f"{begin} – {end}", 9.5, color=GREY, align="right")
            sheet.text(left, flow.y + 13, f"{employer}, {place}", 9.8, italic=True)
            flow.space(28)
            for bullet in bullets:
                flow.paragraph(bullet, 9.8, label="•", indent=12, after=1.5)
            flow.space(8)
        section("Education")
        for degree, school, begin, end in STUDIES:
            sheet.text(left, flow.y, degree, 10, bold=True)
            sheet.text(left, flow.y + 13, school, 9.8)
            sheet.text(right, flow.y, f"{begin} – {end}", 9.5, color=GREY, align="right")
            flow.space(31)
        section("Skills")
        flow.paragraph(", ".join(SKILLS), 9.8)
        section("Languages")
        flow.paragraph("Norwegian (native), English (fluent), German (conversational)", 9.8)
        section("Talks")
        flow.paragraph("“Cheap retention: cold storage for event logs”, NordicOps 2025", 9.8)
        sheet.text(left, 806, "References on request.", 8.5, color=INK)

    content = draw_pdf(draw, title="Ingrid Solheim Bakke, CV", author="Ingrid Solheim Bakke")
    fields = {
        "name": "Ingrid Solheim Bakke",
        "label": "Platform engineer",
        "email": "ingrid.bakke@postkasse.example",
        "phone": "+47 999 40 118",
        "location": "Oslo, Norway",
    }
    for index, (position, employer, _, begin_iso, end_iso, *_) in enumerate(WORK):
        fields[f"work[{index}].name"] = employer
        fields[f"work[{index}].position"] = position
        fields[f"work[{index}].start_date"] = begin_iso
        if end_iso:
            fields[f"work[{index}].end_date"] = end_iso
    for index, (degree, school, begin, end) in enumerate(STUDIES):
        fields[f"education[{index}].institution"] = school
        fields[f"education[{index}].study_type"] = degree
        fields[f"education[{index}].start_date"] = begin
        fields[f"education[{index}].end_date"] = end
    for index, skill in enumerate(SKILLS):
        fields[f"skills[{index}]"] = skill
    return Made("CV_Ingrid_Solheim_Bakke.pdf", content, {"document_type": "resume", "pages": 1, "fields": fields})
