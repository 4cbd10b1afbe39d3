"""Reports of errors on their pages and in the API: filed, listed, and their rows shown to those who may read them."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from catalog.models import Dataset
from sharing.corrections.reports import Reported
from sharing.models import CorrectionReport, Grant
from tests.clients import client_of, text_of
from tests.factories import World
from tests.queries import queries_of
from tests.sharing import correcting
from tests.sharing.correcting import answer, file

pytestmark = pytest.mark.django_db
grant, opened = correcting.grant, correcting.opened


# --- pages ----------------------------------------------------------------------------------------------------------
def test_a_report_is_filed_on_the_page_with_typed_and_ticked_rows(world: World, grant: Grant) -> None:
    client = client_of(world.applicant)
    path = reverse("sharing:correction-create", args=[grant.dataset_id])
    page = client.get(path, {"grant": "1"})
    assert page.context["back"] == grant.get_absolute_url()
    ticked = page.context["pick"]["lines"][0][0]
    body = {
        "department": world.county_bureau.pk,
        "kind": "wrong",
        "columns": ["name"],
        "description": "有误",
        "rows": "代码\n02",
        "pick": [ticked],
    }
    failed = client.post(path, body | {"rows": "哪列\n02"})
    assert (failed.status_code, failed.context["pick"]["lines"][0][1]) == (422, True)
    assert "哪列" in text_of(failed)
    done = client.post(path, body)
    report = CorrectionReport.objects.get()
    assert (done.status_code, done.headers["Location"]) == (302, report.get_absolute_url())
    assert report.rows == [{"code": "01", "name": "a", "street": "b"}, {"code": "02"}]


def test_a_ticked_row_with_a_column_one_cannot_read_is_refused(world: World, grant: Grant) -> None:
    path = reverse("sharing:correction-create", args=[grant.dataset_id])
    body = {"department": world.city_bureau.pk, "kind": "wrong", "description": "x", "pick": ['{"code": "01"}', "[}"]}
    assert client_of(world.provider2).post(path, body).status_code == 422
    assert CorrectionReport.objects.count() == 0


def test_foreign_reports_are_not_found_and_the_provider_gets_no_form(world: World, grant: Grant) -> None:
    report = file(world, grant.dataset)
    client = client_of(world.provider2)
    assert client.get(report.get_absolute_url()).status_code == 404
    assert client.get(reverse("sharing:correction-act", args=[report.pk, "answer"])).status_code == 404
    path = reverse("sharing:correction-create", args=[grant.dataset_id])
    assert client_of(world.provider).get(path).status_code == 403


def test_colleagues_without_the_grant_see_the_report_and_not_its_rows(world: World, grant: Grant) -> None:
    report = file(world, grant.dataset)
    tables = [
        client_of(user).get(report.get_absolute_url()).context["table"] is not None
        for user in (world.applicant, world.applicant_head, world.provider, world.security)
    ]
    assert tables == [True, False, True, True]


def test_the_list_filters_sorts_and_exports_what_it_shows(world: World, grant: Grant, opened: Dataset) -> None:
    first = file(world, grant.dataset)
    second = file(world, opened, Reported(kind="missing", description="缺少站点"))
    client = client_of(world.applicant)

    def found(user: Client = client, **params: str) -> list[Any]:
        return [row.pk for row in user.get(reverse("sharing:correction-list"), params).context["object_list"]]

    assert found() == [second.pk, first.pk]
    assert found(sort="created") == [first.pk, second.pk]
    assert found(q="缺少") == [second.pk]
    assert found(kind="wrong") == [first.pk]
    assert found(state="closed") == []
    assert found(q="\x00'%") == []
    assert found(client_of(world.provider), side="answer") == [first.pk]
    assert found(client_of(world.authority)) == [second.pk]
    assert found(client_of(world.provider), side="mine") == []
    body = b"".join(client.get(reverse("sharing:correction-export"), {"q": "缺少"}).streaming_content).decode()  # type: ignore[attr-defined]
    assert [line.split(",")[0] for line in body.splitlines()[1:]] == [second.number]
    book = client.get(reverse("sharing:correction-export"), {"format": "xlsx"})
    assert book.content[:2] == b"PK"


def test_the_list_takes_as_many_queries_for_twenty_as_for_one(world: World, opened: Dataset) -> None:
    file(world, opened)
    client = client_of(world.provider2)
    path = reverse("sharing:correction-list")
    queries_of(client, path)  # what is read once a process
    few = queries_of(client, path)
    for _n in range(19):
        file(world, opened)
    assert queries_of(client, path) == few <= 20


def test_pages_of_the_dataset_and_the_grant_say_that_it_was_corrected(world: World, grant: Grant) -> None:
    report = answer(world, file(world, grant.dataset))
    client = client_of(world.applicant)
    for path in (grant.get_absolute_url(), grant.dataset.get_absolute_url()):
        assert "更正了街道名称" in text_of(client.get(path))
    tab = client_of(world.provider2).get(grant.dataset.get_absolute_url(), {"tab": "corrections"})
    assert ([each.pk for each in tab.context["errata"]], tab.context["reports"]) == ([report.pk], [])


# --- the API --------------------------------------------------------------------------------------------------------
def test_the_api_files_lists_and_hides_rows_from_those_who_may_not_read_them(world: World, grant: Grant) -> None:
    body = {
        "dataset": str(grant.dataset_id),
        "department": str(world.county_bureau.pk),
        "kind": "wrong",
        "description": "有误",
        "rows": [{"code": "01"}],
    }
    client = client_of(world.applicant)
    made = client.post("/api/v1/corrections/", body, content_type="application/json")
    assert (made.status_code, made.json()["state"], made.json()["rows"]) == (201, "filed", [{"code": "01"}])
    path = f"/api/v1/corrections/{made.json()['id']}/"
    assert client_of(world.applicant_head).get(path).json()["rows"] is None
    assert client_of(world.provider2).get(path).status_code == 404
    listed = client.get("/api/v1/corrections/", {"state": "filed"}).json()["results"]
    assert [row["id"] for row in listed] == [made.json()["id"]]
    assert client.get("/api/v1/corrections/", {"state": "nothing"}).json()["results"] == []
    wrong = client.post("/api/v1/corrections/", body | {"rows": [{"secret": "1"}]}, content_type="application/json")
    assert (wrong.status_code, set(wrong.json()["errors"])) == (422, {"rows"})
    foreign = client_of(world.provider2).post("/api/v1/corrections/", body, content_type="application/json")
    assert (foreign.status_code, CorrectionReport.objects.count()) == (403, 1)
