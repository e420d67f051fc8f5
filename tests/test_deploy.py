"""What `deploy/` ships: files that agree with the code, and the services of the compose file, run here without containers."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from compose_spec import PyCompose

from kam.close import steps
from tests.flows.processes import PATIENCE_SECONDS, end, environment, running, wait_for
from tests.flows.server import Server, open_amounts, site_in
from tests.postgresql import PostgreSql, postgresql
from tests.support import REPOSITORY, long

__all__ = ["postgresql"]

DEPLOY = REPOSITORY / "deploy"
SYSTEMD = shutil.which("systemd-analyze")
AUTH = "admin:a password of this test"
_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::?[-?](?P<rest>[^}]*))?\}")
_PINNED = re.compile(r"^([a-z0-9._-]+)==(\S+)", re.MULTILINE)


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8")))


def given(values: Mapping[str, str], text: str) -> str:
    """Text of the compose file with its variables filled in, as compose does."""

    def value(found: re.Match[str]) -> str:
        default = found["rest"] if ":-" in found[0] else ""
        return values.get(found["name"]) or default or ""

    return _VARIABLE.sub(value, text)


def test_every_variable_of_the_compose_file_is_explained_in_the_example() -> None:
    used = {found["name"] for found in _VARIABLE.finditer((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))}
    example = (DEPLOY / "env.example").read_text(encoding="utf-8")

    assert used == set(re.findall(r"^(\w+)=", example, re.MULTILINE))


def test_the_compose_file_is_one_of_the_specification() -> None:
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    # Compose fills the variables in before it checks.
    filled = _VARIABLE.sub(lambda found: given({}, found[0]) or "1", text)
    # The library knows no merge keys.
    plain = yaml.safe_dump(yaml.safe_load(filled))

    assert set(PyCompose.from_yaml(plain).service_names()) == set(compose()["services"])
    with pytest.raises(ValueError, match="enviroment"):
        PyCompose.from_yaml(plain.replace("environment:", "enviroment:", 1))


def test_dashboards_are_a_profile_and_what_they_run_is_there() -> None:
    services = compose()["services"]
    dashboards = {name for name, service in services.items() if service.get("profiles") == ["superset"]}
    superset = services["superset"]
    dockerfile = (DEPLOY / "superset.Dockerfile").read_text(encoding="utf-8")

    assert dashboards == {"superset", "superset-assets"}
    # Nothing that runs without the profile waits for them, and they find the published file at the same path.
    assert not any(dashboards & set(service.get("depends_on", ())) for service in services.values())
    assert {"site:/site:ro", "superset:/var/lib/superset"} == set(superset["volumes"])
    assert superset["volumes"] == services["superset-assets"]["volumes"]
    assert superset["build"]["dockerfile"] == "deploy/superset.Dockerfile"
    assert "USER 10001:10001" in dockerfile
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
    for source in " ".join(copied).split():
        assert (REPOSITORY / source).exists(), source
    programs = (DEPLOY / "superset.sh").read_text(encoding="utf-8")
    locked = dict(_PINNED.findall((REPOSITORY / "requirements-superset.lock").read_text(encoding="utf-8")))
    assert "exec gunicorn" in programs
    assert {"gunicorn", "apache-superset", "duckdb-engine"} <= set(locked)


@long
def test_dashboards_wait_for_the_first_close(tmp_path: Path) -> None:
    site = site_in(tmp_path)
    home = tmp_path / "superset"
    home.mkdir()
    env = environment(tmp_path, KAM_SITE=str(site.directory), SUPERSET_HOME=str(home), LOOK_SECONDS="0.2")
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    log = tmp_path / "assets.log"
    with log.open("wb") as output:
        writing = subprocess.Popen(["/bin/sh", str(DEPLOY / "superset-assets.sh")], env=env, stdout=output)
        try:
            wait_for(lambda: "Waiting for published tables" in log.read_text(), "it waits", writing)
            assert list(home.iterdir()) == []
            steps.publish(site)
            assert writing.wait(timeout=PATIENCE_SECONDS) == 0
        finally:
            end(writing)

    assert [path.name for path in home.iterdir()] == ["assets"]
    (database,) = (home / "assets" / "databases").glob("*.yaml")
    assert str(site.directory / "published" / "kam.duckdb") in database.read_text(encoding="utf-8")


def test_the_settings_that_it_gives_to_prefect_exist() -> None:
    from prefect.settings import Settings

    known = set()
    for name in re.findall(r"\bPREFECT_[A-Z_]+", "".join(file.read_text(encoding="utf-8") for file in files())):
        known.add(name)
    ours = {"PREFECT_AUTH", "PREFECT_PORT", "PREFECT_ADDRESS"}
    settings = settings_of_prefect(Settings)

    assert known - ours <= settings, sorted(known - ours - settings)


def settings_of_prefect(model: Any) -> set[str]:
    """The names of the environment variables of all settings, nested ones too."""
    found: set[str] = set()
    for name, field in model.model_fields.items():
        nested = field.annotation
        if hasattr(nested, "model_fields"):
            found |= settings_of_prefect(nested)
        else:
            choices = getattr(field.validation_alias, "choices", ())
            found |= {str(choice).upper() for choice in choices if isinstance(choice, str)}
            found.add(f"{model.model_config.get('env_prefix', '')}{name}".upper())
    return found


def files() -> list[Path]:
    return [path for path in DEPLOY.rglob("*") if path.is_file() and path.name not in (".env", "site.env")]


def test_the_packages_of_the_image_are_those_that_the_tests_ran_with() -> None:
    image, tested = (
        dict(_PINNED.findall(file.read_text(encoding="utf-8")))
        for file in (DEPLOY / "requirements.lock", REPOSITORY / "requirements.lock")
    )

    assert image
    assert image.items() <= tested.items()
    # What reads databases too: the presets of ERPs need psycopg and pymysql.
    assert {"prefect", "psycopg", "pymysql", "asyncpg", "hatchling"} <= set(image)
    assert not {"pytest", "mypy", "mkdocs"} & set(image)


def test_the_image_runs_as_a_user_that_may_write_to_its_home_and_the_site_only() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE)

    assert re.findall(r"^USER (.+)$", text, re.MULTILINE) == ["10001:10001"]
    assert "--require-hashes" in text
    for source in " ".join(copied).split():
        assert (REPOSITORY / source).exists(), source


@pytest.mark.skipif(not SYSTEMD, reason="systemd is not installed")
@pytest.mark.parametrize("unit", sorted(path.name for path in (DEPLOY / "systemd").iterdir()))
def test_a_unit_of_systemd_is_understood(unit: str) -> None:
    checked = subprocess.run(
        [str(SYSTEMD), "verify", "--man=no", str(DEPLOY / "systemd" / unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    # The programs are installed on the server only.
    faults = [line for line in checked.stderr.splitlines() if unit in line and "is not executable" not in line]

    assert not faults


@pytest.fixture
def services(postgresql: PostgreSql, tmp_path: Path) -> Iterator[tuple[Server, Path]]:
    """Server, one-shot and worker with the commands and variables of the compose file, on ports and folders of this test."""
    site = site_in(tmp_path)
    database = postgresql.new_database()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
    values = {"POSTGRES_PASSWORD": "-", "PREFECT_AUTH": AUTH, "KAM_SITE_FOLDER": str(site.directory)}

    def variables(service: Mapping[str, Any]) -> dict[str, str]:
        found = {name: given(values, str(value)) for name, value in service["environment"].items()}
        if "KAM_SITE" in found:
            found |= {"KAM_SITE": str(site.directory), "PREFECT_API_URL": f"http://127.0.0.1:{port}/api"}
        else:
            found["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = database.replace("postgresql:", "postgresql+asyncpg:")
        return found

    parts = compose()["services"]
    with ExitStack() as started:

        def start(name: str) -> subprocess.Popen[bytes]:
            program, *arguments = parts[name]["command"]
            assert program == "prefect"
            arguments = [
                {"0.0.0.0": "127.0.0.1", "4200": port}.get(argument, argument)  # noqa: S104 - what is replaced
                for argument in arguments
            ]
            home = tmp_path / f"home-of-{name}"
            home.mkdir()
            env = environment(home, **variables(parts[name]))
            return started.enter_context(
                running(program, *arguments, env=env, cwd=REPOSITORY, log=tmp_path / f"{name}.log")
            )

        def healthy() -> bool:
            with suppress(httpx.TransportError):
                return httpx.get(f"http://127.0.0.1:{port}/api/health", timeout=5).is_success
            return False

        wait_for(healthy, "an answer of the server", start("server"))
        register(parts["register"]["command"], environment(tmp_path, **variables(parts["register"])))
        start("worker")
        client = httpx.Client(timeout=90, auth=tuple(AUTH.split(":", 1)))  # type: ignore[arg-type]
        yield Server(f"http://127.0.0.1:{port}/api", tmp_path, client), site.directory


def register(command: list[str], env: dict[str, str]) -> None:
    """Run the one-shot twice: after an upgrade it runs again."""
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    for _ in range(2):
        done = subprocess.run(
            command, cwd=REPOSITORY, env=env, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "KAM_ALERT_URL is not set" in done.stdout


@long
def test_the_services_close_a_month_and_refuse_whoever_has_no_password(services: tuple[Server, Path]) -> None:
    server, site = services

    run = server.finished(server.start("monthly_close/monthly", period="2026-06"))

    assert run["state_type"] == "COMPLETED", run["state"]
    from kam.site import find_site

    assert open_amounts(find_site(site)) == {date(2026, 6, 1): 125}
    for auth in (None, ("admin", "wrong")):
        refused = httpx.post(f"{server.url}/flow_runs/filter", json={}, auth=auth, timeout=30)
        assert refused.status_code == httpx.codes.UNAUTHORIZED
