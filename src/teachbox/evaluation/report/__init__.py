"""One self-contained HTML page about an evaluation: no scripts, nothing from elsewhere."""
