"""Gemini as a provider, on Vertex AI or with an API key. Nothing here imports the vendor's library before the first call."""

from ingestio.extraction.gemini.provider import GeminiProvider

__all__ = ["GeminiProvider"]
