"""Parameters as the forms of Prefect check them, before a run starts. The flows check them again, in their own words."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from kam.close import ForecastModel
from kam.site import FEEDS

PREVIOUS = "previous"
_MONTH = r"(199\d|20\d\d)-(0[1-9]|1[0-2])"
_DAY = rf"{_MONTH}-(0[1-9]|[12]\d|3[01])"

Month = Annotated[str, Field(json_schema_extra={"pattern": f"^{_MONTH}$"})]
"""A month, such as 2026-10."""
MonthOrPrevious = Annotated[str, Field(json_schema_extra={"pattern": f"^({PREVIOUS}|{_MONTH})$"})]
"""A month, or `previous`."""
DayOrPrevious = Annotated[str, Field(json_schema_extra={"pattern": f"^({PREVIOUS}|{_DAY})$"})]
"""A day, such as 2026-10-17, or `previous`."""
FeedName = Annotated[str, Field(json_schema_extra={"enum": list(FEEDS)})]
"""A feed of the project; the site has to declare it."""
ModelName = Annotated[str, Field(json_schema_extra={"enum": list(ForecastModel)})]
"""How a forecast is made."""
MonthsAhead = Annotated[int, Field(json_schema_extra={"minimum": 1, "maximum": 36})]
"""How many months a forecast reaches."""
Version = Annotated[int, Field(json_schema_extra={"minimum": 1})]
"""The number of a version of a month."""
MissedMonths = Annotated[int, Field(json_schema_extra={"minimum": 0, "maximum": 120})]
"""How many missed months a scheduled close makes up for."""
