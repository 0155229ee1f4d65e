"""Names of stored objects, and whose they are (R103).

A key is `{user_id}/...`: its first segment is the owner, and every access compares it. The rest is made of our own ids; a file name
that a user chose never enters a key.
"""

import re
from uuid import UUID

from ingestio.domain.users import USER_ID_RULE, is_user_id
from ingestio.domain.windows import PageWindow
from ingestio.errors import InvalidRequest, NotFound

_SEGMENT = re.compile(r"[A-Za-z0-9_|:.@-]{1,128}")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def original_key(user_id: str, document_id: UUID | str) -> str:
    """Where a document's uploaded bytes lie."""
    return f"{document_prefix(user_id, document_id)}/original"


def document_prefix(user_id: str, document_id: UUID | str) -> str:
    """Everything stored for one document, its original included, lies below this."""
    return f"{_user(user_id)}/documents/{_id(document_id)}"


def extraction_key(user_id: str, job_id: UUID | str) -> str:
    """Where the raw answer of one job lies, so that a repeated activity finds it instead of asking the model again."""
    return f"{job_prefix(user_id, job_id)}/extraction.json"


def parts_plan_key(user_id: str, job_id: UUID | str) -> str:
    """Where it is kept in which parts one job's document is read."""
    return f"{job_prefix(user_id, job_id)}/parts.json"


def spent_key(user_id: str, job_id: UUID | str) -> str:
    """Where it is kept what readings of one job cost that gave no answer, so that the reading that follows adds to it."""
    return f"{job_prefix(user_id, job_id)}/spent.json"


def bulk_prefix(user_id: str, job_id: UUID | str) -> str:
    """Everything that one job sends to the bulk lane, and gets from there, lies below this."""
    return f"{job_prefix(user_id, job_id)}/bulk"


def part_key(user_id: str, job_id: UUID | str, window: PageWindow) -> str:
    """Where the raw answer for some pages of one job's document lies, so that no part is asked for or paid twice."""
    return f"{job_prefix(user_id, job_id)}/parts/{window.first_page}-{window.last_page}.json"


def job_prefix(user_id: str, job_id: UUID | str) -> str:
    """Everything stored for one job lies below this."""
    return f"{_user(user_id)}/jobs/{_id(job_id)}"


def export_key(user_id: str, export_id: UUID | str) -> str:
    """Where the file of one export lies; its format and the name that it is saved under stand in the row."""
    return f"{_user(user_id)}/exports/{_id(export_id)}/file"


def is_prefix(text: str) -> bool:
    """True when every segment between the slashes is well-formed and the first one is a user id."""
    segments = text.split("/")
    return is_user_id(segments[0]) and all(_SEGMENT.fullmatch(part) and part not in {".", ".."} for part in segments)


def is_key(text: str) -> bool:
    """True for what this module could have made: an owner, and at least one segment below it."""
    return "/" in text and is_prefix(text)


def owner_of(key: str) -> str:
    """The user id that a well-formed key starts with. Raises NotFound for anything else."""
    if not is_key(key):
        raise NotFound("No such file.")
    return key.partition("/")[0]


def require_owner(key: str, user_id: str) -> None:
    """Raises NotFound when the key is another user's, or malformed: both look like a file that does not exist (R29)."""
    if owner_of(key) != user_id:
        raise NotFound("No such file.")


def _user(user_id: str) -> str:
    if not is_user_id(user_id):
        raise InvalidRequest(USER_ID_RULE)
    return user_id


def _id(value: UUID | str) -> str:
    text = str(value)
    if not _ID.fullmatch(text):
        raise InvalidRequest("An id in a storage key is 1 to 64 of A-Z a-z 0-9 _ -")
    return text
