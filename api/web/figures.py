"""Numbers, sizes and dates as pages write them: always the same way, so that columns align and eyes can compare."""

from datetime import UTC, date, datetime


def number(value: int) -> str:
    """1234567 -> 1,234,567."""
    return f"{value:,}"


def count(value: int, one: str, many: str | None = None) -> str:
    """3, "page" -> 3 pages."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def size(size_bytes: int) -> str:
    """A file's size in the unit that keeps it short."""
    if size_bytes < 1000:
        return f"{size_bytes} B"
    value = float(size_bytes)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.5 or unit == "GB":
            return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"
    raise AssertionError("unreachable")


def duration(seconds: float) -> str:
    """132 -> 2 min 12 s: two units at most, and none below a second."""
    left = max(1, round(seconds))
    parts: list[str] = []
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        amount, left = divmod(left, length)
        if amount:
            parts.append(f"{amount:,} {unit}")
        elif parts:
            break
    return " ".join(parts[:2])


def wait(seconds: int) -> str:
    """132 -> 3 minutes: one unit, and never too short."""
    for unit, length in (("hour", 3600), ("minute", 60)):
        if seconds > length:
            return count(-(-seconds // length), unit)
    return count(seconds, "second")


def moment(value: datetime) -> str:
    """28 Nov 2026, 10:31, in UTC; scripts then write it in the reader's own time, in as many letters."""
    there = value.astimezone(UTC)
    return f"{there.day} {there:%b %Y, %H:%M}"


def day(value: datetime) -> str:
    """28 Nov 2026."""
    there = value.astimezone(UTC)
    return f"{there.day} {there:%b %Y}"


def calendar_day(value: date) -> str:
    """28 Nov, of a day that is no moment."""
    return f"{value.day} {value:%b}"
