"""Dates in seven languages and both orders."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestio.extraction.dates import DateOrder, find_dates, find_days, find_months, order_from_dates, parse_date
from ingestio.extraction.habits import habits_of


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Rechnungsdatum 7. Mai 2014", "2014-05-07"),
        ("Facture n°562 du 02 Juillet 2015", "2015-07-02"),
        ("le 1er juillet 2015", "2015-07-01"),
        ("3 de marzo de 2023", "2023-03-03"),
        ("15 settembre 2022", "2022-09-15"),
        ("19 april 2014", "2014-04-19"),
        ("8 de maio de 2023", "2023-05-08"),
        ("November 23rd, 2026", "2026-11-23"),
        ("the 23rd day of November, 2026", "2026-11-23"),
        ("23-Nov-26", "2026-11-23"),
        ("2014-07-03", "2014-07-03"),
        ("26.10.22", "2022-10-26"),
        ("August 3 , 2021", "2021-08-03"),
        ("2026年11月23日", "2026-11-23"),
        ("03/20/2023", "2023-03-20"),
        ("31/12/2017", "2017-12-31"),
        ("14 Ogos 2018", "2018-08-14"),
        ("3 Agustus 2019", "2019-08-03"),
        # Recognised print: the time behind without its blank, the label before, letters for digits.
        ("25/12/20188:13:39PM", "2018-12-25"),
        ("13-01-1921:13", "2019-01-13"),
        ("2018-03-2319:48:38", "2018-03-23"),
        ("27Jun'1711:26AM", "2017-06-27"),
        ("30.6.201810.15PM", "2018-06-30"),
        ("DateFeb08,2021", "2021-02-08"),
        ("Date14/12/18", "2018-12-14"),
        ("14/12/2O18", "2018-12-14"),
        ("14 0CT 2018", "2018-10-14"),
        ("10/Oct/2000:13:55:36", "2000-10-10"),
    ],
)
def test_a_date_is_found_as_it_is_written(text: str, value: str) -> None:
    assert [found.value for found in find_dates(text)] == [value]


@pytest.mark.parametrize(
    "text",
    [
        "HC03-7-15",
        "03-7 - 15",
        "4 May 12:30",
        "1.234.56",
        "10.20.30.40",
        "Tel 030 12 34 56 78",
        "1-2-3-4",
        "32.13.2020",
        "20181230",
        "12,50",
        "version 2.10",
    ],
)
def test_what_only_looks_like_a_date_is_none(text: str) -> None:
    assert find_dates(text) == []


def test_both_dates_of_a_range_are_found() -> None:
    assert [found.value for found in find_dates("01.05.14-31.05.14")] == ["2014-05-01", "2014-05-31"]


def test_an_ambiguous_date_keeps_both_readings() -> None:
    (found,) = find_dates("03/04/2026")
    assert found.ambiguous
    assert set(found.readings) == {"2026-04-03", "2026-03-04"}


def test_the_document_s_order_decides_an_ambiguous_date() -> None:
    assert find_dates("03/04/2026", DateOrder.MONTH_FIRST)[0].readings == ("2026-03-04",)
    assert find_dates("03/04/2026", DateOrder.DAY_FIRST)[0].readings == ("2026-04-03",)


def test_full_stops_are_never_month_first() -> None:
    assert find_dates("03.04.2026", DateOrder.MONTH_FIRST)[0].readings == ("2026-04-03",)


def test_an_unambiguous_date_proves_the_order_and_contradictions_prove_nothing() -> None:
    assert order_from_dates(["31/12/2017", "01/02/2018"]) is DateOrder.DAY_FIRST
    assert order_from_dates(["03/20/2023"]) is DateOrder.MONTH_FIRST
    assert order_from_dates(["03/20/2023", "20/03/2023"]) is None
    assert order_from_dates(["03/04/2023"]) is None


def test_a_date_that_is_printed_once_more_without_doubt_settles_the_order() -> None:
    assert order_from_dates(["02/08/15 16:06", "2015/02/08 16:06 0258"]) is DateOrder.MONTH_FIRST
    assert order_from_dates(["02/08/2015", "Paid on 2 August 2015"]) is DateOrder.DAY_FIRST
    assert order_from_dates(["02/08/2015", "2016-02-08"]) is None
    assert order_from_dates(["02/08/15", "2015-02-08", "19/08/14"]) is DateOrder.DAY_FIRST


def test_a_weekday_beside_it_proves_the_order_of_a_date() -> None:
    assert order_from_dates(["Fri 04/07/2017"]) is DateOrder.MONTH_FIRST
    assert order_from_dates(["04/07/2017 (Tue)"]) is DateOrder.DAY_FIRST
    assert order_from_dates(["Sun 04/07/2017"]) is None


def test_months_and_years_are_as_precise_as_written() -> None:
    assert [each.value for each in find_months("Mar 2019 – Present")] == ["2019-03"]
    assert [each.value for each in find_months("05/2015 – 07/2018")] == ["2015-05", "2018-07"]
    assert [each.value for each in find_months("2013 – 2015")] == ["2013", "2015"]
    assert find_months("April to May 1581") == []  # a résumé of fiction: no field takes such a date


def test_days_without_a_year_are_found_and_amounts_are_not() -> None:
    assert [each.value for each in find_days("01.10. Miete 12.05")] == ["--10-01"]
    assert [each.value for each in find_days("1 Oct Card payment")] == ["--10-01"]
    assert find_days("2 x 3.50, 12.50") == []


@pytest.mark.parametrize("text", ["2026-13-01", "Net 30", "", "2026-02-30", "23 November 2026 or later"])
def test_a_text_that_is_no_date_parses_to_none(text: str) -> None:
    assert parse_date(text) is None


@given(
    st.dates(date(1900, 1, 1), date(2199, 12, 31)),
    st.sampled_from(["%Y-%m-%d", "%d.%m.%Y", "%d %B %Y", "%B %d, %Y", "%d-%b-%Y", "%Y/%m/%d"]),
)
def test_every_date_is_read_back_from_every_writing(day: date, writing: str) -> None:
    assert parse_date(day.strftime(writing)) == day.isoformat()


def test_letters_alone_and_number_signs_are_no_language() -> None:
    lines = ["Phoenix, AZ 85034", "Invoice #", "10/4/2013", "P.O. Number", "F.O.B.", "Phone #", "Fax #", "$1,912.50"]
    habits = habits_of(lines, [(612.0, 792.0)])
    assert (habits.language, habits.date_order) == (None, DateOrder.MONTH_FIRST)


@pytest.mark.parametrize(
    ("text", "value"),
    [("0ct 2720181:05 PM", "2018-10-27"), ("Nov 092019", "2019-11-09"), ("0CT 27, 2018", "2018-10-27")],
)
def test_a_date_whose_blanks_are_lost_is_read(text: str, value: str) -> None:
    assert [each.value for each in find_dates(text)] == [value]


@pytest.mark.parametrize("text", ["TGL: 28/02/2819", "28.02.3019", "2819-02-28"])
def test_a_year_of_centuries_to_come_is_looked_for_only_where_it_may_be_misread(text: str) -> None:
    assert not find_dates(text, DateOrder.DAY_FIRST)
    assert [each.value for each in find_dates(text, DateOrder.DAY_FIRST, misread=True)] == ["2019-02-28"]


def test_a_year_that_may_be_one_of_several_is_not_mended() -> None:
    assert not find_dates("28/02/2828", misread=True)  # of 2020 and 2028 either may be printed
    assert find_dates("28/02/2019", misread=True) == find_dates("28/02/2019")
