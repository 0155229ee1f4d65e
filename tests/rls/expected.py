"""What the requirements say about access (R26, R27), written down once more and by hand: the tests compare the database with this."""

# The user sees these rows of their own. `None`: every column, otherwise the ones that are not hidden.
HIDDEN_COLUMNS = {"api_keys": {"key_hash"}, "webhook_endpoints": {"secret", "previous_secret"}}

SEEN_BY_OWNER = {
    "users",
    "profiles",
    "user_usage",
    "page_ledger",
    "extraction_batches",
    "refused_files",
    "documents",
    "extraction_jobs",
    "extracted_data",
    "field_revisions",
    "document_words",
    "exports",
    "api_keys",
    "webhook_endpoints",
    "webhook_deliveries",
}

SERVICE_ONLY = {
    "idempotency_keys",
    "browser_sessions",
    "stripe_events",
    "clerk_events",
    "account_tombstones",
    "upkeep_walks",
    "metric_sums",
}

TABLES = sorted(SEEN_BY_OWNER | SERVICE_ONLY)

CHANGED_BY_OWNER = {
    "users": {"full_name", "avatar_url"},
    "extraction_batches": {"name"},
    "documents": {"extraction_prompt"},
}

# The policies of the product notes, and the names of those of the added tables.
OWNER_POLICIES = {
    "documents": {
        "SELECT": "Users can view their own documents",
        "INSERT": "Users can insert their own documents",
        "UPDATE": "Users can update their own documents",
        "DELETE": "Users can delete their own documents",
    },
    "extraction_batches": {
        "SELECT": "Users can view their own batches",
        "INSERT": "Users can insert their own batches",
        "UPDATE": "Users can update their own batches",
        "DELETE": "Users can delete their own batches",
    },
    "exports": {
        "SELECT": "Users can view their own exports",
        "INSERT": "Users can insert their own exports",
        "DELETE": "Users can delete their own exports",
    },
    "extracted_data": {
        "SELECT": "Users can view their own extracted data",
        "UPDATE": "Users can update their own extracted data",
        "DELETE": "Users can delete their own extracted data",
    },
    "extraction_jobs": {"SELECT": "Users can view their own jobs", "INSERT": "Users can insert their own jobs"},
    "profiles": {"SELECT": "Users can view their own profile", "UPDATE": "Users can update their own profile"},
    "user_usage": {"SELECT": "Users can only view their own usage"},
    "users": {"SELECT": "Users can view their own user record", "UPDATE": "Users can update their own user record"},
    "page_ledger": {"SELECT": "Users can view their own page ledger"},
    "refused_files": {"SELECT": "Users can view their own refused files"},
    "field_revisions": {"SELECT": "Users can view their own field revisions"},
    "document_words": {"SELECT": "Users can view their own document words"},
    "api_keys": {"SELECT": "Users can view their own api keys"},
    "webhook_endpoints": {"SELECT": "Users can view their own webhook endpoints"},
    "webhook_deliveries": {"SELECT": "Users can view their own webhook deliveries"},
}
