"""Addresses that a page may send a browser on to."""

from urllib.parse import urlsplit

HOME = "/dashboard"
SIGNED_OUT = "/signed-out"
_NOT_WORTH_GOING_BACK_TO = ("/sign-in", "/sign-out", SIGNED_OUT)


def own_path(wanted: str) -> str:
    """`wanted` if it is a path of ours, else the dashboard: sign-in must not become a way to other people's sites."""
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return HOME
    plain = wanted.isascii() and wanted.isprintable() and "\\" not in wanted and len(wanted) < 2000
    # Browsers read `//host` and `/\\host` as another host.
    if not plain or parts.scheme or parts.netloc or not wanted.startswith("/") or wanted.startswith("//"):
        return HOME
    return HOME if parts.path == "/" or parts.path.startswith(_NOT_WORTH_GOING_BACK_TO) else wanted
