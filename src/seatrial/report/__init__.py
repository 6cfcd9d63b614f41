"""Renders documents of evidence: figures, HTML, terminal, notebook."""
