"""How well documents are read: a provider's answers beside what people say is true (`ingestio eval`)."""
