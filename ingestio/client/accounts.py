"""The caller: account, pages used and left, plans, API keys."""

import os
from collections.abc import Sequence
from pathlib import Path

from ingestio.client.asking import Core, given, part
from ingestio.client.downloads import save
from ingestio.client.models import Account, ApiKey, MadeApiKey, Plans, Usage
from ingestio.client.plans import Call, Doing, Finding
from ingestio.domain.api_keys import Scope


def get(core: Core) -> Doing[Account]:
    """Who the token is."""
    return core.read(Account, Call("GET", "/account"))


def usage(core: Core) -> Doing[Usage]:
    """Pages of the current billing period: used, reserved and left."""
    return core.read(Usage, Call("GET", "/usage"))


def plans(core: Core) -> Doing[Plans]:
    """Every plan, and the limits that hold for the caller."""
    return core.read(Plans, Call("GET", "/plans"))


def export(core: Core, path: str | os.PathLike[str], *, files: bool = False) -> Doing[Path]:
    """Write everything that is stored of the caller to `path`: one JSON file, or with `files` a ZIP archive with the originals too."""
    return save(core, Call("GET", "/account/export", {"files": "true"} if files else {}), path)


def create_key(core: Core, name: str, *, scopes: Sequence[Scope | str] | None = None) -> Doing[MadeApiKey]:
    """Make an API key, to read and write unless scopes are named. It is shown here and never again; no key can make keys."""
    body = given({"name": name, "scopes": None if scopes is None else list(scopes)})
    return core.read(MadeApiKey, Call("POST", "/api-keys", json=body, repeatable=False))


def keys(core: Core, *, sort: str = "-created_at") -> Finding[ApiKey]:
    """All API keys, newest first unless sorted."""
    return core.pages(ApiKey, "/api-keys", {"sort": sort})


def revoke_key(core: Core, key_id: str) -> Doing[None]:
    """Revoke an API key: it is refused everywhere from now on."""
    return core.done(Call("DELETE", f"/api-keys/{part(key_id)}"))
