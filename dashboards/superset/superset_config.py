"""Settings of the Superset that `make dashboards` sets up: all that it keeps lies in one folder, and it tells nobody that it runs."""

from __future__ import annotations

import os
from pathlib import Path

_HOME = Path(os.environ["SUPERSET_HOME"]).absolute()

DATA_DIR = str(_HOME)
SECRET_KEY = os.environ.get("SUPERSET_SECRET_KEY") or (_HOME / "secret_key").read_text(encoding="utf-8")
SQLALCHEMY_DATABASE_URI = f"sqlite:///{_HOME / 'superset.db'}"
LOG_LEVEL = "WARNING"
# It answers on this machine only, without TLS.
SESSION_COOKIE_SAMESITE = "Lax"
