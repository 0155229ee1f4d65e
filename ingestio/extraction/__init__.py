"""From a document to typed, evidenced values: prompts, schemas, providers, grounding."""
