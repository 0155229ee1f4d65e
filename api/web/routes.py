"""Every group of pages, in one list."""

from fastapi import APIRouter

from api.web import batches, dashboard, sign_in, usage

PAGES: tuple[APIRouter, ...] = (sign_in.router, dashboard.router, batches.router, usage.router)
