"""Settings -> what everything runs on: the only place that chooses an implementation."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncEngine

from ingestio.auth.jwks import StaticJwks
from ingestio.auth.links import LinkSigner
from ingestio.auth.local_issuer import LOCAL_AUDIENCE, LOCAL_ISSUER, LocalIssuer
from ingestio.auth.sessions import CookieSigner
from ingestio.auth.tokens import TokenVerifier
from ingestio.billing.gateway import StripeGateway
from ingestio.config import Settings
from ingestio.counting import counting
from ingestio.db.engine import create_engine
from ingestio.domain.messages import Reader
from ingestio.errors import ConfigurationError
from ingestio.extraction.base import Provider
from ingestio.media.bounded import close_shared_pool
from ingestio.services.accounts import PlanBook
from ingestio.storage.objects import ObjectStore, open_store

if TYPE_CHECKING:
    from ingestio.auth.oidc import OidcClient

Clock = Callable[[], datetime]
utc_now: Clock = partial(datetime.now, UTC)

# Behind a request somebody waits: a database that is away, or too busy to begin, is said at once. A worker has more patience.
REQUEST_PATIENCE_SECONDS = 5.0
REQUEST_ANSWER_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Deps:
    """What the front door runs on."""

    settings: Settings
    engine: AsyncEngine
    store: ObjectStore
    book: PlanBook
    clock: Clock
    verifier: TokenVerifier
    issuer: LocalIssuer | None
    """Only in local mode: signs the tokens that the same verifier checks."""
    cookies: CookieSigner
    oidc: "OidcClient | None"
    """Where browsers sign in, when an identity provider and our client id there are configured."""
    links: LinkSigner
    billing: StripeGateway | None
    """None without a key: then an operator sets plans."""


@dataclass(frozen=True, slots=True)
class WorkerDeps:
    """What the activities run on."""

    settings: Settings
    engine: AsyncEngine
    store: ObjectStore
    book: PlanBook
    clock: Clock
    provider: Provider
    billing: StripeGateway | None = None

    @property
    def reader(self) -> Reader:
        """What bounds the provider: this machine's cores, or a service."""
        return Reader.CORES if self.provider.name == "local" else Reader.SERVICE


@asynccontextmanager
async def front_door(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[Deps]:
    """Everything the API needs, closed at the end. Nothing is contacted yet. Raises ConfigurationError."""
    async with AsyncExitStack() as stack:
        issuer = local_issuer(settings) if settings.auth == "local" else None
        engine = await _engine(
            settings, stack, patience_seconds=REQUEST_PATIENCE_SECONDS, answer_seconds=REQUEST_ANSWER_SECONDS
        )
        await stack.enter_async_context(counting(engine))
        yield Deps(
            settings=settings,
            engine=engine,
            store=open_object_store(settings),
            book=plan_book(settings),
            clock=clock,
            verifier=_verifier(settings, issuer),
            issuer=issuer,
            cookies=CookieSigner(secret_key(settings)),
            oidc=_oidc(settings),
            links=LinkSigner(secret_key(settings)),
            billing=_billing(settings, stack),
        )


@asynccontextmanager
async def back_room(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[WorkerDeps]:
    """Everything the worker needs, closed at the end."""
    async with AsyncExitStack() as stack:
        stack.push_async_callback(close_shared_pool)
        engine = await _engine(settings, stack)
        await stack.enter_async_context(counting(engine))
        yield WorkerDeps(
            settings=settings,
            engine=engine,
            store=open_object_store(settings),
            book=plan_book(settings),
            clock=clock,
            provider=await _provider(settings, stack),
            billing=_billing(settings, stack),
        )


@asynccontextmanager
async def lone_provider(settings: Settings) -> AsyncIterator[Provider]:
    """The provider alone, for who reads documents without a service; closed at the end."""
    async with AsyncExitStack() as stack:
        stack.push_async_callback(close_shared_pool)
        yield await _provider(settings, stack)


def database_url(settings: Settings) -> str:
    """The application's login. The embedded one arrives by environment from the process that started it."""
    if settings.database_url is None:
        raise ConfigurationError(
            "INGESTIO_DATABASE_URL: not set, and no embedded database runs here; start with `ingestio up`"
        )
    return settings.database_url


def plan_book(settings: Settings) -> PlanBook:
    """Which limits hold for whom."""
    return PlanBook(settings.plans, local=settings.auth == "local", enforced=settings.enforced_plans)


def local_issuer(settings: Settings) -> LocalIssuer:
    """The built-in issuer of local mode; every process with the same secret key agrees on its signing key."""
    return LocalIssuer(secret_key(settings))


def secret_key(settings: Settings) -> str:
    """What sessions, forms and local tokens are signed with; the embedded one arrives by environment."""
    if settings.secret_key is None:
        raise ConfigurationError("INGESTIO_SECRET_KEY: needed outside embedded mode, the same for every process")
    return settings.secret_key


def open_object_store(settings: Settings) -> ObjectStore:
    """Where documents live."""
    return open_store(settings.resolved_storage_url, scratch=settings.data_dir.resolve() / "scratch")


async def _engine(settings: Settings, stack: AsyncExitStack, **bounds: float) -> AsyncEngine:
    engine = create_engine(database_url(settings), pool_size=settings.database_pool_size, **bounds)
    stack.push_async_callback(engine.dispose)
    return engine


def _billing(settings: Settings, stack: AsyncExitStack) -> StripeGateway | None:
    if settings.stripe_secret_key is None:
        return None
    gateway = StripeGateway(settings.stripe_secret_key, settings.stripe_prices, api_base=settings.stripe_api_base)
    stack.push_async_callback(gateway.close)
    return gateway


def _verifier(settings: Settings, issuer: LocalIssuer | None) -> TokenVerifier:
    if issuer is not None:
        # Made and read by the clock of one machine, so a token lives for just as long as it was made for.
        return TokenVerifier(
            LOCAL_ISSUER, StaticJwks(issuer.jwks()), audience=LOCAL_AUDIENCE, authorized_parties=(), leeway_seconds=0
        )
    if settings.oidc_issuer is None:
        raise ConfigurationError("INGESTIO_OIDC_ISSUER: needed with INGESTIO_AUTH=oidc")
    address = settings.oidc_jwks_url or settings.oidc_issuer.rstrip("/") + "/.well-known/jwks.json"
    # Imported here because its HTTP client costs a third of a second that local mode need not pay.
    from ingestio.auth.http_jwks import HttpJwks

    return TokenVerifier(
        settings.oidc_issuer,
        HttpJwks(address),
        audience=settings.oidc_audience,
        authorized_parties=settings.authorized_parties,
    )


def _oidc(settings: Settings) -> "OidcClient | None":
    if settings.auth != "oidc" or settings.oidc_issuer is None or settings.oidc_client_id is None:
        return None
    # Imported here, as above.
    from ingestio.auth.oidc import OidcClient

    return OidcClient(
        settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret, settings.oidc_jwks_url
    )


async def _provider(settings: Settings, stack: AsyncExitStack) -> Provider:
    # Imported here because the front door shares this module and must not pay for models and parsers.
    if settings.provider == "local":
        from ingestio.extraction.local.engine import LocalProvider

        return LocalProvider()
    from ingestio.extraction.gemini import GeminiProvider

    provider = GeminiProvider(
        api_key=settings.gemini_api_key,
        vertexai=settings.gemini_use_vertexai,
        project=settings.google_cloud_project,
        location=settings.google_cloud_location,
        base_url=settings.gemini_base_url,
        model=settings.gemini_model,
        timeout_seconds=settings.model_timeout_seconds,
        classifier_model=settings.gemini_classifier_model,
        media_resolution=settings.gemini_media_resolution,
        thinking_budget=settings.gemini_thinking_budget,
        prices=settings.model_prices,
    )
    stack.push_async_callback(provider.close)
    return provider
