"""kam-close: the month-end close for key-account managers, from extracts to published tables."""
