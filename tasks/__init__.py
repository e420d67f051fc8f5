"""Prefect tasks: each opens the site, calls one plain function and returns a small result."""
