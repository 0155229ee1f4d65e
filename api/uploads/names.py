"""File names as people see them: they are shown and listed, and never enter a path."""

import unicodedata

LONGEST = 255
# Control characters, surrogates, and what separates lines; then the marks that turn text around, with which `exe.fdp` reads `pdf.exe`.
_REMOVED_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
_TURNING = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def display_name(sent: str, fallback: str) -> str:
    """The last part of whatever path was sent, on one line, at most 255 characters with its suffix kept.

    `fallback` when nothing is left of it.
    """
    last = sent.replace("\\", "/").rpartition("/")[2]
    shown = "".join(
        char for char in last if unicodedata.category(char) not in _REMOVED_CATEGORIES and char not in _TURNING
    ).strip()
    if shown in {"", ".", ".."}:
        return fallback
    if len(shown) <= LONGEST:
        return shown
    stem, dot, suffix = shown.rpartition(".")
    if not dot or len(suffix) > 16:  # no real suffix is longer
        return shown[:LONGEST]
    return f"{stem[: LONGEST - len(suffix) - 1]}.{suffix}"
