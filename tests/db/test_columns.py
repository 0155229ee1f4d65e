"""The catalogue against R10..R20: tables, columns, types, defaults and nullability."""

from typing import Any

import psycopg
import pytest

from tests.db.rows import rows_of

# As the requirements say it; a table may have more columns. The last word is the default, where one is required.
REQUIRED = {
    "users": """
        user_id text not null
        email text null
        full_name text null
        avatar_url text null
        metadata jsonb not null '{}'::jsonb
        created_at timestamptz not null now()
        updated_at timestamptz not null now()
    """,
    "profiles": """
        user_id text not null
        membership membership not null 'starter'::membership
        stripe_customer_id text null
        stripe_subscription_id text null
        created_at timestamptz not null now()
        updated_at timestamptz not null now()
    """,
    "user_usage": """
        id uuid not null gen_random_uuid()
        user_id text not null
        billing_period_start timestamptz not null
        billing_period_end timestamptz not null
        pages_processed integer not null 0
        pages_limit integer not null
        pages_reserved integer not null 0
        created_at timestamptz not null now()
        updated_at timestamptz not null now()
    """,
    "page_ledger": """
        id uuid not null gen_random_uuid()
        user_id text not null
        job_id uuid not null
        document_id uuid not null
        usage_id uuid not null
        pages integer not null
        state ledger_state not null 'reserved'::ledger_state
        reused_from uuid null
        created_at timestamptz not null now()
        updated_at timestamptz not null now()
    """,
    "extraction_batches": """
        id uuid not null gen_random_uuid()
        user_id text not null
        name text null
        prompt_strategy prompt_strategy_enum not null 'global'::prompt_strategy_enum
        extraction_prompt text null
        status batch_status_enum not null 'pending_upload'::batch_status_enum
        document_count integer not null 0
        completed_count integer not null 0
        failed_count integer not null 0
        cancelled_count integer not null 0
        total_pages integer not null 0
        paused boolean not null false
        cancel_requested boolean not null false
        all_or_nothing boolean not null false
        created_at timestamptz not null now()
        updated_at timestamptz not null now()
        completed_at timestamptz null
        receiving_at timestamptz null
    """,
    "refused_files": """
        batch_id uuid not null
        client_id text not null
        filename text not null
        code text not null
        message text not null
    """,
    "documents": """
        id uuid not null gen_random_uuid()
        user_id text not null
        batch_id uuid null
        client_id text null
        original_filename text not null
        storage_path text not null
        mime_type text not null
        file_size bigint not null
        sha256 text not null
        page_count integer not null
        status document_status not null 'uploaded'::document_status
        document_type text null
        extraction_prompt text null
        error_code text null
        created_at timestamptz not null now()
        updated_at timestamptz not null now()
    """,
    "extraction_jobs": """
        id uuid not null gen_random_uuid()
        user_id text not null
        document_id uuid not null
        batch_id uuid null
        status extraction_status not null 'queued'::extraction_status
        extraction_prompt text null
        extraction_options jsonb not null '{}'::jsonb
        error_message text null
        created_at timestamptz not null now()
        updated_at timestamptz not null now()
    """,
    "extracted_data": """
        id uuid not null gen_random_uuid()
        user_id text not null
        extraction_job_id uuid null
        document_id uuid not null
        data jsonb not null
        document_type text not null
        created_at timestamptz not null now()
        updated_at timestamptz not null now()
    """,
    "exports": """
        id uuid not null gen_random_uuid()
        user_id text not null
        format export_format not null
        status extraction_status not null 'queued'::extraction_status
        file_path text null
        document_ids uuid[] not null '{}'::uuid[]
        created_at timestamptz not null now()
        updated_at timestamptz not null now()
    """,
}

ENUMS = {
    "prompt_strategy_enum": ["global", "per_document", "auto"],
    "batch_status_enum": [
        "pending_upload",
        "queued",
        "processing",
        "completed",
        "partially_completed",
        "failed",
        "cancelled",
    ],
    "document_status": ["uploaded", "queued_for_processing", "processing", "completed", "failed", "cancelled"],
    "extraction_status": ["queued", "processing", "completed", "failed", "cancelled"],
    "membership": ["starter", "plus", "growth"],
    "export_format": ["json", "jsonl", "csv", "xlsx"],
    "ledger_state": ["reserved", "committed", "released"],
    "prompt_source": ["global", "per_document", "auto", "request"],
    "review_decision": ["approved", "rejected"],
    "revision_kind": ["correction", "decision", "kept", "extraction"],
}


def columns_of(connection: psycopg.Connection[Any], table: str) -> set[str]:
    rows = connection.execute(
        """
        SELECT column_name || ' ' || replace(format_type(atttypid, atttypmod), 'timestamp with time zone', 'timestamptz')
               || CASE is_nullable WHEN 'YES' THEN ' null' ELSE ' not null' END || coalesce(' ' || column_default, '')
        FROM information_schema.columns
        JOIN pg_attribute ON attrelid = ('public.' || table_name)::regclass AND attname = column_name
        WHERE table_schema = 'public' AND table_name = %s
        """,
        [table],
    ).fetchall()
    return {row[0] for row in rows}


@pytest.mark.parametrize("table", REQUIRED)
def test_a_table_has_the_columns_types_nullability_and_defaults_that_are_required(
    superuser: psycopg.Connection[Any], table: str
) -> None:
    required = {line.strip() for line in REQUIRED[table].strip().splitlines()}
    assert required - columns_of(superuser, table) == set()


def test_the_enums_hold_exactly_the_required_values_in_order(superuser: psycopg.Connection[Any]) -> None:
    rows = superuser.execute(
        "SELECT enumtypid::regtype::text, array_agg(enumlabel::text ORDER BY enumsortorder) FROM pg_enum GROUP BY enumtypid"
    ).fetchall()
    assert dict(rows) == ENUMS


def test_every_point_in_time_knows_its_zone(superuser: psycopg.Connection[Any]) -> None:
    rows = superuser.execute(
        "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE table_schema = 'public' AND data_type IN ('timestamp without time zone', 'date', 'time without time zone')"
    ).fetchall()
    assert rows == []


def test_there_is_no_table_that_these_tests_do_not_know(superuser: psycopg.Connection[Any]) -> None:
    rows = superuser.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert {row[0] for row in rows} == {*rows_of("someone"), "alembic_version"}


def test_no_extension_and_no_sequence_is_needed(superuser: psycopg.Connection[Any]) -> None:
    """Any PostgreSQL 15+ will do, and no sequence needs grants of its own."""
    assert superuser.execute("SELECT extname FROM pg_extension").fetchall() == [("plpgsql",)]
    assert (
        superuser.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace"
        ).fetchall()
        == []
    )


def test_updated_at_exists_exactly_where_a_trigger_moves_it(superuser: psycopg.Connection[Any]) -> None:
    stamped = superuser.execute(
        "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'updated_at'"
    )
    moved = superuser.execute(
        "SELECT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal AND tgname = 'touch_updated_at' AND tgenabled = 'O'"
    )
    assert {row[0] for row in stamped} == {row[0] for row in moved}
