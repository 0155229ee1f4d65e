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
    Entry("Documents", "/dashboard/documents", "documents"),
    Entry("Review", "/dashboard/review", "review"),
    Entry("Exports", "/dashboard/exports", "exports"),
    Entry("Webhooks", "/dashboard/webhooks", "webhooks"),
    Entry("Usage and billing", "/dashboard/usage", "usage"),
    Entry("Settings", "/dashboard/settings", "settings"),
)


def current_entry(path: str) -> str | None:
    """The path of the entry that a page belongs to: the longest that the page's own path begins with; the dashboard only for itself."""
    fitting = [entry.path for entry in ENTRIES[1:] if path == entry.path or path.startswith(f"{entry.path}/")]
    return max(fitting, key=len, default=ENTRIES[0].path if path == ENTRIES[0].path else None)
