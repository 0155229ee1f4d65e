"""The same command on servers of one's own: PostgreSQL, Temporal and S3 named by environment variables alone."""

import csv
from pathlib import Path

from ingestio.embedded.postgres import start_postgres
from ingestio.embedded.temporal import start_temporal
from ingestio.samples import sample
from tests.cli.conftest import ingestio
from tests.storage import s3_server

EMBEDDED = {"postgres", "temporal"}


def test_documents_are_extracted_on_external_servers_and_nothing_is_embedded(tmp_path: Path) -> None:
    invoice = sample("Rechnung_RE-2026-0417.pdf")
    output = tmp_path / "out.csv"
    data_dir = tmp_path / "data"
    (tmp_path / "s3").mkdir()
    with (
        start_postgres(tmp_path / "postgres") as postgres,
        start_temporal() as temporal,
        s3_server.running(tmp_path / "s3") as s3,
    ):
        done = ingestio(
            "extract",
            invoice.path,
            "--prompt",
            "Extract the invoice number and the total",
            "--output",
            output,
            "--data-dir",
            data_dir,
            cwd=None,
            **s3.environment,
            INGESTIO_DATABASE_OWNER_URL=postgres.owner_url,
            INGESTIO_DATABASE_URL=postgres.app_url,
            TEMPORAL_ADDRESS=temporal.address,
            INGESTIO_STORAGE_URL=f"s3://{s3_server.BUCKET}/documents",
            INGESTIO_SECRET_KEY="a secret that all replicas share",
        )

    assert done.returncode == 0, done.stderr
    [row] = csv.DictReader(output.read_text(encoding="utf-8").splitlines())
    assert row["status"] == "completed"
    assert row["invoice_number"] == invoice.fields["invoice_number"]
    assert row["total"] == invoice.fields["total_amount"]
    assert not EMBEDDED & {path.name for path in data_dir.iterdir()}
    assert not list(data_dir.rglob("original")), "the document went to the bucket, not to the data dir"
