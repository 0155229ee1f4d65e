"""Every group of pages, in one list."""

from fastapi import APIRouter

from api.web import (
    batch_upload,
    batches,
    dashboard,
    design,
    document_list,
    exports,
    oidc_sign_in,
    reviews,
    settings,
    sign_in,
    single,
    usage,
    webhooks,
)

PAGES: tuple[APIRouter, ...] = (
    sign_in.router,
    oidc_sign_in.router,
    dashboard.router,
    batch_upload.router,
    batches.router,
    document_list.router,
    single.router,
    reviews.router,
    exports.router,
    webhooks.router,
    usage.router,
    settings.router,
    design.router,
)
