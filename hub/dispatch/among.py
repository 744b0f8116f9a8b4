"""A column among hundreds of ids, as one parameter: five hundred in each of a dozen statements cost
more to bind than the statements to run."""

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ARRAY, Integer, any_, cast, func, literal
from sqlalchemy import select as core_select

from hub import db


def among(column: Any, ids: Iterable[int]) -> Any:
    """`column IN (ids)`; `json_each` on SQLite (JSON1), an array on PostgreSQL."""
    known = list(ids)
    if db.engine().dialect.name == "postgresql":
        return column == any_(cast(literal(known, ARRAY(Integer)), ARRAY(Integer)))
    values = func.json_each(json.dumps(known)).table_valued("value")
    return column.in_(core_select(values.c.value))
