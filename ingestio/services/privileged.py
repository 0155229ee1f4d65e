"""The operations that requests run as `service_role`, listed: nothing else on the request path may open a service session (R28).

Each takes the verified user id and filters every statement by it; `use_key` alone begins with a credential, because it is what finds
the user. Everything else a request reads goes through `user_session`, where row-level security stands behind the query.
"""

from ingestio.services.accounts import change_plan, provision, standing
from ingestio.services.api_keys import create_key, revoke_key, use_key
from ingestio.services.billing import remember_customer
from ingestio.services.browser_sessions import end_session, is_session_open, open_session
from ingestio.services.controls import delete_batch, request_cancel, retry_batch, set_paused
from ingestio.services.documents import (
    cancel_lone,
    delete_document,
    extract_again,
    extract_lone,
    register_lone,
    retry_lone,
)
from ingestio.services.drafts import change_draft, register_file, register_refusal, remove_file
from ingestio.services.erasures import close_account
from ingestio.services.exports import cancel_export, delete_export, order_again, order_export
from ingestio.services.reviews import correct_fields, decide_review
from ingestio.services.submissions import accept_batch, forget_shell, keep_receiving, open_batch, submit
from ingestio.services.webhooks import (
    change_endpoint,
    create_endpoint,
    delete_endpoint,
    replay_delivery,
    rotate_secret,
)

__all__ = [
    "accept_batch",
    "cancel_export",
    "cancel_lone",
    "change_draft",
    "change_endpoint",
    "change_plan",
    "close_account",
    "correct_fields",
    "create_endpoint",
    "create_key",
    "decide_review",
    "delete_batch",
    "delete_document",
    "delete_endpoint",
    "delete_export",
    "end_session",
    "extract_again",
    "extract_lone",
    "forget_shell",
    "is_session_open",
    "keep_receiving",
    "open_batch",
    "open_session",
    "order_again",
    "order_export",
    "provision",
    "register_file",
    "register_lone",
    "register_refusal",
    "remember_customer",
    "remove_file",
    "replay_delivery",
    "request_cancel",
    "retry_batch",
    "retry_lone",
    "revoke_key",
    "rotate_secret",
    "set_paused",
    "standing",
    "submit",
    "use_key",
]
