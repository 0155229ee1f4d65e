"""Durable orchestration: order, waiting, deciding. Imports the domain and temporalio, nothing else of ours."""
