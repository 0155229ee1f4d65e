"""The sample documents: how they are drawn, and proof that they are what their expectations say."""
