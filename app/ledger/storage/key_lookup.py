"""Looking up rows by their keys, a few or a few thousand at a time, in one statement."""


def array_source(*columns: str, first: int = 1) -> str:
    """A FROM item over one text array a column (`$first` on), cast to what is declared: `"strategy_id uuid"`.

    It has the columns by name, and `ordinal` from 1.
    """
    names = [column.split(" ", 1) for column in columns]
    arrays = ", ".join(f"${place}::text[]" for place in range(first, first + len(names)))
    raw = ", ".join(f"c{place}" for place in range(len(names)))
    casts = ", ".join(f"c{place}::{kind} AS {name}" for place, (name, kind) in enumerate(names))
    return f"(SELECT {casts}, ordinal FROM unnest({arrays}) WITH ORDINALITY AS raw({raw}, ordinal))"


def join_by(table: str, alias: str, keys: str, *columns: str, also: str = "true") -> str:
    """JOIN a table to the rows of `keys` by these columns of both, all of them at once.

    Fenced (OFFSET 0): of a plain join PostgreSQL, while it knows little of the table, may look up by the first column
    alone and go through all that a strategy ever had.
    """
    matched = " AND ".join(f"{column} = {keys}.{column}" for column in columns)
    return f"JOIN LATERAL (SELECT * FROM {table} WHERE {matched} AND {also} OFFSET 0) {alias} ON true"
