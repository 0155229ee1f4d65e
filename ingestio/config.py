"""Settings: every environment variable, with its unit and default, read once at the start.

A wrong or contradictory value raises `ConfigurationError` with one line that names the variable. Empty strings count as unset, because
compose files and CI systems pass unset variables that way. Nothing outside this module and the command line reads the environment.
"""

import difflib
import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from ingestio.domain import concerns
from ingestio.domain.concerns import ReviewRules
from ingestio.domain.objects import each_name_once
from ingestio.domain.plans import BUILT_IN_PLANS, Membership, PlanTable, overridden, without_rates
from ingestio.domain.prices import PriceList, price_list
from ingestio.errors import ConfigurationError

# Ours as well, and read elsewhere: by clients, by the compose file, and by the parts that one `ingestio up` starts.
_READ_ELSEWHERE = frozenset(
    {
        "INGESTIO_URL",
        "INGESTIO_TOKEN",
        "INGESTIO_WEBHOOK_SECRET",
        "INGESTIO_OWNER_PASSWORD",
        "INGESTIO_APP_PASSWORD",
        "INGESTIO_INSTANCE_DIR",
    }
)
_HOST_NAME = re.compile(r"[A-Za-z0-9._-]+")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Settings(BaseSettings):
    """The whole configuration. `Settings.load()` is the way in; the constructor is for tests."""

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", frozen=True, populate_by_name=True)

    data_dir: Path = Field(Path(".ingestio"), alias="INGESTIO_DATA_DIR")

    database_url: str | None = Field(None, alias="INGESTIO_DATABASE_URL", repr=False)
    database_owner_url: str | None = Field(None, alias="INGESTIO_DATABASE_OWNER_URL", repr=False)
    database_pool_size: int = Field(8, alias="INGESTIO_DATABASE_POOL_SIZE", ge=1, le=100)

    temporal_address: str | None = Field(None, alias="TEMPORAL_ADDRESS")
    temporal_namespace: str = Field("default", alias="TEMPORAL_NAMESPACE")
    temporal_ui_url: str | None = Field(None, alias="TEMPORAL_UI_URL")

    storage_url: str | None = Field(None, alias="INGESTIO_STORAGE_URL")
    secret_key: str | None = Field(None, alias="INGESTIO_SECRET_KEY", repr=False)

    host: str = Field("127.0.0.1", alias="INGESTIO_HOST")
    port: int = Field(8000, alias="INGESTIO_PORT", ge=0, le=65535)
    public_url: str | None = Field(None, alias="INGESTIO_PUBLIC_URL")
    hosts_text: str | None = Field(None, alias="INGESTIO_HOSTS")
    proxies_text: str | None = Field(None, alias="INGESTIO_PROXIES")
    allow_remote_local_auth: bool = Field(False, alias="INGESTIO_ALLOW_REMOTE_LOCAL_AUTH")

    auth: Literal["local", "oidc"] = Field("local", alias="INGESTIO_AUTH")
    oidc_issuer: str | None = Field(None, alias="INGESTIO_OIDC_ISSUER")
    oidc_jwks_url: str | None = Field(None, alias="INGESTIO_OIDC_JWKS_URL")
    oidc_audience: str | None = Field(None, alias="INGESTIO_OIDC_AUDIENCE")
    oidc_authorized_parties: str | None = Field(None, alias="INGESTIO_OIDC_AUTHORIZED_PARTIES")
    oidc_client_id: str | None = Field(None, alias="INGESTIO_OIDC_CLIENT_ID")
    oidc_client_secret: str | None = Field(None, alias="INGESTIO_OIDC_CLIENT_SECRET", repr=False)

    clerk_webhook_secret: str | None = Field(None, alias="CLERK_WEBHOOK_SECRET", repr=False)

    provider_choice: Literal["gemini", "local"] | None = Field(None, alias="INGESTIO_PROVIDER")
    model_timeout_seconds: float = Field(120, alias="INGESTIO_MODEL_TIMEOUT_SECONDS", gt=0, le=3600)
    model_wait_seconds: float = Field(3600, alias="INGESTIO_MODEL_WAIT_SECONDS", ge=0, le=7 * 86400)
    model_calls_per_second: float | None = Field(None, alias="INGESTIO_MODEL_CALLS_PER_SECOND", gt=0)
    bulk_deadline_seconds: float = Field(86_400, alias="INGESTIO_BULK_DEADLINE_SECONDS", gt=0, le=3 * 86_400)
    bulk_poll_seconds: float = Field(60, alias="INGESTIO_BULK_POLL_SECONDS", gt=0, le=3600)
    model_prices_json: str | None = Field(None, alias="INGESTIO_MODEL_PRICES")
    gemini_api_key: str | None = Field(None, alias="GEMINI_API_KEY", repr=False)
    gemini_use_vertexai: bool = Field(False, alias="GOOGLE_GENAI_USE_VERTEXAI")
    google_cloud_project: str | None = Field(None, alias="GOOGLE_CLOUD_PROJECT")
    google_cloud_location: str = Field("us-central1", alias="GOOGLE_CLOUD_LOCATION")
    gemini_base_url: str | None = Field(None, alias="GOOGLE_GEMINI_BASE_URL")
    gemini_model: str = Field("gemini-2.5-flash", alias="INGESTIO_GEMINI_MODEL")
    gemini_classifier_model: str | None = Field(None, alias="INGESTIO_GEMINI_CLASSIFIER_MODEL")
    gemini_media_resolution: Literal["low", "medium", "high"] | None = Field(
        None, alias="INGESTIO_GEMINI_MEDIA_RESOLUTION"
    )
    gemini_thinking_budget: int | None = Field(None, alias="INGESTIO_GEMINI_THINKING_BUDGET", ge=-1, le=65_536)

    plans_json: str | None = Field(None, alias="INGESTIO_PLANS")
    review_rules_json: str | None = Field(None, alias="INGESTIO_REVIEW_RULES")
    stripe_secret_key: str | None = Field(None, alias="STRIPE_SECRET_KEY", repr=False)
    webhook_networks_text: str | None = Field(None, alias="INGESTIO_WEBHOOK_NETWORKS")
    stripe_webhook_secret: str | None = Field(None, alias="STRIPE_WEBHOOK_SECRET", repr=False)
    stripe_price_plus: str | None = Field(None, alias="STRIPE_PRICE_PLUS")
    stripe_price_growth: str | None = Field(None, alias="STRIPE_PRICE_GROWTH")
    stripe_api_base: str | None = Field(None, alias="STRIPE_API_BASE")
    redis_url: str | None = Field(None, alias="REDIS_URL", repr=False)

    otlp_endpoint: str | None = Field(None, alias="OTEL_EXPORTER_OTLP_ENDPOINT")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", alias="INGESTIO_LOG_LEVEL")

    @classmethod
    def load(cls, **overrides: Any) -> "Settings":
        """Read the environment. Raises ConfigurationError: one line, naming the variable."""
        try:
            return cls(**overrides)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            name = str(first["loc"][0]) if first["loc"] else ""
            message = first["msg"].removeprefix("Value error, ")
            raise ConfigurationError(f"{name}: {message}" if name else message) from None

    @field_validator("data_dir")
    @classmethod
    def _is_directory(cls, value: Path) -> Path:
        with suppress(PermissionError):  # who uses it will say so
            if value.exists() and not value.is_dir():
                raise ValueError(f"{value} is not a directory")
        return value

    @field_validator("database_url", "database_owner_url")
    @classmethod
    def _is_postgres(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("postgresql://", "postgres://", "postgresql+psycopg://")):
            raise ValueError("must start with postgresql://")
        return value

    @field_validator("plans_json")
    @classmethod
    def _plans_parse(cls, value: str | None) -> str | None:
        if value is not None:
            _plan_table(value)
        return value

    @field_validator("model_prices_json")
    @classmethod
    def _prices_parse(cls, value: str | None) -> str | None:
        _prices(value)
        return value

    @field_validator("webhook_networks_text", "proxies_text")
    @classmethod
    def _networks_parse(cls, value: str | None) -> str | None:
        _networks(value)
        return value

    @field_validator("review_rules_json")
    @classmethod
    def _review_rules_parse(cls, value: str | None) -> str | None:
        if value is not None:
            _review_rules(value)
        return value

    @field_validator("storage_url")
    @classmethod
    def _storage_scheme(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).scheme not in {"file", "s3", "gs", "az"}:
            raise ValueError("must be file://, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix")
        if value is not None and not (urlsplit(value).netloc or urlsplit(value).scheme == "file"):
            raise ValueError("names no bucket; must be like s3://bucket/prefix")
        return value

    @field_validator("hosts_text")
    @classmethod
    def _are_hosts(cls, value: str | None) -> str | None:
        for name in _listed(value):
            # The port of a Host header is not compared, so one that is named here would never be met.
            if not _HOST_NAME.fullmatch(name) and not _is_address(name):
                raise ValueError(f"{name} is no host name such as api.internal; leave out scheme, port and path")
        return value

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must start with redis://, rediss:// or unix://")
        return value

    @field_validator("stripe_secret_key")
    @classmethod
    def _is_key_of_stripe(cls, value: str | None) -> str | None:
        return _secret(value, "sk_... or rk_...", not_like=("pk_", "whsec_"))

    @field_validator("stripe_webhook_secret")
    @classmethod
    def _is_signing_secret_of_stripe(cls, value: str | None) -> str | None:
        return _secret(value, "whsec_...", not_like=("sk_", "rk_", "pk_", "we_"))

    @field_validator("temporal_address")
    @classmethod
    def _is_host_and_port(cls, value: str | None) -> str | None:
        if value is not None and not _has_port(f"//{value}"):
            raise ValueError("must be host:port, such as localhost:7233")
        return value

    @field_validator(
        "public_url",
        "temporal_ui_url",
        "oidc_issuer",
        "oidc_jwks_url",
        "gemini_base_url",
        "stripe_api_base",
        "otlp_endpoint",
    )
    @classmethod
    def _is_web_address(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).scheme not in {"http", "https"}:
            raise ValueError("must start with https:// (or http:// for what is near)")
        if value is not None and _has_port(value) is None:
            raise ValueError("must be an address such as https://example.org")
        return value

    @field_validator("public_url")
    @classmethod
    def _is_start_of_links(cls, value: str | None) -> str | None:
        if value is not None and ("?" in value or "#" in value or "@" in urlsplit(value).netloc):
            raise ValueError("holds a query, a fragment or a user; links begin with it, such as https://example.org")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> "Settings":
        if self.embeds_temporal and self.temporal_namespace != "default":
            raise ValueError(
                "TEMPORAL_NAMESPACE: needs TEMPORAL_ADDRESS; the embedded server has no namespace but `default`"
            )
        if self.auth == "oidc" and not self.oidc_issuer:
            raise ValueError("INGESTIO_OIDC_ISSUER: needed with INGESTIO_AUTH=oidc")
        if self.auth == "oidc" and not (self.oidc_audience or self.oidc_authorized_parties):
            raise ValueError(
                "INGESTIO_OIDC_AUDIENCE: needed with INGESTIO_AUTH=oidc, unless INGESTIO_OIDC_AUTHORIZED_PARTIES is set"
            )
        if self.oidc_client_secret and not self.oidc_client_id:
            raise ValueError("INGESTIO_OIDC_CLIENT_ID: needed with INGESTIO_OIDC_CLIENT_SECRET")
        if self.auth == "local" and not self.allow_remote_local_auth and not _is_loopback(self.host):
            raise ValueError(
                f"INGESTIO_HOST: {self.host} is reachable from other machines while INGESTIO_AUTH is local, which lets anyone sign in; "
                "use oidc, or set INGESTIO_ALLOW_REMOTE_LOCAL_AUTH=1"
            )
        if self.provider_choice == "gemini" and not self.has_gemini_credentials:
            raise ValueError(
                "INGESTIO_PROVIDER: gemini needs GEMINI_API_KEY, or GOOGLE_GENAI_USE_VERTEXAI=1 with GOOGLE_CLOUD_PROJECT"
            )
        if self.gemini_use_vertexai and not (self.google_cloud_project or self.gemini_api_key):
            raise ValueError("GOOGLE_CLOUD_PROJECT: needed with GOOGLE_GENAI_USE_VERTEXAI")
        if self.secret_key is not None and len(self.secret_key) < 16:
            raise ValueError("INGESTIO_SECRET_KEY: at least 16 characters")
        if self.stripe_price_plus is not None and self.stripe_price_plus == self.stripe_price_growth:
            raise ValueError(
                "STRIPE_PRICE_GROWTH: the same price as STRIPE_PRICE_PLUS, so a payment would not say for which plan"
            )
        return self

    @property
    def has_gemini_credentials(self) -> bool:
        return bool(self.gemini_api_key or (self.gemini_use_vertexai and self.google_cloud_project))

    @property
    def provider(self) -> Literal["gemini", "local"]:
        """`gemini` when its credentials are set, else the offline engine."""
        return self.provider_choice or ("gemini" if self.has_gemini_credentials else "local")

    @property
    def given_port(self) -> int | None:
        """The port that somebody chose; None for the default, which gives way where it is taken."""
        return self.port if "port" in self.model_fields_set else None

    @property
    def embeds_postgres(self) -> bool:
        return self.database_url is None

    @property
    def embeds_temporal(self) -> bool:
        return self.temporal_address is None

    @property
    def resolved_storage_url(self) -> str:
        """Where objects live; the data dir's own folder unless a store is named."""
        return self.storage_url or (self.data_dir.resolve() / "storage").as_uri()

    @property
    def stripe_prices(self) -> Mapping[Membership, str]:
        """The plans that are sold, with their price ids."""
        prices = {Membership.PLUS: self.stripe_price_plus, Membership.GROWTH: self.stripe_price_growth}
        return {membership: price for membership, price in prices.items() if price is not None}

    @cached_property
    def plans(self) -> PlanTable:
        return _plan_table(self.plans_json)

    @cached_property
    def webhook_networks(self) -> tuple[Network, ...]:
        """Where webhooks may be sent beside the public internet."""
        return _networks(self.webhook_networks_text)

    @cached_property
    def proxies(self) -> tuple[Network, ...]:
        """Where proxies of ours stand, whose word on whom they heard is taken."""
        return _networks(self.proxies_text)

    @cached_property
    def review_rules(self) -> ReviewRules:
        """Which results a person should look at."""
        return _review_rules(self.review_rules_json)

    @cached_property
    def model_prices(self) -> PriceList:
        """What models' tokens cost; empty when nobody said."""
        return _prices(self.model_prices_json)

    @cached_property
    def enforced_plans(self) -> PlanTable:
        """What is held to: in local mode no rate but those that INGESTIO_PLANS sets."""
        return _plan_table(self.plans_json, without_rates(BUILT_IN_PLANS) if self.auth == "local" else BUILT_IN_PLANS)

    @property
    def limits_sign_ins(self) -> bool:
        """Everywhere but in local mode, and there when INGESTIO_PLANS sets a rate."""
        return self.auth != "local" or self.enforced_plans != without_rates(self.enforced_plans)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Host names that are answered beside our own: those under which a probe or a scraper inside the network reaches us."""
        return tuple(name.lower() for name in _listed(self.hosts_text))

    @property
    def authorized_parties(self) -> tuple[str, ...]:
        return tuple(_listed(self.oidc_authorized_parties))


def _plan_table(text: str | None, base: PlanTable = BUILT_IN_PLANS) -> PlanTable:
    if text is None:
        return base
    return overridden(base, _json_object(text, '{"plus": {"pages": 250}}'))


def _review_rules(text: str | None) -> ReviewRules:
    if text is None:
        return ReviewRules()
    return concerns.overridden(ReviewRules(), _json_object(text, '{"confidence_below": 0.7}'))


def _prices(text: str | None) -> PriceList:
    if text is None:
        return {}
    example = '{"gemini-2.5-flash": {"input": 0.30, "output": 2.50}}'
    return price_list(_json_object(text, example, parse_float=Decimal))


def _json_object(text: str, example: str, parse_float: Callable[[str], Any] = float) -> Mapping[str, Any]:
    try:
        changes = json.loads(text, parse_float=parse_float, object_pairs_hook=each_name_once)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at character {error.pos}") from None
    except RecursionError:
        raise ValueError(f"nested too deeply; must be a JSON object such as {example}") from None
    if not isinstance(changes, Mapping):
        raise ValueError(f"must be a JSON object such as {example}")
    return changes


def _networks(text: str | None) -> tuple[Network, ...]:
    found: list[Network] = []
    for part in _listed(text):
        try:
            found.append(ipaddress.ip_network(part))
        except ValueError:
            raise ValueError(f"{part} is no network such as 10.0.0.0/8; separate several by commas") from None
    return tuple(found)


def _secret(value: str | None, like: str, not_like: tuple[str, ...]) -> str | None:
    """The secret itself. Raises ValueError for one that was cut out badly or mistaken for another, and never shows it."""
    if value is not None and not (value.isascii() and value.isprintable() and " " not in value):
        raise ValueError("holds a blank, or a character that no key has")
    if value is not None and value.startswith(not_like):
        raise ValueError(f"is a value of another kind; Stripe's dashboard shows this one as {like}")
    return value


def _listed(text: str | None) -> list[str]:
    """What stands between commas."""
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _has_port(url: str) -> bool | None:
    """Whether the address names a port; None when it has no host, or a port that is none."""
    try:
        parts = urlsplit(url)
        return parts.port is not None if parts.hostname else None
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def unread_variables(environment: Mapping[str, str]) -> list[str]:
    """The set variables that are named like ours and that nothing reads, each with the one that is probably meant."""
    known = {str(field.alias) for field in Settings.model_fields.values()} | _READ_ELSEWHERE
    unread = sorted(
        name for name, value in environment.items() if value and name.startswith("INGESTIO_") and name not in known
    )
    meant = {name: difflib.get_close_matches(name, known, n=1, cutoff=0.8) for name in unread}
    return [f"{name} (is {meant[name][0]} meant?)" if meant[name] else name for name in unread]
