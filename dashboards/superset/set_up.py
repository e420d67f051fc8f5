"""Set up Superset in a folder of its own and import what `kam superset` wrote to the folder `assets` there.

Run by `make dashboards`, with the Python of Superset's environment: `python set_up.py FOLDER`. Running it again updates the datasets, charts
and dashboards and keeps all else. `KAM_SUPERSET_PASSWORD` sets the password of the user `admin`; without it one is made and shown once.
`KAM_DATABASE_PASSWORD` is the password of the database with the tables, where there is one.
"""

from __future__ import annotations

import logging
import os
import secrets
import sys
from pathlib import Path
from typing import Any

ADMIN = "admin"
_CONFIG = Path(__file__).resolve().with_name("superset_config.py")


def main(home: Path) -> None:
    """Make the folder, the metadata database, the user and the dashboards; ends the program with a message where that fails."""
    _make(home)
    os.environ |= {
        "SUPERSET_HOME": str(home),
        "SUPERSET_CONFIG_PATH": str(_CONFIG),
        "SCARF_ANALYTICS": "false",
        "DO_NOT_TRACK": "1",
    }
    logging.disable(logging.WARNING)  # thousands of lines of migrations
    from superset.app import create_app

    app = create_app()
    for command in (["db", "upgrade"], ["init"]):
        _run(app, command)
    with app.app_context():
        _set_admin()
        _import(home / "assets")


def _make(home: Path) -> None:
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = home / "secret_key"
    if not key.exists():
        with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(42))


def _run(app: Any, command: list[str]) -> None:
    from superset.cli.main import superset

    done = app.test_cli_runner().invoke(superset, command)
    if done.exit_code:
        sys.exit(f"superset {command[0]} failed: {done.exception!r}\n{done.output[-2000:]}")


def _import(assets: Path) -> None:
    """As the page "Import" of Superset does; unlike `superset import-directory` it takes out of a dashboard what is no more in its file."""
    from superset import security_manager as users
    from superset.commands.exceptions import CommandException
    from superset.commands.importers.v1.assets import ImportAssetsCommand
    from superset.utils.core import override_user

    contents = {
        file.relative_to(assets).as_posix(): file.read_text(encoding="utf-8") for file in sorted(assets.rglob("*.yaml"))
    }
    password = _database_password(os.environ.get("KAM_DATABASE_PASSWORD"))
    with override_user(users.find_user(username=ADMIN)):
        try:
            ImportAssetsCommand(contents).run()
        except CommandException as error:
            why = error.normalized_messages() if hasattr(error, "normalized_messages") else error.__cause__ or error
            sys.exit(f"Superset did not import {assets}: {why}")
    _database_password(password)


def _database_password(given: str | None) -> str | None:
    """Set the password of the database where one is given, and tell what it is: an import takes it away, as the URL has none."""
    from superset.extensions import db
    from superset.models.core import Database

    database = db.session.query(Database).filter_by(database_name="kam-close").one_or_none()
    if database is None:
        return given
    if given:
        database.password = given
        db.session.commit()
    return database.password


def _set_admin() -> None:
    from superset import security_manager as users

    given = os.environ.get("KAM_SUPERSET_PASSWORD", "")
    user = users.find_user(username=ADMIN)
    if user and not given:
        return
    password = given or secrets.token_urlsafe(12)
    if user:
        users.reset_password(user.id, password)
    elif not users.add_user(ADMIN, "Admin", "User", "admin@localhost", users.find_role("Admin"), password=password):
        sys.exit(f"Superset did not make the user {ADMIN}")
    sys.stdout.write(
        f"User {ADMIN}, password {'as in KAM_SUPERSET_PASSWORD' if given else f'{password} (shown once)'}\n"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
