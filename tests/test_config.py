"""Settings: what holds without any variable, and one line that names the variable for each wrong one."""

import os
from decimal import Decimal

import pytest

from ingestio.config import Settings, unread_variables
from ingestio.domain.plans import Membership
from ingestio.errors import ConfigurationError


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("INGESTIO_", "TEMPORAL_", "GEMINI_", "GOOGLE_", "STRIPE_")):
            monkeypatch.delenv(name)


def test_without_variables_everything_is_embedded_offline_and_on_loopback() -> None:
    settings = Settings.load()

    assert (settings.embeds_postgres, settings.embeds_temporal, settings.provider) == (True, True, "local")
    assert (settings.host, settings.port, settings.auth) == ("127.0.0.1", 8000, "local")
    assert settings.resolved_storage_url.startswith("file:///")
    assert settings.plans[Membership.STARTER].pages == 25


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGESTIO_PROVIDER", "")
    monkeypatch.setenv("INGESTIO_PLANS", "")

    assert Settings.load().provider == "local"


@pytest.mark.parametrize(
    "variables",
    [
        {"GEMINI_API_KEY": "key"},
        {"GOOGLE_GENAI_USE_VERTEXAI": "1", "GOOGLE_CLOUD_PROJECT": "project"},
    ],
)
def test_credentials_alone_choose_gemini(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert Settings.load().provider == "gemini"


def test_plans_are_changed_key_by_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGESTIO_PLANS", '{"plus": {"pages": 7}, "growth": {"pages": null}}')

    plans = Settings.load().plans

    assert (plans[Membership.PLUS].pages, plans[Membership.PLUS].batch_documents) == (7, 25)
    assert plans[Membership.GROWTH].pages is None


def test_hosts_are_names_and_addresses_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGESTIO_HOSTS", "API, api.internal,10.0.0.7 , fd00::7,")

    assert Settings.load().hosts == ("api", "api.internal", "10.0.0.7", "fd00::7")


def test_prices_are_exact_decimals_and_unknown_unless_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.load().model_prices == {}
    monkeypatch.setenv("INGESTIO_MODEL_PRICES", '{"gemini-2.5-flash": {"input": 0.30, "output": 2.5}}')

    prices = Settings.load().model_prices["gemini-2.5-flash"]

    assert (prices.input, prices.output, prices.cached_input) == (Decimal("0.30"), Decimal("2.5"), None)


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"INGESTIO_PORT": "eighty"}, "INGESTIO_PORT"),
        ({"INGESTIO_PORT": "70000"}, "INGESTIO_PORT"),
        ({"INGESTIO_HOST": "0.0.0.0"}, "INGESTIO_HOST"),
        ({"INGESTIO_DATABASE_URL": "mysql://x"}, "INGESTIO_DATABASE_URL"),
        ({"INGESTIO_STORAGE_URL": "ftp://x"}, "INGESTIO_STORAGE_URL"),
        ({"INGESTIO_SECRET_KEY": "short"}, "INGESTIO_SECRET_KEY"),
        ({"INGESTIO_PROVIDER": "gemini"}, "INGESTIO_PROVIDER"),
        ({"INGESTIO_PROVIDER": "other"}, "INGESTIO_PROVIDER"),
        ({"INGESTIO_AUTH": "oidc"}, "INGESTIO_OIDC_ISSUER"),
        ({"INGESTIO_AUTH": "oidc", "INGESTIO_OIDC_ISSUER": "https://issuer.example"}, "INGESTIO_OIDC_AUDIENCE"),
        ({"GOOGLE_GENAI_USE_VERTEXAI": "1"}, "GOOGLE_CLOUD_PROJECT"),
        ({"INGESTIO_MODEL_TIMEOUT_SECONDS": "0"}, "INGESTIO_MODEL_TIMEOUT_SECONDS"),
        ({"INGESTIO_PLANS": "{"}, "INGESTIO_PLANS"),
        ({"INGESTIO_PLANS": "[]"}, "INGESTIO_PLANS"),
        ({"INGESTIO_PLANS": '{"gold": {}}'}, "INGESTIO_PLANS"),
        ({"INGESTIO_PLANS": '{"plus": {"page": 1}}'}, "INGESTIO_PLANS"),
        ({"INGESTIO_PLANS": '{"plus": {"pages": -1}}'}, "INGESTIO_PLANS"),
        ({"INGESTIO_PLANS": '{"plus": {"pages": true}}'}, "INGESTIO_PLANS"),
        ({"INGESTIO_PLANS": '{"plus": {"retention_days": 0}}'}, "INGESTIO_PLANS"),
        ({"INGESTIO_PLANS": '{"plus": {"pages": 2147483648}}'}, "INGESTIO_PLANS"),
        ({"INGESTIO_PLANS": '{"plus": {"pages": 1}, "plus": {"file_mb": 2}}'}, "INGESTIO_PLANS"),
        ({"INGESTIO_PLANS": '{"plus": {"pages": 1, "pages": 2}}'}, "INGESTIO_PLANS"),
        ({"INGESTIO_PLANS": '{"plus": null}'}, "INGESTIO_PLANS"),
        ({"INGESTIO_PLANS": '{"plus": ' * 3000}, "INGESTIO_PLANS"),
        ({"INGESTIO_HOSTS": "api,http://api.internal"}, "INGESTIO_HOSTS"),
        ({"INGESTIO_HOSTS": "api.internal:8000"}, "INGESTIO_HOSTS"),
        ({"INGESTIO_PROXIES": "10.0.0.1/8"}, "INGESTIO_PROXIES"),
        ({"INGESTIO_MODEL_PRICES": '{"m": {"input": 0.3}}'}, "INGESTIO_MODEL_PRICES"),
        ({"INGESTIO_MODEL_PRICES": "0.3"}, "INGESTIO_MODEL_PRICES"),
        ({"INGESTIO_PUBLIC_URL": "ingestio.example"}, "INGESTIO_PUBLIC_URL"),
        ({"INGESTIO_PUBLIC_URL": "https://"}, "INGESTIO_PUBLIC_URL"),
        ({"INGESTIO_PUBLIC_URL": "https://ingestio.example/?from=mail"}, "INGESTIO_PUBLIC_URL"),
        ({"INGESTIO_PUBLIC_URL": "https://ingestio.example/#top"}, "INGESTIO_PUBLIC_URL"),
        ({"INGESTIO_PUBLIC_URL": "https://somebody@ingestio.example"}, "INGESTIO_PUBLIC_URL"),
        ({"INGESTIO_PUBLIC_URL": "https://ingestio.example:port"}, "INGESTIO_PUBLIC_URL"),
        ({"TEMPORAL_UI_URL": "localhost:8233"}, "TEMPORAL_UI_URL"),
        ({"TEMPORAL_ADDRESS": "temporal.example"}, "TEMPORAL_ADDRESS"),
        ({"TEMPORAL_NAMESPACE": "elsewhere"}, "TEMPORAL_NAMESPACE"),
        ({"INGESTIO_DATA_DIR": __file__}, "INGESTIO_DATA_DIR"),
        ({"TEMPORAL_ADDRESS": "temporal.example:port"}, "TEMPORAL_ADDRESS"),
        ({"GOOGLE_GEMINI_BASE_URL": "here"}, "GOOGLE_GEMINI_BASE_URL"),
        ({"INGESTIO_AUTH": "oidc", "INGESTIO_OIDC_ISSUER": "issuer"}, "INGESTIO_OIDC_ISSUER"),
        ({"INGESTIO_OIDC_JWKS_URL": "jwks.json"}, "INGESTIO_OIDC_JWKS_URL"),
        ({"STRIPE_API_BASE": "http://"}, "STRIPE_API_BASE"),
        ({"STRIPE_SECRET_KEY": "pk_test_0"}, "STRIPE_SECRET_KEY"),
        ({"STRIPE_SECRET_KEY": "whsec_0"}, "STRIPE_SECRET_KEY"),
        ({"STRIPE_SECRET_KEY": "sk_test_0 "}, "STRIPE_SECRET_KEY"),
        ({"STRIPE_SECRET_KEY": "sk_test_…"}, "STRIPE_SECRET_KEY"),
        ({"STRIPE_WEBHOOK_SECRET": "sk_test_0"}, "STRIPE_WEBHOOK_SECRET"),
        ({"STRIPE_WEBHOOK_SECRET": "we_0"}, "STRIPE_WEBHOOK_SECRET"),
        ({"STRIPE_WEBHOOK_SECRET": "whsec_0\n"}, "STRIPE_WEBHOOK_SECRET"),
        ({"INGESTIO_STORAGE_URL": "s3://"}, "INGESTIO_STORAGE_URL"),
        ({"INGESTIO_REVIEW_RULES": "{"}, "INGESTIO_REVIEW_RULES"),
        ({"INGESTIO_REVIEW_RULES": '{"missing": 1}'}, "INGESTIO_REVIEW_RULES"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], named: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(ConfigurationError) as refused:
        Settings.load()

    assert refused.value.detail.startswith(f"{named}: ")
    assert "\n" not in refused.value.detail
    assert "Value error" not in refused.value.detail


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGESTIO_SECRET_KEY", "a very secret key indeed")
    monkeypatch.setenv("INGESTIO_DATABASE_URL", "postgresql://app:hunter2@db.example/ingestio")

    assert "very secret" not in repr(Settings.load())
    assert "hunter2" not in repr(Settings.load())


def test_a_rate_of_model_calls_must_be_positive() -> None:
    assert Settings.load(INGESTIO_MODEL_CALLS_PER_SECOND="0.5").model_calls_per_second == 0.5
    with pytest.raises(ConfigurationError, match="INGESTIO_MODEL_CALLS_PER_SECOND"):
        Settings.load(INGESTIO_MODEL_CALLS_PER_SECOND="0")


def test_what_is_set_in_vain_is_named_with_what_is_meant() -> None:
    environment = {
        "INGESTIO_PROVDER": "gemini",
        "INGESTIO_SOMETHING_OF_ANOTHER": "1",
        "INGESTIO_PROVIDER": "gemini",
        "INGESTIO_URL": "http://127.0.0.1:8000",
        "INGESTIO_EMPTY": "",
        "OTHERS": "1",
    }
    assert unread_variables(environment) == [
        "INGESTIO_PROVDER (is INGESTIO_PROVIDER meant?)",
        "INGESTIO_SOMETHING_OF_ANOTHER",
    ]
