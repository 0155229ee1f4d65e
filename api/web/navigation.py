"""Where one can go from every page. An entry is added with its page: nothing here leads nowhere."""

from typing import NamedTuple


class Entry(NamedTuple):
    """One line of the side bar; `icon` is a name in icons.svg."""

    label: str
    path: str
    icon: str


ENTRIES = (
    Entry("Dashboard", "/dashboard", "dashboard"),
    Entry("Batch upload", "/dashboard/batch-upload", "upload"),
    Entry("Batches", "/dashboard/batches", "batches"),
    Entry("Usage and billing", "/dashboard/usage", "usage"),
)


def current_entry(path: str) -> str | None:
    """The path of the entry that a page belongs to: the longest that the page's own path begins with."""
    fitting = [entry.path for entry in ENTRIES if path == entry.path or path.startswith(f"{entry.path}/")]
    return max(fitting, key=len, default=None)
