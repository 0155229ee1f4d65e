"""Reviews: what a person decided about a result."""

from enum import StrEnum


class ReviewDecision(StrEnum):
    """The verdict on a whole result; none yet is pending."""

    APPROVED = "approved"
    REJECTED = "rejected"
