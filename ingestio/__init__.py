"""Ingestio: batch document extraction as a durable pipeline. The library that the API, the workflows and the worker share."""
