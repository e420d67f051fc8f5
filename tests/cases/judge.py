"""Closes the months of a case through the command line, and compares what came of it with what is right."""

from __future__ import annotations

import datetime as dt
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from kam.site import find_site
from tests.cli import Answer, kam
from tests.support import REPOSITORY, published

FOLDER = Path(__file__).resolve().parent
_MONTH = re.compile(r"\d{4}-\d{2}")
_WIDE = {"COLUMNS": "400", "NO_COLOR": "1"}
_REFUSED = (1, 2, 3)  # a fault, wrong input, and what a check or the readiness list stopped


@dataclass
class Outcome:
    """A site after its steps: the answer of each by month or command."""

    folder: Path
    site: Path
    answers: dict[str, Answer] = field(default_factory=dict)

    @property
    def last_month(self) -> str:
        return [name for name in self.answers if _MONTH.fullmatch(name)][-1]

    def rows(self, statement: Mapping[str, Any], month: str) -> list[dict[str, Any]]:
        """Rows of a published view that the statement picks; of one month where the view has months."""
        where = dict(statement.get("where", {}))
        schema, _, name = statement["view"].rpartition(".")
        found = published(find_site(self.site), f'SELECT * FROM {schema or "reporting"}."{name}"')
        if found and "period_month" in found[0]:
            where.setdefault("period_month", dt.date.fromisoformat(f"{month}-01"))
        return [row for row in found if all(_same(want, row[column]) for column, want in where.items())]

    def failed_checks(self, month: str) -> list[str]:
        """Name, sentence and keys of each check of severity warning or critical that the month did not pass."""
        if not (self.site / "published" / "kam.duckdb").exists():
            return []
        checks = self.rows({"view": "data_quality", "where": {"success": False}}, month)
        return [
            f"{check['check_name']}: {check['sentence']} {check['sample_keys']}"
            for check in checks
            if check["severity"] in ("warning", "critical")
        ]


def cases() -> list[str]:
    """Names of the cases: each a folder with its `case.yaml`."""
    return sorted(file.parent.name for file in FOLDER.glob("*/case.yaml"))


def read(name: str) -> dict[str, Any]:
    """What `case.yaml` of a case says."""
    case: dict[str, Any] = yaml.safe_load((FOLDER / name / "case.yaml").read_text(encoding="utf-8"))
    return case


def run(name: str, site: Path) -> Outcome:
    """Take the steps of a case on a site in this folder."""
    case, outcome = read(name), Outcome(FOLDER / name, site)
    _deliver(outcome.folder, site)
    for step in case["steps"]:
        if "after" in step:
            shutil.copytree(outcome.folder / step["after"] / "landing", site / "landing", dirs_exist_ok=True)
        if "remove" in step:
            (site / step["remove"]).unlink()
        if "close" in step:
            outcome.answers[step["close"]] = _kam(site, case, "close", step["close"])
        if "run" in step:
            outcome.answers[step["run"]] = _kam(site, case, *step["run"].split())
    return outcome


def faults(name: str, outcome: Outcome) -> list[str]:
    """What does not hold of a case; nothing where all of it does."""
    found = [fault for statement in read(name)["expect"] for fault in differences(statement, outcome)]
    crashes = [
        f"{step} crashed: {answer.stderr[-500:]}" for step, answer in outcome.answers.items() if _crashed(answer)
    ]
    return found + crashes


def differences(statement: Mapping[str, Any], outcome: Outcome) -> Iterator[str]:
    """How a statement of `expect` differs from what came of the case."""
    month = str(statement.get("month", outcome.last_month))
    if "view" in statement:
        yield from _rows_differ(statement, outcome.rows(statement, month))
    else:
        yield from _JUDGES[statement["outcome"]](statement, month, outcome)


def _crashed(answer: Answer) -> bool:
    return "Traceback" in answer.stderr or answer.returncode not in (0, *_REFUSED, 4)


def _deliver(folder: Path, site: Path) -> None:
    shutil.copytree(folder / "landing", site / "landing")
    settings = (folder / "kam.toml").read_text(encoding="utf-8")
    (site / "kam.toml").write_text(f"{settings}\n[publish]\npack = false\n", encoding="utf-8")


def _kam(site: Path, case: Mapping[str, Any], *arguments: str) -> Answer:
    """Run a command of `kam`; with a limit of memory in a process of its own."""
    if "memory_gigabytes" not in case:
        return kam("--site", site, *arguments, **_WIDE)
    limit = case["memory_gigabytes"] << 30
    done = subprocess.run(
        [sys.executable, "-m", "kam.cli", "--site", str(site), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def _same(want: object, got: object) -> bool:
    """Whether a published value is the one expected: numbers exactly, whatever their type."""
    if isinstance(want, int | float) and isinstance(got, int | float | Decimal) and not isinstance(want, bool):
        return Decimal(str(want)) == Decimal(str(got))
    if isinstance(want, dt.date) and isinstance(got, dt.date):
        return str(want)[:10] == str(got)[:10]
    return want is got if want is None or isinstance(want, bool) else str(want) == str(got)


def _matches(statement: Mapping[str, Any], text: str) -> bool:
    """Whether a text has the pattern `names`, and not `never_names`."""
    never = statement.get("never_names")
    has = re.search(statement.get("names", ""), text, re.IGNORECASE)
    return bool(has) and not (never and re.search(never, text, re.IGNORECASE))


def _said(answer: Answer) -> str:
    return " ".join((answer.stderr.strip() or answer.stdout).split())


def _rows_differ(statement: Mapping[str, Any], found: list[dict[str, Any]]) -> Iterator[str]:
    values, count = statement.get("values", {}), statement.get("count")
    if len(found) != count if count is not None else not found:
        yield f"{statement}: {len(found)} rows"
    for row in found:
        if not all(_same(want, row[column]) for column, want in values.items()):
            yield f"{statement}: got { {column: row[column] for column in values} }"


def _rejects_differ(statement: Mapping[str, Any], _: str, outcome: Outcome) -> Iterator[str]:
    """The open rejects of a feed as they are exported to be fixed: content, rule and message."""
    file = outcome.site / "rejects.csv"
    kam("--site", outcome.site, "rejects", "--feed", statement["feed"], "--export", file, **_WIDE)
    lines = _text(file).splitlines()[1:] if file.exists() else []
    right = [line for line in lines if line.strip() and _matches(statement, line)]
    if len(right) < statement.get("count", 1):
        yield f"{statement}: {len(right)} of {len(lines)} lines of rejects: {lines[:2]}"


def _text(file: Path) -> str:
    """A file is exported in the encoding of its feed."""
    content = file.read_bytes()
    for encoding in ("utf-8-sig", "utf-16"):
        try:
            return content.decode(encoding)
        except UnicodeError:
            continue
    return content.decode("latin-1")


def _refusal_differs(statement: Mapping[str, Any], month: str, outcome: Outcome) -> Iterator[str]:
    answer = outcome.answers[month]
    allowed = (3,) if statement["outcome"] == "critical" else _REFUSED
    if answer.returncode not in allowed or not _matches(statement, _said(answer)):
        yield f"{statement}: exit {answer.returncode}: {_said(answer)[-500:]}"


def _warning_differs(statement: Mapping[str, Any], month: str, outcome: Outcome) -> Iterator[str]:
    failed = outcome.failed_checks(month)
    is_warned = any(_matches(statement, check) for check in failed)
    if is_warned != (statement["outcome"] == "warning"):
        yield f"{statement}: {failed}"


def _publication_differs(statement: Mapping[str, Any], month: str, outcome: Outcome) -> Iterator[str]:
    if not (outcome.site / "published" / "kam.duckdb").exists():
        return
    if outcome.rows({"view": "closes"}, month):
        yield f"{statement}: {month} is published"


def _check_differs(statement: Mapping[str, Any], _: str, outcome: Outcome) -> Iterator[str]:
    """What `kam check` says on the site before its first close."""
    site = outcome.site.with_name("before")
    shutil.rmtree(site, ignore_errors=True)
    _deliver(outcome.folder, site)
    of_feed = ["--feed", statement["feed"]] if "feed" in statement else []
    answer = kam("--site", site, "check", *of_feed, **_WIDE)
    said = " ".join(f"{answer.stdout} {answer.stderr}".split())
    if not _matches(statement, said):
        yield f"{statement}: {said[-500:]}"


_JUDGES = {
    "rejects": _rejects_differ,
    "refused": _refusal_differs,
    "critical": _refusal_differs,
    "warning": _warning_differs,
    "quiet": _warning_differs,
    "unpublished": _publication_differs,
    "check": _check_differs,
}
