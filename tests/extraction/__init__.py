"""From a document to fields with evidence."""
