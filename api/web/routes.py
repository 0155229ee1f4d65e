"""Every group of pages, in one list."""

from fastapi import APIRouter

from api.web import (
    batch_upload,
    batches,
    dashboard,
    design,
    documents,
    exports,
    oidc_sign_in,
    settings,
    sign_in,
    usage,
    webhooks,
)

PAGES: tuple[APIRouter, ...] = (
    sign_in.router,
    oidc_sign_in.router,
    dashboard.router,
    batch_upload.router,
    batches.router,
    documents.router,
    exports.router,
    webhooks.router,
    usage.router,
    settings.router,
    design.router,
)
