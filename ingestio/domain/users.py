"""What a user id may look like (R29).

It is the `sub` claim of a token, the first folder of every stored object and a part of workflow ids, so its alphabet is small.
"""

import hashlib
import re

USER_ID_RULE = "A user id is 1 to 128 of A-Z a-z 0-9 _ | : . @ - and neither . nor .."

LOCAL_OWNER = "me"
"""The user behind `ingestio extract` and `demo` in local mode: every feature, no page limit."""

ERASED = "(erased)"
"""Whose the ledger's rows are once their account is deleted: no user id can look like this."""

_USER_ID = re.compile(r"[A-Za-z0-9_|:.@-]{1,128}")


def is_user_id(value: object) -> bool:
    """True for a string that follows USER_ID_RULE; `.` and `..` are the two that a path would follow."""
    return isinstance(value, str) and _USER_ID.fullmatch(value) is not None and value not in {".", ".."}


def user_hash(user_id: str) -> str:
    """What is kept of a user who was deleted, so that their id is recognised when it comes again: lower-case hex SHA-256."""
    return hashlib.sha256(user_id.encode()).hexdigest()
