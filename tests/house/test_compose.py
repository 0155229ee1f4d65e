"""The compose file and the image, held to what docs/deployment.md promises; whether a container starts is seen where containers run."""

import re
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from ingestio.config import Settings
from tests.house.tree import ROOT

TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(name for name, service in SERVICES.items() if service["image"].startswith("ingestio:"))
ONE_SHOT = {"migrate"}
VARIABLE = re.compile(r"\$\{(\w+)(:?-)([^}]*)\}")
# Read by libraries under the names that their clouds gave them.
OF_LIBRARIES = {"AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}


def given(value: object, environment: dict[str, str]) -> str:
    """A value as compose hands it over: variables replaced, else their defaults."""

    def replaced(found: re.Match[str]) -> str:
        name, dash, default = found.groups()
        known = environment.get(name)
        return default if known is None or (not known and dash == ":-") else known

    return VARIABLE.sub(replaced, str(value))


def test_the_parts_of_the_requirements_are_there() -> None:
    assert {"postgres", "temporal", "temporal-ui", "redis", "objects", "migrate", "api", "worker"} == set(SERVICES)
    assert OURS == ["api", "migrate", "worker"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_whatever_waits_for_a_part_waits_until_it_is_well(name: str) -> None:
    service = SERVICES[name]
    assert name in ONE_SHOT or {"test", "interval", "timeout", "retries"} <= set(service["healthcheck"])
    for other, how in service.get("depends_on", {}).items():
        wanted = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
        assert how == {"condition": wanted}, f"{name} waits for {other}"
    for port in service.get("ports", ()):
        assert port.startswith("127.0.0.1:"), "published beyond this machine"
    for volume in service.get("volumes", ()):
        source = volume.partition(":")[0]
        assert (ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]


@pytest.mark.parametrize("name", [*OURS, "redis"])
def test_what_need_not_write_cannot(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"].partition(":")[0] not in {"", "0", "root"}


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("filled", [False, True], ids=["without .env", "with .env"])
def test_the_environment_that_a_process_gets_is_one_that_it_takes(
    name: str, filled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = dict(line.split("=", 1) for line in _example())
    environment = {variable: value or f"{variable.lower()}-of-mine" for variable, value in example.items()}
    environment |= {
        "INGESTIO_PUBLIC_URL": "https://ingestio.example.org",
        "INGESTIO_AUTH": "oidc",
        "INGESTIO_PROVIDER": "gemini",
    }
    environment |= {
        "INGESTIO_OIDC_ISSUER": "https://issuer.example.org",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
    }
    environment |= {
        "INGESTIO_OIDC_JWKS_URL": "https://issuer.example.org/keys",
        "INGESTIO_PROXIES": "10.0.0.0/8",
        "INGESTIO_WEBHOOK_NETWORKS": "10.1.0.0/16",
        "INGESTIO_DATABASE_POOL_SIZE": "16",
        "GOOGLE_GENAI_USE_VERTEXAI": "0",
        "GOOGLE_GEMINI_BASE_URL": "https://models.example.org",
        "INGESTIO_GEMINI_MEDIA_RESOLUTION": "low",
        "INGESTIO_GEMINI_THINKING_BUDGET": "0",
        "INGESTIO_MODEL_PRICES": "{}",
        "INGESTIO_MODEL_CALLS_PER_SECOND": "5",
        "INGESTIO_MODEL_TIMEOUT_SECONDS": "60",
        "INGESTIO_MODEL_WAIT_SECONDS": "600",
        "INGESTIO_BULK_POLL_SECONDS": "60",
        "INGESTIO_BULK_DEADLINE_SECONDS": "3600",
    }
    environment |= {"INGESTIO_PLANS": '{"plus": {"retention_days": 90}}', "INGESTIO_REVIEW_RULES": "{}"}
    environment |= {
        "INGESTIO_STORAGE_URL": "s3://mine/prefix",
        "INGESTIO_LOG_LEVEL": "info",
        "INGESTIO_ALLOW_REMOTE_LOCAL_AUTH": "0",
    }
    values = SERVICES[name]["environment"]
    known = {field.alias for field in Settings.model_fields.values()}
    assert set(values) - OF_LIBRARIES <= known, "a variable that nothing reads"
    monkeypatch.setenv("INGESTIO_HOST", "0.0.0.0")  # as the image sets it
    for variable, value in values.items():
        monkeypatch.setenv(variable, given(value, environment if filled else {}))

    settings = Settings.load()

    assert not settings.embeds_postgres
    if name != "migrate":
        assert settings.redis_url
        assert settings.storage_url == ("s3://mine/prefix" if filled else "s3://ingestio")


def test_every_setting_can_be_given_in_the_environment_file() -> None:
    decided = {
        *("INGESTIO_DATA_DIR", "INGESTIO_HOST", "INGESTIO_PORT"),  # by the image
        *("TEMPORAL_NAMESPACE", "STRIPE_API_BASE"),  # by the servers that stand in the file, and by Stripe
        "INGESTIO_DATABASE_OWNER_URL",  # `migrate` alone has it
    }
    known = {field.alias for field in Settings.model_fields.values()}
    for name in ("api", "worker"):
        assert known - set(SERVICES[name]["environment"]) == decided


def test_every_variable_of_the_compose_file_is_in_the_example_and_the_other_way_round() -> None:
    versions = {"TEMPORAL_VERSION", "TEMPORAL_UI_VERSION", "SEAWEEDFS_VERSION"}
    assert {found[1] for found in VARIABLE.finditer(TEXT)} - versions == {line.partition("=")[0] for line in _example()}


def test_the_image_runs_as_the_user_that_compose_names() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    assert [line for line in lines if line.startswith("USER ")][-1] == "USER ingestio"
    (uid,) = re.findall(r"--uid (\d+)", "\n".join(lines))
    assert {SERVICES[name]["user"] for name in OURS} == {f"{uid}:{uid}"}


def _example() -> list[str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]
