"""What is measured against what, as commands: `python -m benchmarks.ingest`, `python -m benchmarks.close`."""
