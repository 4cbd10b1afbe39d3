"""Writing many changed rows in one statement whose size does not grow with them."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection, models
from psycopg import sql


def update_rows(objects: Sequence[models.Model], fields: Sequence[str]) -> None:
    """Save ``fields`` (attribute names such as ``state`` or ``office_id``; no arrays) of ``objects``.

    One ``UPDATE … FROM unnest(…)`` with an array a column, where ``bulk_update`` sends one ``CASE`` branch a row.
    ``auto_now`` fields are written as they stand in the objects, when they are named.
    """
    if not objects:
        return
    meta = type(objects[0])._meta
    by_attname = {field.attname: field for field in meta.concrete_fields}
    columns = [by_attname[name] for name in (meta.pk.attname, *fields)]
    names = [sql.Identifier(str(column.column)) for column in columns]
    types = [sql.SQL(str(column.rel_db_type(connection))) for column in columns]
    values = [
        [column.get_db_prep_save(getattr(each, column.attname), connection) for each in objects] for column in columns
    ]
    key, table = names[0], sql.Identifier(meta.db_table)
    statement = sql.SQL(
        "UPDATE {table} SET {changes} FROM unnest({arrays}) AS changed ({names}) WHERE {table}.{key} = changed.{key}"
    ).format(
        table=table,
        changes=sql.SQL(", ").join(sql.SQL("{name} = changed.{name}").format(name=name) for name in names[1:]),
        arrays=sql.SQL(", ").join(sql.SQL("%s::{}[]").format(each) for each in types),
        names=sql.SQL(", ").join(names),
        key=key,
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
