"""The operations that requests run as `service_role`, listed: nothing else on the request path may open a service session (R28).

Each takes the verified user id and filters every statement by it. Everything else a request reads goes through `user_session`, where
row-level security stands behind the query.
"""

from ingestio.services.accounts import change_plan, provision
from ingestio.services.controls import (
    delete_batch,
    delete_document,
    extract_lone,
    find_lone_job,
    forget_shell,
    request_cancel,
    retry_batch,
    retry_lone,
    set_paused,
)
from ingestio.services.submissions import (
    accept_batch,
    change_draft,
    open_batch,
    register_file,
    register_lone,
    register_refusal,
    remove_file,
    submit,
)

__all__ = [
    "accept_batch",
    "change_draft",
    "change_plan",
    "delete_batch",
    "delete_document",
    "extract_lone",
    "find_lone_job",
    "forget_shell",
    "open_batch",
    "provision",
    "register_file",
    "register_lone",
    "register_refusal",
    "remove_file",
    "request_cancel",
    "retry_batch",
    "retry_lone",
    "set_paused",
    "submit",
]
