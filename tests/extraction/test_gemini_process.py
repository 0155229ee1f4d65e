"""What a process loads, which credentials it uses, and that it ends without a word."""

import asyncio
import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from ingestio.errors import ConfigurationError, FailureCode, ModelError
from ingestio.extraction.gemini import GeminiProvider
from tests.extraction.conftest import MakeProvider, to_extract
from tests.extraction.gemini_stand_in import GeminiStandIn

pytestmark = pytest.mark.usefixtures("bounded_pool")

ROOT = Path(__file__).parents[2]


async def run_python(code: str, *arguments: str, options: tuple[str, ...] = ()) -> tuple[str, str]:
    """Standard output and error of a fresh interpreter in which warnings are errors."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", *options, "-c", textwrap.dedent(code), *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err.decode()
    return out.decode(), err.decode()


async def test_the_vendors_library_is_loaded_by_the_first_call_and_the_cloud_platform_never(
    gemini: GeminiStandIn, invoice: Path
) -> None:
    out, _ = await run_python(
        """
        import asyncio, json, pathlib, sys

        def loaded():
            vendors = ("google.genai", "google.cloud.aiplatform_v1", "vertexai", "google.cloud.storage", "pypdfium2")
            return [name for name in vendors if name in sys.modules]

        async def main():
            from ingestio.extraction.base import ClassifyRequest
            from ingestio.extraction.gemini import GeminiProvider
            provider = GeminiProvider(model="gemini-2.5-flash", api_key="k", base_url=sys.argv[1])
            before = loaded()
            await provider.classify(ClassifyRequest(pathlib.Path(sys.argv[2]), "application/pdf", 1))
            print(json.dumps([before, loaded()]))
            await provider.close()

        asyncio.run(main())
        """,
        gemini.url,
        str(invoice),
    )
    assert json.loads(out) == [[], ["google.genai"]]


async def test_neither_front_door_nor_worker_loads_a_model_library_to_start() -> None:
    out, _ = await run_python(
        """
        import importlib, pkgutil, sys
        import api, activities, worker

        for package in (api, activities):
            for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
                importlib.import_module(module.name)
        print([name for name in ("google.genai", "google.cloud.aiplatform_v1", "vertexai") if name in sys.modules])
        """
    )
    assert out == "[]\n"


async def test_a_process_ends_without_warnings_tasks_or_sockets_left(gemini: GeminiStandIn, invoice: Path) -> None:
    out, err = await run_python(
        """
        import asyncio, logging, pathlib, sys
        from ingestio.extraction.base import ExtractRequest
        from ingestio.extraction.gemini import GeminiProvider
        from ingestio.media.bounded import close_shared_pool

        logging.getLogger("asyncio").setLevel(logging.ERROR)  # debug mode reports slow steps as warnings

        async def main():
            for options in ({"api_key": "k"}, {"vertexai": True, "project": "p", "location": "l"}):
                provider = GeminiProvider(model="gemini-2.5-flash", base_url=sys.argv[1], **options)
                request = ExtractRequest(pathlib.Path(sys.argv[2]), "application/pdf", 1, "invoice")
                print((await provider.extract(request)).provider)
                await provider.close()
            await close_shared_pool()

        asyncio.run(main())
        """,
        gemini.url,
        str(invoice),
        options=("-X", "dev"),
    )
    assert out.split() == ["gemini", "gemini"]
    assert err == ""


async def test_a_provider_that_was_never_used_or_is_closed_twice_is_no_trouble(
    gemini: GeminiStandIn, invoice: Path
) -> None:
    provider = GeminiProvider(model="gemini-2.5-flash", api_key="k", base_url=gemini.url)
    await provider.close()
    await provider.extract(to_extract(invoice))
    await provider.close()
    await provider.close()


async def test_first_calls_that_come_together_share_one_connection(gemini: GeminiStandIn, invoice: Path) -> None:
    provider = GeminiProvider(model="gemini-2.5-flash", api_key="k", base_url=gemini.url)
    await asyncio.gather(*(provider.extract(to_extract(invoice)) for _ in range(5)))
    assert gemini.calls == 5
    await provider.close()


async def test_no_credentials_are_looked_for_when_the_address_is_plain_http(
    make_provider: MakeProvider, gemini: GeminiStandIn, invoice: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/credentials.json")
    await make_provider("vertex", project="another-project").extract(to_extract(invoice))
    assert gemini.generated[0].headers["authorization"] == "Bearer none-over-plain-http"


async def test_missing_credentials_are_rejected_with_what_to_do(
    make_provider: MakeProvider, invoice: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/credentials.json")
    provider = make_provider("vertex", base_url="https://127.0.0.1:9")
    with pytest.raises(ModelError, match="Google Cloud credentials") as caught:
        await provider.extract(to_extract(invoice))
    assert (caught.value.reason, caught.value.can_retry) == (FailureCode.MODEL_REJECTED, False)


async def test_a_key_that_is_no_header_value_is_rejected_and_not_repeated(
    make_provider: MakeProvider, gemini: GeminiStandIn, invoice: Path
) -> None:
    for key in ("schlüssel", "two\nlines"):
        with pytest.raises(ModelError) as caught:
            await make_provider(api_key=key).extract(to_extract(invoice))
        assert (caught.value.reason, caught.value.can_retry) == (FailureCode.MODEL_REJECTED, False)
        assert key not in caught.value.detail
    assert gemini.requests == []


@pytest.mark.parametrize(
    ("options", "variable"),
    [
        ({}, "GEMINI_API_KEY"),
        ({"project": "p"}, "GEMINI_API_KEY"),
        ({"vertexai": True}, "GOOGLE_CLOUD_PROJECT"),
        ({"api_key": "k", "base_url": "localhost:8000"}, "GOOGLE_GEMINI_BASE_URL"),
        ({"api_key": "k", "base_url": "ftp://host"}, "GOOGLE_GEMINI_BASE_URL"),
        ({"api_key": "k", "base_url": "http://"}, "GOOGLE_GEMINI_BASE_URL"),
        ({"api_key": "k", "base_url": "http://[half"}, "GOOGLE_GEMINI_BASE_URL"),
    ],
)
def test_settings_that_cannot_work_name_their_variable(options: dict[str, Any], variable: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{variable}: "):
        GeminiProvider(model="gemini-2.5-flash", **options)


async def test_the_stand_in_runs_by_hand(invoice: Path) -> None:
    command = [sys.executable, "-m", "tests.extraction.gemini_stand_in"]
    options = ["--values", '{"invoice_number": "INV-2041"}', "--document-type", "letter", "--delay", "0.1"]
    process = await asyncio.create_subprocess_exec(*command, *options, stdout=subprocess.PIPE, cwd=ROOT)
    try:
        assert process.stdout is not None
        word, address = (await asyncio.wait_for(process.stdout.readline(), 30)).decode().split()
        assert word == "ready"
        provider = GeminiProvider(model="gemini-2.5-flash", api_key="k", base_url=address)
        result = await provider.extract(to_extract(invoice, document_type=None, prompt="Extract the invoice number"))
        await provider.close()
        assert (result.document_type, result.data) == ("letter", {"invoice_number": "INV-2041"})
    finally:
        process.terminate()
        await process.wait()
