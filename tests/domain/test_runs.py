"""Addresses of runs in the Temporal UI."""

from ingestio.domain.runs import run_url


def test_a_workflow_id_with_a_slash_stays_one_part_of_the_address() -> None:
    assert (
        run_url("http://127.0.0.1:8233/", "default", "document/7f/1")
        == "http://127.0.0.1:8233/namespaces/default/workflows/document%2F7f%2F1"
    )


def test_a_namespace_of_temporal_cloud_and_a_ui_below_a_path_are_kept() -> None:
    assert (
        run_url("https://cloud.temporal.io", "papers.a1b2c", "batch/7f")
        == "https://cloud.temporal.io/namespaces/papers.a1b2c/workflows/batch%2F7f"
    )
    assert run_url("https://ops.example/temporal", "a b", "x").endswith("/temporal/namespaces/a%20b/workflows/x")
