"""The front door stays light: what reads documents, asks models or takes money is not in its process."""

import subprocess
import sys

import pytest
from fastapi.routing import APIRoute

from api.app import SIGNED_IN_ROUTERS
from tests.api.processes import ROOT

HEAVY = (
    "google.genai",
    "google.api_core",
    "google.cloud.aiplatform",
    "google.cloud.aiplatform_v1",
    "google.cloud.storage",
    "vertexai",
    "stripe",
    "pypdf",
    "pypdfium2",
    "pikepdf",
    "PIL",
    "pi_heif",
    "alembic",
    "obstore",
    "activities",
    "worker",
    "temporalio.worker",
    "temporalio.testing",
    "httpx",
    "opentelemetry.sdk",
    "opentelemetry.exporter",
)


@pytest.fixture(scope="module")
def modules() -> set[str]:
    """What a process that serves has imported."""
    program = "import sys, api.server; print('\\n'.join(sys.modules))"
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    return set(answer.stdout.split())


@pytest.mark.parametrize("name", HEAVY)
def test_the_front_door_does_not_import(modules: set[str], name: str) -> None:
    assert not {module for module in modules if module == name or module.startswith(f"{name}.")}


def test_the_list_above_would_notice(modules: set[str]) -> None:
    assert {"fastapi", "sqlalchemy", "temporalio.client", "api.app"} <= modules


def test_no_route_makes_a_serializer_for_an_error_that_it_only_describes() -> None:
    """A fifth of the time to the first answer went into them, and nothing ever uses one."""
    routes = [route for router in SIGNED_IN_ROUTERS for route in router.routes if isinstance(route, APIRoute)]

    assert {status for route in routes for status in route.responses} >= {404, 409, 413}
    assert [(route.path, status) for route in routes for status in route.response_fields if int(status) >= 400] == []
