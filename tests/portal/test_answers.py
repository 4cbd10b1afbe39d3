"""Headers, limits and dead ends: what an answer may say, how long it is kept, and what is taken in."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory
from django.urls import reverse

from catalog.models import Dataset
from portal.addresses import address_of
from tests.factories import World, load, make_dataset
from tests.url_table import TABLE

pytestmark = pytest.mark.django_db
OPEN_ITEMS = [{"name": "代码", "column": "code", "open_type": "open"}, {"name": "名称", "column": "name"}]


@pytest.fixture
def world(db: None) -> World:
    cache.clear()
    return World()


@pytest.fixture
def opened(world: World) -> Dataset:
    dataset = make_dataset(world.city_bureau, "空气", items=OPEN_ITEMS, sharing_type="unconditional", open_type="open")
    return load(dataset, b"code,name\n01,a\n")


def signed_in(world: World) -> Client:
    client = Client()
    client.force_login(world.applicant)
    return client


def test_nothing_of_the_workplace_is_kept_by_a_browser(world: World, opened: Dataset) -> None:
    client = signed_in(world)
    paths = ["/", "/catalog/", f"/catalog/{opened.pk}/", "/requests/", "/requests/export/", "/api/v1/requests/"]
    paths += [f"/catalog/{opened.pk}/export/csv/", "/nothing/", "/audit/", "/open/", f"/open/datasets/{opened.pk}/"]
    kept = {path: client.get(path).headers["Cache-Control"] for path in paths}
    assert {path: value for path, value in kept.items() if "no-store" not in value or "private" not in value} == {}


def test_public_answers_are_asked_about_again_and_not_sent_twice(opened: Dataset) -> None:
    client = Client()
    for name in ("open:dataset-chart", "open:dataset-download", "api:open-rows", "api:open-export"):
        words = {"pk": opened.pk} if name.startswith("open:") else {"dataset_id": opened.pk}
        words |= {"open:dataset-download": {"format": "csv"}, "api:open-export": {"file_format": "csv"}}.get(name, {})
        first = client.get(reverse(name, kwargs=words))
        assert (first.status_code, first.headers["Cache-Control"]) == (200, "no-cache"), name
        again = client.get(reverse(name, kwargs=words), headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b""), name


def test_a_new_version_of_the_data_is_sent(opened: Dataset) -> None:
    path = reverse("open:dataset-download", kwargs={"pk": opened.pk, "format": "csv"})
    tag = Client().get(path).headers["ETag"]
    load(opened, b"code,name\n02,b\n")
    assert Client().get(path, headers={"If-None-Match": tag}).status_code == 200


def test_robots_may_read_the_open_pages_and_nothing_else() -> None:
    response = Client().get("/robots.txt")
    lines = response.content.decode().splitlines()
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert lines[:2] == ["User-agent: *", "Allow: /open/"]
    assert {"Disallow: /", "Disallow: /*/rows", "Disallow: /*/download/", "Disallow: /api/v1/"} <= set(lines)
    assert lines[-1] == "Sitemap: http://testserver/sitemap.xml"


@pytest.mark.parametrize("path", ["/api/v1/nothing/", "/api/v1/datasets/not-an-id/", "/api/nothing"])
def test_an_unknown_address_of_the_api_is_a_problem_document(path: str) -> None:
    response = Client().get(path)
    assert (response.status_code, response.headers["Content-Type"]) == (404, "application/problem+json")
    assert response.json()["code"] == "not_found"


def test_a_button_pressed_after_the_session_ended_says_what_to_do(world: World) -> None:
    response = signed_in(world).get("/basket/add/")
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")
    assert 'href="/basket/"' in response.content.decode()
    assert Client().get("/accounts/sign-out/").status_code == 405


def test_a_form_with_an_old_token_is_refused_on_a_page_of_the_portal(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.applicant)
    response = client.post("/basket/add/", headers={"Referer": "https://elsewhere.example/"})
    text = response.content.decode()
    assert (response.status_code, "<main" in text, "elsewhere.example" in text) == (403, True, False)


NUMBERED = {
    "table_version",
    "person",
    "membership",
    "notice",
    "words",
    "saved",
    "supervision_notice",
    "queue_view",
    "co_applicant",
}
"""Objects whose keys are numbers."""


def test_every_form_needs_its_token(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.applicant)
    some = {"pk": "01900000-0000-7000-8000-000000000000", "item_pk": "01900000-0000-7000-8000-000000000000"}
    statuses = {}
    for name, (method, _roles, keys) in TABLE.items():
        if method == "POST":
            values: dict[str, Any] = {key: some.get(key, some["pk"]) for key in keys}
            values |= {key: 1 for key in keys if keys[key] in NUMBERED}
            path = reverse(name, kwargs=values)
            statuses[name] = client.post(path, content_type="application/json").status_code
    assert {name: status for name, status in statuses.items() if status != 403} == {}


def test_a_refusal_leads_back_only_within_the_portal(world: World) -> None:
    client = signed_in(world)
    for referrer, is_shown in (("http://testserver/basket/", True), ("https://elsewhere.example/a", False)):
        text = client.get("/queue/", headers={"Referer": referrer}).content.decode()
        assert (referrer in text) is is_shown


def test_a_file_of_the_anonymous_is_not_taken_in() -> None:
    file = SimpleUploadedFile("a.csv", b"x" * 100)
    request = Client().post("/accounts/sign-in/", {"username": "a", "password": "b", "file": file}).wsgi_request
    assert list(request.FILES) == []


def test_a_file_of_more_than_is_allowed_is_refused_before_it_is_read(world: World, settings: Any) -> None:
    settings.UPLOAD_LIMIT_BYTES = -9_000_000
    file = SimpleUploadedFile("a.csv", b"x" * 100)
    assert signed_in(world).post("/language/", {"language": "en", "file": file}).status_code == 400


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [("[" * 100_000, 400, "parse_error"), ("{", 400, "parse_error"), ('"' + "x" * 200_001 + '"', 413, "too_large")],
)
def test_a_body_that_cannot_be_read_is_a_problem(
    world: World, settings: Any, body: str, status: int, code: str
) -> None:
    settings.API_BODY_LIMIT_BYTES = 200_000
    response = signed_in(world).post("/api/v1/requests/", body, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("behind_proxy", "told", "expected"),
    [
        (False, "1.2.3.4", "127.0.0.1"),
        (True, "1.2.3.4", "1.2.3.4"),
        (True, "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        (True, "", "127.0.0.1"),
    ],
)
def test_only_our_own_proxy_says_who_calls(settings: Any, behind_proxy: bool, told: str, expected: str) -> None:
    settings.TRUSTED_PROXIES = int(behind_proxy)
    assert address_of(RequestFactory().get("/", headers={"X-Forwarded-For": told})) == expected


def test_page_and_api_share_one_limit_on_downloads(opened: Dataset) -> None:
    page = reverse("open:dataset-download", kwargs={"pk": opened.pk, "format": "csv"})
    api = reverse("api:open-export", kwargs={"dataset_id": opened.pk, "file_format": "csv"})
    client = Client()
    statuses = [client.get(path).status_code for path in [page] * 16 + [api] * 16]
    assert set(statuses[:16]) == {200}
    assert statuses[-1] in {429, 200}
    if statuses[-1] == 200:  # the minute turned while the test ran
        statuses = [client.get(api).status_code for _ in range(31)]
        assert statuses[-1] == 429


def test_a_file_comes_whatever_the_caller_accepts(opened: Dataset) -> None:
    path = reverse("api:open-export", kwargs={"dataset_id": opened.pk, "file_format": "csv"})
    for accept in ("text/csv", "application/octet-stream", "nonsense"):
        assert Client().get(path, headers={"Accept": accept}).status_code == 200


def test_the_interface_page_keeps_a_policy_without_inline_scripts() -> None:
    response = Client().get("/api/docs/")
    policy = response.headers["Content-Security-Policy"]
    assert (response.status_code, "script-src" in policy, "default-src 'self'" in policy) == (200, False, True)
    assert "<script>" not in response.content.decode()


def test_the_schema_has_one_name_whatever_is_asked_for() -> None:
    for version in ("", "?version=%00", "?version=a%0d%0ab"):
        assert (
            Client().get(f"/api/schema/{version}").headers["Content-Disposition"] == 'inline; filename="shuqiao.yaml"'
        )


@pytest.mark.parametrize("method", ["put", "post", "patch", "delete", "options", "trace"])
def test_the_interface_page_is_only_read(method: str) -> None:
    assert getattr(Client(), method)("/api/docs/").status_code == 405
