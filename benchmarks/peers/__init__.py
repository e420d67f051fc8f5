"""kam-close beside what a user would pick instead: a bare DuckDB script, Polars, dbt with its tests."""
