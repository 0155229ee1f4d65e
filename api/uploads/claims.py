"""The Idempotency-Key header (R63)."""

from typing import Annotated

from fastapi import Header

REPLAYED = "Idempotency-Replayed"

ClaimedKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x20-\x7e]+$",
        description="Printable ASCII. The same key with the same content within 24 hours gives the same answer.",
    ),
]
