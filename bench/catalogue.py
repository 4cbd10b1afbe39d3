"""A catalogue of any size in a database of its own, made with SQL from one real record, for the parts that need it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models

from catalog import lifecycle
from catalog.models import Dataset, DatasetGroupObjectPermission, DatasetSearchRow, Theme
from portal.access import CIVIL_SERVANTS, Actor
from portal.accounts.models import User
from portal.departments.duties import assign, duty_group
from portal.departments.models import Department, Duty, Region

COUNTIES, DEPARTMENTS = 300, 3_000


@contextlib.contextmanager
def scratch_database() -> Iterator[None]:
    """A new database with all tables, dropped at the end; the portal's own is not touched."""
    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)


def build(count: int) -> User:
    """``count`` records of 3,000 departments, one in ten a draft that its provider alone sees; returns a cataloguer of
    one of the departments. For the peer, guardian rows give every reader the same rights by groups."""
    reader = people()
    _copy(Dataset, template(), count)
    _search_rows()
    _guardian_rows()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return reader


def people() -> User:
    """Regions, 3,000 departments, and a cataloguer of one of them, who is returned."""
    nation = Region.objects.create(code="000000", name="全国", level=1, path="000000/")
    province = Region.objects.create(code="330000", name="浙江省", level=2, parent=nation, path="000000/330000/")
    regions = [
        Region(code=f"{331000 + n}", name=f"区{n}", level=4, parent=province, path=f"000000/330000/{331000 + n}/")
        for n in range(COUNTIES)
    ]
    Region.objects.bulk_create(regions)
    Department.objects.bulk_create(
        Department(name=f"部门{n}", region=regions[n % COUNTIES], credit_code=f"BENCH{n:013d}")
        for n in range(DEPARTMENTS)
    )
    for department in Department.objects.all():
        duty_group(department, Duty.CATALOGUER)
    reader = User.objects.create_user("reader", name="读者")
    first = Department.objects.order_by("credit_code")[0]
    assign(user=reader, department=first, duty=Duty.CATALOGUER, actor=Actor.system())
    civil_servants = Group.objects.create(name="civil servants")
    reader.groups.add(civil_servants)
    return reader


def template() -> Dataset:
    """The record that is copied."""
    actor = Actor.of(User.objects.get(username="reader"))
    values = {
        "title": "样例",
        "summary": "用于测量的目录记录，字段与真实记录一致，内容由一条记录复制。",
        "sharing_type": "conditional",
        "open_type": "not_open",
        "update_cycle": "yearly",
    }
    provider = Department.objects.order_by("credit_code")[0]
    themes = list(Theme.objects.filter(code="10"))
    return lifecycle.create(actor=actor, provider=provider, values=values, themes=themes)


def columns_of(model: type[models.Model], changed: dict[str, str]) -> tuple[str, str]:
    """The columns of a table, and for each an expression: of the copied row ``t``, or the changed one."""
    names = [field.column for field in model._meta.concrete_fields]
    quoted = [f'"{name}"' for name in names]
    return ", ".join(quoted), ", ".join(changed.get(name, f't."{name}"') for name in names)


def _copy(model: type[models.Model], template: Dataset, count: int) -> None:
    into, values = columns_of(
        model,
        {
            "id": "gen_random_uuid()",
            "code": "'BENCH/' || n",
            "title": "'记录' || n",
            "provider_id": "d.ids[1 + n %% 3000]",
            "state": "CASE WHEN n %% 10 = 0 THEN 'draft' ELSE 'published' END",
            "modified": "now() - n * interval '1 second'",
        },
    )
    sql = f"""
        INSERT INTO {model._meta.db_table} ({into}) SELECT {values} FROM {model._meta.db_table} t,
        (SELECT array_agg(id ORDER BY credit_code) ids FROM portal_department) d, generate_series(1, %s) n
        WHERE t.id = %s
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [count, template.pk])


def _search_rows() -> None:
    table = DatasetSearchRow._meta.db_table
    into, values = columns_of(
        DatasetSearchRow,
        {
            "dataset_id": "x.id",
            "reader_groups": f"CASE x.state WHEN 'draft' THEN '{{}}' ELSE ARRAY[{CIVIL_SERVANTS}] END || g.group_id",
            "tokens": "('''' || x.title || ''':1A')::tsvector",
            "title": "x.title",
            "state": "x.state",
            "provider_id": "x.provider_id",
            "region_id": "p.region_id",
            "modified": "x.modified",
        },
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO {table} ({into}) SELECT {values} FROM catalog_dataset x
            JOIN portal_department p ON p.id = x.provider_id
            JOIN portal_dutygroup g ON g.department_id = p.id AND g.duty = 'cataloguer'
            CROSS JOIN (SELECT * FROM {table} LIMIT 1) t
            WHERE x.title <> '样例'
            """
        )


def _guardian_rows() -> None:
    """The same rights as guardian keeps them: published records to all civil servants, drafts to their provider."""
    permission = ContentType.objects.get_for_model(Dataset).permission_set.get(codename="view_dataset")
    everybody = Group.objects.get(name="civil servants")
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO {DatasetGroupObjectPermission._meta.db_table} (content_object_id, permission_id, group_id)
            SELECT x.id, %s, CASE WHEN x.state = 'draft' THEN g.group_id ELSE %s END FROM catalog_dataset x
            JOIN portal_dutygroup g ON g.department_id = x.provider_id AND g.duty = 'cataloguer'
            """,
            [permission.pk, everybody.pk],
        )
