"""The event record: append-only, chained, checked; changes behind its back are found and named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from portal.access import Actor
from portal.audit import checks, record
from portal.audit.models import Event, EventStream
from tests.factories import World, granted, make_dataset

pytestmark = pytest.mark.django_db


def write(stream: str, count: int) -> None:
    with transaction.atomic():
        for number in range(count):
            record.append(stream=stream, verb="test.written", actor=Actor.system(), data={"n": number})


def tamper(sql: str, *values: Any) -> None:
    """Change the record as somebody with the database's password would."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in ("portal_event", "portal_eventstream"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(sql, values)
        for table in ("portal_event", "portal_eventstream"):
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def test_each_event_carries_the_hash_of_the_one_before() -> None:
    write("test:1", 3)
    events = list(Event.objects.of("test:1"))
    assert [e.seq for e in events] == [1, 2, 3]
    assert [e.prev_hash for e in events] == ["", events[0].hash, events[1].hash]
    assert list(record.broken()) == []


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE portal_event SET verb = 'x'",
        "DELETE FROM portal_event",
        "DELETE FROM portal_eventstream",
        "UPDATE portal_eventstream SET length = 1",
    ],
)
def test_events_cannot_be_changed_or_deleted(sql: str) -> None:
    write("test:1", 2)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    assert Event.objects.count() == 2


@pytest.mark.parametrize(
    ("sql", "seq", "reason"),
    [
        ("UPDATE portal_event SET data = '{}' WHERE seq = 2", 2, "changed"),
        ("UPDATE portal_event SET at = at + interval '1 second' WHERE seq = 1", 1, "changed"),
        ("DELETE FROM portal_event WHERE seq = 2", 2, "missing"),
        ("DELETE FROM portal_event WHERE seq = 3", 3, "cut"),
        ("DELETE FROM portal_event", 1, "missing"),
    ],
)
def test_the_first_broken_event_is_named(sql: str, seq: int, reason: str) -> None:
    write("test:1", 3)
    tamper(sql)
    assert list(record.broken()) == [record.Break("test:1", seq, reason)]


def test_a_rewritten_event_with_a_matching_hash_breaks_the_next() -> None:
    write("test:1", 3)
    event = Event.objects.of("test:1")[1]
    event.verb = "test.forged"
    tamper("UPDATE portal_event SET verb = %s, hash = %s WHERE id = %s", event.verb, record.digest(event), event.pk)
    assert list(record.broken()) == [record.Break("test:1", 3, "changed")]


def test_verify_passes_and_names_the_first_event_changed_behind_its_back(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    granted(world, make_dataset(world.province_bureau, "甲"))
    call_command("verify")
    assert capsys.readouterr().out.count(": ok") == len(list(checks.run()))
    event = Event.objects.filter(verb="step.decided").order_by("id")[0]
    tamper("UPDATE portal_event SET data = jsonb_set(data, '{stage}', '\"x\"') WHERE id = %s", event.pk)
    with pytest.raises(CommandError):
        call_command("verify")
    assert f"event chains: {event.stream}#{event.seq}:" in capsys.readouterr().out


def test_two_writers_at_once_keep_the_chain(committed: None, concurrently: Callable[..., list[Any]]) -> None:
    assert concurrently(*[lambda: write("test:1", 10)] * 4) == [None] * 4
    assert EventStream.objects.get(pk="test:1").length == 40
    assert list(record.broken()) == []


def test_an_event_outside_a_transaction_is_a_fault(committed: None) -> None:
    with pytest.raises(AssertionError):
        record.append(stream="test:1", verb="test.written", actor=Actor.system())


@pytest.fixture
def world(db: None) -> World:
    return World()
