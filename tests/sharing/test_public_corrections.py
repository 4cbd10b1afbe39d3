"""Reports of errors by citizens: filed and followed without an account, and what the public sees of corrections."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog.models import Dataset
from portal.access import Actor
from portal.errors import InvalidInput, WrongState
from portal.models import Event
from sharing.corrections import keeping, reports, verification
from sharing.corrections.reports import Reported
from sharing.corrections.tokens import follow_path, token_of
from sharing.models import CorrectionReport, Grant
from tests.clients import client_of, text_of
from tests.factories import World
from tests.sharing import correcting
from tests.sharing.correcting import answer, file

pytestmark = pytest.mark.django_db
FORM = {"kind": "wrong", "description": "站点名称有误", "rows": "代码\n01", "email": "li@example.com"}
grant, opened = correcting.grant, correcting.opened


def test_a_citizen_reports_follows_and_objects_by_a_secret_link(world: World, opened: Dataset) -> None:
    client = Client()
    sent = client.post(reverse("sharing:open-correction-create", args=[opened.pk]), FORM)
    report = CorrectionReport.objects.get()
    assert (sent.status_code, sent.headers["Location"]) == (302, f"{follow_path(report)}?new=1")
    assert (report.department, report.rows, "li@example.com" in report.sealed_email) == (None, [{"code": "01"}], False)
    assert not Event.objects.filter(data__icontains="example.com").exists()
    page = client.get(follow_path(report))
    assert (page.status_code, page.headers["Cache-Control"]) == (200, "private, no-store")
    wrong = reverse("sharing:open-correction-follow", args=[report.pk, "0" * 64])
    assert client.get(wrong).status_code == 404
    report = answer(world, report, "explained", user=world.provider2)
    done = client.post(follow_path(report), {"act": "object", "seen_version": report.version, "reason": "不符"})
    report.refresh_from_db()
    assert (done.status_code, report.state) == (302, "objected")
    again = client.post(follow_path(report), {"act": "object", "seen_version": report.version, "reason": "不符"})
    assert again.status_code == 409


def test_a_citizen_names_no_item_that_is_not_open(world: World, opened: Dataset, grant: Grant) -> None:
    for reported in (
        Reported(kind="wrong", description="x", columns=["street"]),
        Reported(kind="wrong", description="x", rows=[{"street": "x"}]),
    ):
        with pytest.raises(InvalidInput):
            reports.file_public(dataset=opened, reported=reported)
    with pytest.raises(WrongState):
        reports.file_public(dataset=grant.dataset, reported=Reported(kind="wrong", description="x"))
    page = text_of(Client().get(reverse("sharing:open-correction-create", args=[opened.pk])))
    assert ("名称" in page, "街道" in page) == (True, False)
    assert Client().get(reverse("sharing:open-correction-create", args=[grant.dataset_id])).status_code == 404


def test_a_trap_and_a_limit_keep_programs_out(world: World, opened: Dataset, settings: Any) -> None:
    path = reverse("sharing:open-correction-create", args=[opened.pk])
    client = Client()
    assert client.post(path, FORM | {"website": "http://spam.example"}).status_code == 302
    assert CorrectionReport.objects.count() == 0
    settings.CORRECTIONS_AN_HOUR = 2
    assert [client.post(path, FORM).status_code for _n in range(3)] == [302, 302, 422]


def test_the_public_list_shows_corrections_of_open_items_alone(world: World, opened: Dataset) -> None:
    hidden = Reported(kind="wrong", description="x", columns=["name", "street"])
    answer(world, file(world, opened, hidden), user=world.provider2, erratum="更正了内部街道")
    plain = Reported(kind="wrong", description="x", columns=["name"])
    answer(world, file(world, opened, plain), user=world.provider2, erratum="更正了站点名称")
    page = text_of(Client().get(reverse("sharing:open-correction-list")))
    assert ("更正了站点名称" in page, "更正了内部街道" in page) == (True, False)
    shown = text_of(Client().get(reverse("open:dataset-detail", args=[opened.pk])))
    assert ("更正了站点名称" in shown, "更正了内部街道" in shown) == (True, False)
    Dataset.objects.filter(pk=opened.pk).update(open_type="not_open")
    assert "更正了站点名称" not in text_of(Client().get(reverse("sharing:open-correction-list")))


def test_a_citizen_is_mailed_and_the_address_is_seen_by_the_office_and_deleted(world: World, opened: Dataset) -> None:
    report = reports.file_public(
        dataset=opened, reported=Reported(kind="wrong", description="x"), email="li@example.com"
    )
    assert keeping.mail_reporter(str(report.pk)) is True
    assert (mail.outbox[0].to, token_of(report.pk) in mail.outbox[0].body) == (["li@example.com"], True)
    assert "li@example.com" in text_of(client_of(world.provider2).get(report.get_absolute_url()))
    assert "li@example.com" not in text_of(client_of(world.cataloguer).get(report.get_absolute_url()))
    answer(world, report, user=world.provider2)
    reports.confirm(report=CorrectionReport.objects.get(), actor=Actor.system())
    assert keeping.forget_addresses() == 0
    CorrectionReport.objects.update(closed_at=timezone.now() - dt.timedelta(days=31))
    assert (keeping.forget_addresses(), keeping.forget_addresses()) == (1, 0)
    assert keeping.mail_reporter(str(report.pk)) is False
    assert list(verification.states()) == []
