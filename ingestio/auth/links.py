"""Links to one export's file that work without signing in, for an hour: for a spreadsheet, a script, a colleague."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from ingestio.auth.secrets import Payload, derive, sign, verify
from ingestio.domain.users import is_user_id
from ingestio.errors import Unauthenticated

LINK_LIFETIME = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class OpenedLink:
    """In whose name a link speaks, and since when."""

    user_id: str
    issued_at: datetime


class LinkSigner:
    """Makes and reads the links of one secret."""

    def __init__(self, secret_key: str) -> None:
        self._key = derive(secret_key, "export link")

    def issue(self, user_id: str, export_id: UUID, now: datetime) -> str:
        """What the link carries: whoever holds it may read this one file of this user's until it expires."""
        payload: Payload = {"sub": user_id, "export": str(export_id), "iat": int(now.timestamp())}
        return sign(self._key, payload, ttl_seconds=int(LINK_LIFETIME.total_seconds()), now=now.timestamp())

    def read(self, link: str, export_id: UUID, now: datetime) -> OpenedLink:
        """What a link says. Raises Unauthenticated when it is not ours, is another file's, or is too old."""
        payload = verify(self._key, link, now=now.timestamp())
        user_id, issued = payload.get("sub"), payload.get("iat")
        if payload.get("export") != str(export_id) or not is_user_id(user_id) or not isinstance(issued, int):
            raise Unauthenticated("The link is not valid.")
        return OpenedLink(str(user_id), datetime.fromtimestamp(issued, UTC))
