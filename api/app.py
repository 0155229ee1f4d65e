"""The front door: settings -> an ASGI application."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from api import errors
from api.browser import BrowserSessions, RenewedCookies
from api.credentials import SignIn
from api.deps import SIGNED_IN_ROUTES, FrontDoor
from api.events.hub import live_events
from api.load import MOST_REQUESTS, BoundedCrowd, Places
from api.openapi import describe
from api.rates.counts import open_counts
from api.rates.meter import Meter, RateHeaders
from api.requests import BoundedBodies, HeadAnswers, Traced
from api.routes import (
    accounts,
    api_keys,
    batches,
    billing,
    clerk,
    documents,
    drafts,
    events,
    exports,
    health,
    jwks,
    metrics,
    prometheus,
    results,
    reviews,
    stripe_webhook,
    webhook_endpoints,
)
from api.runs import Runs
from api.schemas.problems import EVERYWHERE, SIGNED_IN
from api.security import AllowedHosts, SecurityHeaders, hosts_of
from api.web.assets import Assets, assets_router
from api.web.problems import ProblemPages
from api.web.rendering import Renderer
from api.web.routes import PAGES
from ingestio import bootstrap
from ingestio.bootstrap import Clock, utc_now
from ingestio.config import Settings
from ingestio.media.bounded import close_shared_pool
from ingestio.temporal import connect

# Requests that the server cancelled at its stop get this long to put things back: to forget a shell, to remove a staged file.
UNWIND_SECONDS = 2.0
SIGNED_IN_ROUTERS = (
    batches.router,
    drafts.router,
    documents.router,
    results.router,
    exports.router,
    webhook_endpoints.router,
    reviews.router,
    events.router,
    accounts.router,
    api_keys.router,
    billing.router,
    metrics.router,
)


def create_app(settings: Settings, clock: Clock = utc_now) -> FastAPI:
    """The application. Nothing is contacted before the first request; its lifespan opens and closes what it runs on.

    Raises ConfigurationError, from here or from the lifespan.
    """
    assets = Assets()
    renderer = Renderer(assets)

    crowd = Places(MOST_REQUESTS, "requests")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with bootstrap.front_door(settings, clock) as deps:
            client = await connect(settings.temporal_address, settings.temporal_namespace, lazy=True)
            closing = asyncio.Event()
            meter = Meter(
                open_counts(settings.redis_url),
                deps.book,
                sign_ins=settings.limits_sign_ins,
                proxies=settings.proxies,
            )
            async with live_events(deps, closing) as hub:
                app.state.front_door = FrontDoor(
                    deps, Runs(client), SignIn(deps), BrowserSessions(deps), renderer, hub, meter, closing
                )
                try:
                    yield
                finally:
                    await crowd.empty(UNWIND_SECONDS)
                    await meter.close()
                    await close_shared_pool()

    app = FastAPI(
        title="Ingestio",
        version="1",
        summary="Batches of documents in, structured and evidenced data out.",
        lifespan=lifespan,
        # The interactive pages load scripts from another host, and nothing here does.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        responses=EVERYWHERE,
    )
    # First, because the framework makes a router ready when it first looks there for a path: the one that says `ready` waits for no other.
    app.include_router(health.router)
    for router in SIGNED_IN_ROUTERS:
        # One by one: as parts of a router for all of them FastAPI would make each route once more, a quarter of a second at the start.
        app.include_router(router, prefix="/api/v1", responses=SIGNED_IN, dependencies=SIGNED_IN_ROUTES)
    app.include_router(prometheus.router)
    if settings.stripe_webhook_secret is not None:
        app.include_router(stripe_webhook.router)
    if settings.auth == "local":
        app.include_router(jwks.router)
    if settings.clerk_webhook_secret is not None:
        app.include_router(clerk.clerk_router(settings.clerk_webhook_secret))
    app.include_router(assets_router(assets))
    for pages in PAGES:
        app.include_router(pages)
    errors.install(app)
    # Outermost last.
    app.add_middleware(HeadAnswers)
    app.add_middleware(BoundedBodies)
    app.add_middleware(RenewedCookies)
    app.add_middleware(RateHeaders)
    app.add_middleware(AllowedHosts, hosts=hosts_of(settings))
    app.add_middleware(BoundedCrowd, places=crowd)
    app.add_middleware(Traced)
    # Around what answers when nothing else did.
    app.add_middleware(SecurityHeaders)
    app.add_middleware(ProblemPages, renderer=renderer)
    _describe_once(app)
    return app


def _describe_once(app: FastAPI) -> None:
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = describe(plain())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way


def _operation_id(route: APIRoute) -> str:
    return route.name
