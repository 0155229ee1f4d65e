"""Billing periods and the page arithmetic of a submission (R44, R53)."""

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ingestio.domain.plans import UNLIMITED_STORED


@dataclass(frozen=True, slots=True)
class Usage:
    """One period's counters, in pages. `limit` None is unlimited."""

    id: str
    period_start: datetime
    period_end: datetime
    limit: int | None
    processed: int
    reserved: int

    @property
    def remaining(self) -> int | None:
        """Pages that can still be reserved; None is unlimited."""
        return None if self.limit is None else max(0, self.limit - self.processed - self.reserved)


def stored_limit(pages: int | None) -> int:
    """A plan's page limit as `user_usage.pages_limit` holds it."""
    return UNLIMITED_STORED if pages is None else pages


def read_limit(stored: int) -> int | None:
    """The reverse of `stored_limit`."""
    return None if stored == UNLIMITED_STORED else stored


def add_months(anchor: datetime, months: int) -> datetime:
    """`anchor` some months later, on the same day or the month's last: 31 January + 1 is 28 February, + 2 is 31 March."""
    years, month_index = divmod(anchor.month - 1 + months, 12)
    year, month = anchor.year + years, month_index + 1
    day = min(anchor.day, calendar.monthrange(year, month)[1])
    return anchor.replace(year=year, month=month, day=day)


def monthly_period(anchor: datetime, now: datetime) -> tuple[datetime, datetime]:
    """The monthly period, counted from `anchor`, in which `now` (not before it) lies: start inclusive, end exclusive."""
    months = max(0, (now.year - anchor.year) * 12 + now.month - anchor.month)
    if months and add_months(anchor, months) > now:
        months -= 1
    return add_months(anchor, months), add_months(anchor, months + 1)


def first_fit(pages: Sequence[int], remaining: int | None) -> list[bool]:
    """Which documents fit into `remaining` pages, taken in order: one that does not fit is passed over, later ones may still fit."""
    fits = []
    for count in pages:
        fit = remaining is None or count <= remaining
        if fit and remaining is not None:
            remaining -= count
        fits.append(fit)
    return fits
