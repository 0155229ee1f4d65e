"""The evaluation's own documents: many layouts in seven languages, drawn from a seed, unlike the samples on purpose."""
