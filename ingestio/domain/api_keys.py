"""What the key of a program may do (R34)."""

from enum import StrEnum


class Scope(StrEnum):
    """One thing that a key was made for; none implies another. What only people do, no scope allows."""

    READ = "read"
    WRITE = "write"
    BILLING = "billing"


USUAL_SCOPES = (Scope.READ, Scope.WRITE)
"""What a key may do unless its maker says otherwise: everything but spend money."""
