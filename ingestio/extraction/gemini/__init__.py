"""Gemini as a provider, on Vertex AI or with an API key: connection, requests, answers, errors. Imports no vendor library itself."""
