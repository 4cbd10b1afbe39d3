"""Checkpoints, proofs and the archive: what was sealed is found again, and what was changed since is named."""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from portal.access import Actor
from portal.audit import archive, checkpoints, checks, merkle, record, signing, verbs
from portal.audit.hashing import raw_digest
from portal.audit.models import ArchivedMonth, Checkpoint, Event, SealedHead
from portal.departments.models import ChangeKind
from tests.factories import make_user

pytestmark = pytest.mark.django_db
TABLES = ("portal_event", "portal_eventstream", "portal_sealedhead", "portal_checkpoint")


def write(stream: str, count: int = 1) -> None:
    with transaction.atomic():
        for number in range(count):
            record.append(stream=stream, verb="test.written", actor=Actor.system(), data={"n": number, "名": "值"})


def tamper(sql: str, *values: Any) -> None:
    """Change the record as somebody with the database's password would."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(sql, values)
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def made() -> Checkpoint:
    checkpoint = checkpoints.make()
    assert checkpoint is not None
    return checkpoint


def found(*names: str) -> list[str]:
    return [f.subject for name, findings in checks.run() if name in names for f in findings]


AUDIT = ("event chains", "checkpoints", "sealed events", "archive")


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 7, 8, 9, 100])
@pytest.mark.parametrize("algorithm", ["sha256", "sm3"])
def test_every_leaf_has_a_path_to_the_root(count: int, algorithm: str) -> None:
    leaves = [raw_digest(algorithm, bytes([number])) for number in range(count)]
    root, size = merkle.root(algorithm, leaves)
    assert size == count
    for index, leaf in enumerate(leaves):
        climbed = leaf
        for side, other in merkle.path(algorithm, leaves, index):
            pair = (other, climbed) if side == "left" else (climbed, other)
            climbed = merkle.node(algorithm, *pair)
        assert climbed == root


def test_the_tree_is_that_of_rfc_6962() -> None:
    """The roots that RFC 6962's reference implementation gives for its test leaves."""
    data = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    leaves = [raw_digest("sha256", b"\x00" + bytes.fromhex(text)) for text in data]
    expected = {
        1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    }
    assert {n: merkle.root("sha256", leaves[:n])[0].hex() for n in expected} == expected


def test_a_checkpoint_seals_what_grew_is_signed_and_chained_and_skipped_when_nothing_did() -> None:
    write("test:1", 3)
    write("test:2")
    first = made()
    assert (first.number, first.streams, first.events, first.prev_hash) == (1, 2, 4, "")
    assert checkpoints.make() is None
    write("test:2")
    second = made()
    assert (second.number, second.streams, second.events, second.prev_hash) == (2, 2, 5, first.hash)
    heads = SealedHead.objects.order_by("checkpoint", "stream").values_list("checkpoint", "stream", "length")
    assert list(heads) == [(1, "test:1", 3), (1, "test:2", 1), (2, "test:2", 2)]
    assert [checkpoints.signature_state(each) for each in (first, second)] == ["signed", "signed"]
    assert found(*AUDIT) == []


@pytest.mark.parametrize("sql", ["UPDATE {} SET {}", "DELETE FROM {}"])
@pytest.mark.parametrize(
    ("table", "change"), [("portal_checkpoint", "root = 'x'"), ("portal_sealedhead", "length = 9")]
)
def test_checkpoints_cannot_be_changed_or_deleted(sql: str, table: str, change: str) -> None:
    write("test:1")
    made()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql.format(table, change))


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("UPDATE portal_event SET data = '{}' WHERE stream = 'test:1' AND seq = 2", "test:1#2"),
        ("DELETE FROM portal_event WHERE stream = 'test:1' AND seq = 3", "test:1#3"),
        ("DELETE FROM portal_event WHERE stream = 'test:1'", "test:1#3"),
        ("UPDATE portal_event SET seq = 5 - seq WHERE stream = 'test:1' AND seq IN (2, 3)", "test:1#2"),
    ],
)
def test_an_event_that_was_changed_removed_or_reordered_is_found_and_named(sql: str, name: str) -> None:
    write("test:1", 3)
    write("test:2", 2)
    made()
    if "5 - seq" in sql:
        tamper("UPDATE portal_event SET seq = seq + 100 WHERE stream = 'test:1' AND seq IN (2, 3)")
        sql = "UPDATE portal_event SET seq = 105 - seq WHERE stream = 'test:1' AND seq > 100"
    tamper(sql)
    names = found(*AUDIT)
    assert name in names
    assert not any(each.startswith("test:2") for each in names)


def test_a_stream_that_was_cut_and_made_to_look_whole_is_found_by_its_checkpoint() -> None:
    write("test:1", 3)
    made()
    kept = Event.objects.get(stream="test:1", seq=2)
    tamper("DELETE FROM portal_event WHERE stream = 'test:1' AND seq = 3")
    tamper("UPDATE portal_eventstream SET length = 2, head = %s WHERE name = 'test:1'", kept.hash)
    assert found("event chains") == []
    assert found("sealed events") == ["test:1#3"]
    tamper("UPDATE portal_sealedhead SET length = 2, head = %s WHERE stream = 'test:1'", kept.hash)
    assert (found("sealed events"), found("checkpoints")) == ([], ["checkpoint:1"])


def test_a_checkpoint_that_was_removed_or_forged_is_found(settings: Any) -> None:
    for _number in range(3):
        write("test:1")
        made()
    tamper("UPDATE portal_checkpoint SET events = 99 WHERE number = 3")
    assert "checkpoint:3" in found("checkpoints")
    tamper("DELETE FROM portal_checkpoint WHERE number = 2")
    assert "checkpoint:2" in found("checkpoints")


def test_the_key_may_change_and_an_unsigned_checkpoint_shows(settings: Any) -> None:
    write("test:1")
    made()
    old = signing.public_key()
    settings.AUDIT_SIGNING_KEY = base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode()
    assert found("checkpoints") == ["checkpoint:1"]
    settings.AUDIT_VERIFY_KEYS = [old]
    assert found("checkpoints") == []
    settings.AUDIT_SIGNING_KEY = ""
    write("test:1")
    assert checkpoints.signature_state(made()) == "unsigned"
    assert found("checkpoints") == ["checkpoint:2"]


def test_sm3_may_be_chosen_in_the_middle_of_a_chain(settings: Any) -> None:
    write("test:1", 2)
    made()
    settings.AUDIT_HASH = "sm3"
    write("test:1", 2)
    assert made().algorithm == "sm3"
    assert list(Event.objects.of("test:1").values_list("algorithm", flat=True)) == ["sha256"] * 2 + ["sm3"] * 2
    assert found(*AUDIT) == []
    tamper("UPDATE portal_event SET data = '{}' WHERE stream = 'test:1' AND seq = 3")
    assert "test:1#3" in found("event chains")


def run_script(proof: dict[str, Any], folder: Path, key: str | None = None) -> subprocess.CompletedProcess[str]:
    path = folder / "proof.json"
    path.write_text(json.dumps(proof), encoding="utf-8")
    script = Path(settings.BASE_DIR) / "docs" / "check_proof.py"
    return subprocess.run(
        [sys.executable, str(script), str(path), key or signing.public_key()],
        capture_output=True,
        text=True,
        check=False,
        encoding="utf-8",
    )


def test_the_proof_of_one_event_is_checked_by_the_script_and_a_forged_one_is_not(tmp_path: Path) -> None:
    for number in range(11):
        write(f"test:{number:02d}", 3)
    made()
    event = Event.objects.get(stream="test:05", seq=2)
    auditor = Client()
    auditor.force_login(make_user("auditor", admin_role="audit"))
    proof = auditor.get(f"/audit/{event.pk}/proof/").json()
    good = run_script(proof, tmp_path)
    assert (good.returncode, good.stdout.startswith("PROVEN: checkpoint 1"), '"seq":2' in good.stdout) == (
        0,
        True,
        True,
    )
    body = proof["events"][0]["body"]
    stranger = base64.b64encode(Ed25519PrivateKey.generate().public_key().public_bytes_raw()).decode()
    forged = [
        proof | {"events": [{"algorithm": "sha256", "body": body.replace('"n":1', '"n":7')}, proof["events"][1]]},
        proof | {"events": proof["events"][:1]},
        proof | {"path": proof["path"][:-1]},
        proof | {"stream": "test:06"},
    ]
    assert [run_script(each, tmp_path).returncode == 0 for each in forged] == [False] * 4
    assert run_script(proof, tmp_path, stranger).returncode != 0


def test_an_event_without_a_checkpoint_has_no_proof_yet() -> None:
    write("test:1")
    auditor = Client()
    auditor.force_login(make_user("auditor", admin_role="audit"))
    event = Event.objects.get(stream="test:1")
    assert auditor.get(f"/audit/{event.pk}/proof/").status_code == 409
    assert auditor.get(f"/audit/{event.pk}/").context["sealed"] is None


def age(stream: str, months: int) -> None:
    """Write events of the past, whole and sealed: the clock of the record is turned back while they are written."""
    moment = timezone.now() - dt.timedelta(days=31 * months)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(record.timezone, "now", lambda: moment)
        write(stream, 2)


def test_old_sign_ins_move_to_a_file_and_the_chains_go_on() -> None:
    age("user:1", 40)
    age("grant:1", 40)
    age("user:1", 1)
    assert archive.archive_month(archive.months_due()[0]) is None  # nothing has sealed them
    made()
    (month,) = archive.months_due()
    archived = archive.archive_month(month)
    assert archived is not None
    assert (archived.rows, archive.months_due()) == (2, [])
    assert list(Event.objects.of("user:1").values_list("seq", flat=True)) == [3, 4]
    assert Event.objects.of("grant:1").count() == 2
    write("user:1")
    made()
    assert found(*AUDIT) == []
    assert archive.archive_month(month) is None


def test_an_archive_that_was_changed_or_lost_is_named() -> None:
    age("user:1", 40)
    made()
    archive.archive_month(archive.months_due()[0])
    path = Path(settings.AUDIT_ARCHIVE_ROOT) / ArchivedMonth.objects.get().file
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"x")
    assert path.name in found("archive")
    path.unlink()
    assert path.name in found("archive")
    path.write_bytes(content)
    assert found(*AUDIT) == []


def test_a_retention_under_six_months_is_refused() -> None:
    from django.core.exceptions import ImproperlyConfigured

    from portal.settings.base import check_audit

    check_audit("sm3", 6)
    for algorithm, months in (("sha256", 5), ("md5", 36)):
        with pytest.raises(ImproperlyConfigured):
            check_audit(algorithm, months)


def test_ten_thousand_events_from_eight_connections_keep_every_chain_whole(
    committed: None, concurrently: Callable[..., list[Any]]
) -> None:
    def work(place: int) -> int:
        for number in range(125):
            with transaction.atomic():
                for stream in sorted({f"test:{number % 7}", f"test:{(number + place) % 11}"}):
                    for _event in range(5 if stream == f"test:{number % 7}" else 10):
                        record.append(stream=stream, verb="test.written", actor=Actor.system(), data={"n": number})
        return place

    assert sorted(concurrently(*[lambda p=p: work(p) for p in range(8)])) == list(range(8))  # type: ignore[misc]
    assert Event.objects.count() >= 10_000
    made()
    assert found(*AUDIT) == []


def test_the_pages_of_the_auditor() -> None:
    write("test:1", 2)
    made()
    auditor = Client()
    auditor.force_login(make_user("auditor", admin_role="audit"))
    assert [state for _row, state in auditor.get("/audit/checkpoints/").context["lines"]] == ["signed"]
    exported = auditor.get("/audit/checkpoints/1/").json()
    assert json.loads(exported["statement"])["number"] == 1
    assert auditor.get("/audit/checkpoints/2/").status_code == 404


def test_every_act_in_the_code_has_a_name_that_people_read() -> None:
    named = re.compile(r'(?:verb=|_record\(|_note\(|_bump\()[^"\n]{0,80}"([a-z_]+\.[a-z_]+)"')
    found = {f"department.{kind}" for kind in ChangeKind.values}
    for app in ("portal", "catalog", "sharing"):
        for path in (Path(settings.BASE_DIR) / app).rglob("*.py"):
            found |= set(named.findall(path.read_text(encoding="utf-8")))
    assert len(found) > 50
    assert found - set(verbs.LABELS) == set()
