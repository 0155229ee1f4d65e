"""Tables, enums, keys and indexes (R10..R20).

Ownership is composite: a foreign key to another row of a user's names the user id as well, because foreign keys bypass row-level
security. ids are made by the application or by gen_random_uuid(), a core function, so that no extension is needed.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ENUMS = {
    "prompt_strategy_enum": ("global", "per_document", "auto"),
    "batch_status_enum": (
        "pending_upload",
        "queued",
        "processing",
        "completed",
        "partially_completed",
        "failed",
        "cancelled",
    ),
    "document_status": ("uploaded", "queued_for_processing", "processing", "completed", "failed", "cancelled"),
    "extraction_status": ("queued", "processing", "completed", "failed", "cancelled"),
    "membership": ("starter", "plus", "growth"),
    "export_format": ("json", "jsonl", "csv", "xlsx"),
    "ledger_state": ("reserved", "committed", "released"),
    "prompt_source": ("global", "per_document", "auto", "request"),
    "review_decision": ("approved", "rejected"),
}

TABLES = (
    """
    CREATE TABLE users (
        user_id text PRIMARY KEY,
        email text,
        full_name text,
        avatar_url text,
        metadata jsonb NOT NULL DEFAULT '{}',
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE profiles (
        user_id text PRIMARY KEY REFERENCES users (user_id) ON DELETE CASCADE,
        membership membership NOT NULL DEFAULT 'starter',
        subscription_status text,
        stripe_customer_id text UNIQUE,
        stripe_subscription_id text UNIQUE,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    # pages_limit -1 is unlimited. The check is the last line of defence of the quota: whatever code runs, never one page over.
    """
    CREATE TABLE user_usage (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        user_id text NOT NULL REFERENCES profiles (user_id) ON DELETE CASCADE,
        billing_period_start timestamptz NOT NULL,
        billing_period_end timestamptz NOT NULL,
        pages_processed integer NOT NULL DEFAULT 0 CHECK (pages_processed >= 0),
        pages_reserved integer NOT NULL DEFAULT 0 CHECK (pages_reserved >= 0),
        pages_limit integer NOT NULL CHECK (pages_limit >= -1),
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (user_id, billing_period_start),
        CHECK (billing_period_end > billing_period_start),
        CONSTRAINT user_usage_within_limit CHECK (pages_limit = -1 OR pages_processed + pages_reserved <= pages_limit)
    )
    """,
    # No foreign keys: the ledger outlives users, jobs and documents (R14).
    """
    CREATE TABLE page_ledger (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        user_id text NOT NULL,
        job_id uuid NOT NULL UNIQUE,
        document_id uuid NOT NULL,
        usage_id uuid NOT NULL,
        pages integer NOT NULL CHECK (pages >= 0),
        state ledger_state NOT NULL DEFAULT 'reserved',
        reused_from uuid,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE extraction_batches (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        user_id text NOT NULL REFERENCES profiles (user_id) ON DELETE CASCADE,
        name text,
        prompt_strategy prompt_strategy_enum NOT NULL DEFAULT 'global',
        extraction_prompt text,
        status batch_status_enum NOT NULL DEFAULT 'pending_upload',
        document_count integer NOT NULL DEFAULT 0 CHECK (document_count >= 0),
        completed_count integer NOT NULL DEFAULT 0 CHECK (completed_count >= 0),
        failed_count integer NOT NULL DEFAULT 0 CHECK (failed_count >= 0),
        cancelled_count integer NOT NULL DEFAULT 0 CHECK (cancelled_count >= 0),
        total_pages integer NOT NULL DEFAULT 0 CHECK (total_pages >= 0),
        paused boolean NOT NULL DEFAULT false,
        cancel_requested boolean NOT NULL DEFAULT false,
        all_or_nothing boolean NOT NULL DEFAULT false,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        completed_at timestamptz,
        UNIQUE (id, user_id),
        CONSTRAINT extraction_batches_prompt_is_global CHECK (extraction_prompt IS NULL OR prompt_strategy = 'global')
    )
    """,
    """
    CREATE TABLE refused_files (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        user_id text NOT NULL REFERENCES profiles (user_id) ON DELETE CASCADE,
        batch_id uuid NOT NULL,
        client_id text NOT NULL,
        position integer NOT NULL,
        filename text NOT NULL,
        code text NOT NULL,
        message text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (batch_id, client_id),
        FOREIGN KEY (batch_id, user_id) REFERENCES extraction_batches (id, user_id) ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE documents (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        user_id text NOT NULL REFERENCES profiles (user_id) ON DELETE CASCADE,
        batch_id uuid,
        client_id text,
        position integer NOT NULL DEFAULT 0,
        original_filename text NOT NULL,
        storage_path text NOT NULL,
        mime_type text NOT NULL,
        file_size bigint NOT NULL CHECK (file_size >= 0),
        sha256 text NOT NULL,
        page_count integer NOT NULL CHECK (page_count >= 1),
        status document_status NOT NULL DEFAULT 'uploaded',
        document_type text,
        extraction_prompt text,
        prompt_source prompt_source,
        error_code text,
        attempt integer NOT NULL DEFAULT 0,
        pages_charged integer NOT NULL DEFAULT 0 CHECK (pages_charged >= 0),
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (id, user_id),
        UNIQUE (batch_id, client_id),
        FOREIGN KEY (batch_id, user_id) REFERENCES extraction_batches (id, user_id) ON DELETE SET NULL (batch_id)
    )
    """,
    """
    CREATE TABLE extraction_jobs (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        user_id text NOT NULL REFERENCES profiles (user_id) ON DELETE CASCADE,
        document_id uuid NOT NULL,
        batch_id uuid,
        attempt integer NOT NULL CHECK (attempt >= 1),
        position integer NOT NULL DEFAULT 0,
        status extraction_status NOT NULL DEFAULT 'queued',
        extraction_prompt text,
        extraction_options jsonb NOT NULL DEFAULT '{}',
        document_type text,
        error_code text,
        error_message text,
        provider text,
        model text,
        input_tokens integer NOT NULL DEFAULT 0,
        output_tokens integer NOT NULL DEFAULT 0,
        started_at timestamptz,
        finished_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (id, user_id),
        UNIQUE (document_id, attempt),
        FOREIGN KEY (document_id, user_id) REFERENCES documents (id, user_id) ON DELETE CASCADE,
        FOREIGN KEY (batch_id, user_id) REFERENCES extraction_batches (id, user_id) ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE extracted_data (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        user_id text NOT NULL REFERENCES profiles (user_id) ON DELETE CASCADE,
        document_id uuid NOT NULL,
        extraction_job_id uuid UNIQUE,
        data jsonb NOT NULL,
        document_type text NOT NULL,
        fields jsonb NOT NULL DEFAULT '[]',
        flags jsonb NOT NULL DEFAULT '[]',
        provider text NOT NULL,
        model text NOT NULL,
        schema_version text NOT NULL DEFAULT '1',
        pages integer NOT NULL CHECK (pages >= 0),
        input_tokens integer NOT NULL DEFAULT 0,
        output_tokens integer NOT NULL DEFAULT 0,
        reused_from uuid,
        revision integer NOT NULL DEFAULT 0,
        review review_decision,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (id, user_id),
        FOREIGN KEY (document_id, user_id) REFERENCES documents (id, user_id) ON DELETE CASCADE,
        FOREIGN KEY (extraction_job_id, user_id) REFERENCES extraction_jobs (id, user_id) ON DELETE SET NULL (extraction_job_id)
    )
    """,
    # Append only: one row per changed field per revision of a result (R85).
    """
    CREATE TABLE field_revisions (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        user_id text NOT NULL REFERENCES profiles (user_id) ON DELETE CASCADE,
        document_id uuid NOT NULL,
        extracted_data_id uuid NOT NULL,
        revision integer NOT NULL CHECK (revision >= 1),
        path text NOT NULL,
        value_before jsonb,
        value_after jsonb,
        created_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (extracted_data_id, path, revision),
        FOREIGN KEY (document_id, user_id) REFERENCES documents (id, user_id) ON DELETE CASCADE,
        FOREIGN KEY (extracted_data_id, user_id) REFERENCES extracted_data (id, user_id) ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE exports (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        user_id text NOT NULL REFERENCES profiles (user_id) ON DELETE CASCADE,
        format export_format NOT NULL,
        status extraction_status NOT NULL DEFAULT 'queued',
        file_path text,
        document_ids uuid[] NOT NULL DEFAULT '{}',
        options jsonb NOT NULL DEFAULT '{}',
        error_code text,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        completed_at timestamptz
    )
    """,
    """
    CREATE TABLE idempotency_keys (
        user_id text NOT NULL REFERENCES profiles (user_id) ON DELETE CASCADE,
        key text NOT NULL,
        operation text NOT NULL,
        fingerprint text NOT NULL,
        resource_id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (user_id, operation, key)
    )
    """,
    """
    CREATE TABLE api_keys (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        user_id text NOT NULL REFERENCES profiles (user_id) ON DELETE CASCADE,
        name text NOT NULL,
        prefix text NOT NULL,
        key_hash text NOT NULL UNIQUE,
        scopes text[] NOT NULL DEFAULT '{read,write}',
        last_used_at timestamptz,
        revoked_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE browser_sessions (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        user_id text NOT NULL REFERENCES profiles (user_id) ON DELETE CASCADE,
        token_hash text NOT NULL UNIQUE,
        expires_at timestamptz NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE webhook_endpoints (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        user_id text NOT NULL REFERENCES profiles (user_id) ON DELETE CASCADE,
        url text NOT NULL,
        events text[] NOT NULL DEFAULT '{}',
        secret text NOT NULL,
        disabled_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (id, user_id)
    )
    """,
    """
    CREATE TABLE webhook_deliveries (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        user_id text NOT NULL REFERENCES profiles (user_id) ON DELETE CASCADE,
        endpoint_id uuid NOT NULL,
        event_type text NOT NULL,
        payload jsonb NOT NULL,
        attempts integer NOT NULL DEFAULT 0,
        response_status integer,
        delivered_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        FOREIGN KEY (endpoint_id, user_id) REFERENCES webhook_endpoints (id, user_id) ON DELETE CASCADE
    )
    """,
    # Inboxes: the event is inserted first, a duplicate is a no-op (R33, R54). Service only.
    """
    CREATE TABLE stripe_events (
        event_id text PRIMARY KEY,
        type text NOT NULL,
        customer_id text,
        received_at timestamptz NOT NULL DEFAULT now(),
        processed_at timestamptz,
        error text
    )
    """,
    """
    CREATE TABLE clerk_events (
        message_id text PRIMARY KEY,
        type text NOT NULL,
        received_at timestamptz NOT NULL DEFAULT now(),
        processed_at timestamptz
    )
    """,
    # The hash of a deleted user's id: live tokens turn 401 and late webhooks are no-ops (R86). Service only.
    """
    CREATE TABLE account_tombstones (
        user_hash text PRIMARY KEY,
        deleted_at timestamptz NOT NULL DEFAULT now()
    )
    """,
)

INDEXES = (
    "CREATE INDEX user_usage_current ON user_usage (user_id, billing_period_start DESC)",
    "CREATE INDEX page_ledger_usage ON page_ledger (usage_id, state)",
    "CREATE INDEX page_ledger_user ON page_ledger (user_id, created_at DESC)",
    "CREATE INDEX page_ledger_document ON page_ledger (document_id)",
    "CREATE INDEX extraction_batches_list ON extraction_batches (user_id, created_at DESC, id DESC)",
    "CREATE INDEX extraction_batches_by_status ON extraction_batches (user_id, status, created_at DESC, id DESC)",
    # What the reconciler looks for: a handful of live rows among millions that ended.
    "CREATE INDEX extraction_batches_live ON extraction_batches (updated_at) WHERE status IN ('pending_upload', 'queued', 'processing')",
    "CREATE INDEX documents_list ON documents (user_id, created_at DESC, id DESC)",
    "CREATE INDEX documents_by_status ON documents (user_id, status, created_at DESC, id DESC)",
    "CREATE INDEX documents_of_batch ON documents (batch_id, position, id)",
    "CREATE INDEX documents_same_bytes ON documents (user_id, sha256)",
    "CREATE INDEX extraction_jobs_list ON extraction_jobs (user_id, created_at DESC, id DESC)",
    "CREATE INDEX extraction_jobs_of_document ON extraction_jobs (document_id, attempt DESC)",
    "CREATE INDEX extraction_jobs_of_batch ON extraction_jobs (batch_id, status, position, id)",
    # A document has at most one live attempt, whatever races.
    "CREATE UNIQUE INDEX extraction_jobs_one_live ON extraction_jobs (document_id) WHERE status IN ('queued', 'processing')",
    "CREATE INDEX extraction_jobs_live ON extraction_jobs (updated_at) WHERE status IN ('queued', 'processing')",
    "CREATE INDEX extracted_data_of_document ON extracted_data (document_id, created_at DESC)",
    "CREATE INDEX extracted_data_list ON extracted_data (user_id, created_at DESC)",
    "CREATE INDEX field_revisions_of_document ON field_revisions (document_id, created_at)",
    "CREATE INDEX field_revisions_user ON field_revisions (user_id)",
    "CREATE INDEX exports_list ON exports (user_id, created_at DESC, id DESC)",
    "CREATE INDEX exports_live ON exports (updated_at) WHERE status IN ('queued', 'processing')",
    "CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at)",
    "CREATE INDEX api_keys_list ON api_keys (user_id, created_at DESC)",
    "CREATE INDEX browser_sessions_user ON browser_sessions (user_id)",
    "CREATE INDEX browser_sessions_expiry ON browser_sessions (expires_at)",
    "CREATE INDEX webhook_endpoints_user ON webhook_endpoints (user_id)",
    "CREATE INDEX webhook_deliveries_list ON webhook_deliveries (endpoint_id, created_at DESC)",
    "CREATE INDEX webhook_deliveries_user ON webhook_deliveries (user_id, created_at DESC)",
    "CREATE INDEX refused_files_of_batch ON refused_files (batch_id, position)",
    "CREATE INDEX refused_files_user ON refused_files (user_id)",
    "CREATE INDEX stripe_events_open ON stripe_events (received_at) WHERE processed_at IS NULL",
)


def upgrade() -> None:
    for name, values in ENUMS.items():
        quoted = ", ".join(f"'{value}'" for value in values)
        op.execute(f"CREATE TYPE {name} AS ENUM ({quoted})")
    for statement in TABLES:
        op.execute(statement)
    for statement in INDEXES:
        op.execute(statement)


def downgrade() -> None:
    for statement in reversed(TABLES):
        name = statement.split("CREATE TABLE ")[1].split()[0]
        op.execute(f"DROP TABLE {name}")
    for name in reversed(tuple(ENUMS)):
        op.execute(f"DROP TYPE {name}")
