"""kam-close: the month-end close of key-account books, from extracts to published tables."""
