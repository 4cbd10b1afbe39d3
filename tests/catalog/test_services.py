"""Interfaces of departments: their OpenAPI documents, what is refused, trials with a sealed key, and who sees them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from catalog.connections import openapi, services
from catalog.connections.addresses import SourceFailed
from catalog.models import DataService, Dataset
from portal.errors import InvalidInput
from tests.factories import World, actor, make_dataset

DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "婚姻登记核验接口", "version": "2.1", "description": "按证件号码核验。"},
    "servers": [{"url": "https://api.example.gov.cn/marriage"}],
    "paths": {
        "/check": {
            "parameters": [{"$ref": "#/components/parameters/Number"}],
            "get": {"summary": "核验", "responses": {"200": {"description": "ok"}}},
            "post": {"operationId": "checkMany", "responses": {"200": {"description": "ok"}}},
        }
    },
    "components": {
        "parameters": {
            "Number": {
                "name": "number",
                "in": "query",
                "required": True,
                "description": "证件号码",
                "schema": {"type": "string"},
            }
        }
    },
}


@pytest.mark.parametrize("write", [json.dumps, yaml.safe_dump])
def test_a_document_tells_its_operations(write: Any) -> None:
    document = openapi.read(write(DOCUMENT).encode())
    get, post = openapi.operations(document)
    assert (get["method"], get["path"], get["summary"]) == ("GET", "/check", "核验")
    assert get["parameters"] == [
        {"name": "number", "in": "query", "required": True, "type": "string", "description": "证件号码"}
    ]
    assert post["summary"] == "checkMany"
    assert openapi.server_of(document) == "https://api.example.gov.cn/marriage"


def changed(**parts: Any) -> bytes:
    return json.dumps(DOCUMENT | parts).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe",
        b"no: [yaml",
        b"[]",
        b'{"swagger": "2.0"}',
        changed(info={}),
        changed(paths={"/a": {"get": {"responses": {"200": {"$ref": "https://example.org/x.yaml"}}}}}),
        changed(paths={"/a": {"get": {"responses": {"200": {"$ref": "file:///etc/passwd"}}}}}),
        changed(paths={"/a": {"get": {"responses": {"200": {"$ref": "#/components/nowhere"}}}}}),
        b"openapi: 3.0.3\na: &a [x]\nb: *a\n",
        b"openapi: !!python/object/apply:os.system [id]",
        b"[" * 100_000,
        b"x" * (2 * 1024**2 + 1),
    ],
    ids=["bytes", "yaml", "list", "swagger", "info", "http", "file", "nowhere", "alias", "object", "deep", "large"],
)
def test_what_is_no_document_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        openapi.read(content)
    assert caught.value.fields["document"]


class _Upstream(BaseHTTPRequestHandler):
    seen: list[str | None] = []
    status = 200

    def do_GET(self) -> None:
        _Upstream.seen.append(self.headers.get("X-Key"))
        self.send_response(_Upstream.status)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def upstream() -> Iterator[str]:
    _Upstream.seen, _Upstream.status = [], 200
    server = HTTPServer(("127.0.0.1", 0), _Upstream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/api"
    server.shutdown()


def registered(world: World, **said: Any) -> DataService:
    values = {"title": "", "endpoint_url": "", "version": "", "description": "", "header": "X-Key"} | said
    return services.save(
        service=DataService(),
        department=world.city_bureau,
        values=values,
        document=json.dumps(DOCUMENT).encode(),
        secret="sehr-geheim",
        datasets=said.get("datasets", []),
        actor=actor(world.cataloguer),
    )


@pytest.mark.django_db
def test_the_document_fills_what_is_left_empty(world: World) -> None:
    service = registered(world)
    assert (service.title, service.version) == ("婚姻登记核验接口", "2.1")
    assert service.endpoint_url == "https://api.example.gov.cn/marriage"
    assert "sehr-geheim" not in service.secret


@pytest.mark.django_db
def test_a_trial_calls_it_with_its_key(world: World, upstream: str, settings: Any) -> None:
    settings.SOURCE_NETWORKS = ["127.0.0.0/8"]
    service = registered(world, endpoint_url=upstream)
    assert services.test(service=service, actor=actor(world.cataloguer)) == 200
    assert _Upstream.seen == ["sehr-geheim"]
    _Upstream.status = 401
    with pytest.raises(SourceFailed, match="401"):
        services.test(service=service, actor=actor(world.cataloguer))
    assert "401" in DataService.objects.get().fault
    settings.SOURCE_NETWORKS = []
    with pytest.raises(SourceFailed):
        services.test(service=service, actor=actor(world.cataloguer))
    assert len(_Upstream.seen) == 2, "nothing is sent where the portal may not connect to"


@pytest.mark.django_db
def test_a_key_is_not_sent_to_a_new_address(world: World, upstream: str) -> None:
    service = registered(world)
    values = {name: getattr(service, name) for name in services.FIELDS} | {"endpoint_url": upstream}
    said = {"service": service, "department": service.department, "document": None, "datasets": []}
    with pytest.raises(InvalidInput) as caught:
        services.save(values=values, secret="", actor=actor(world.cataloguer), **said)
    assert "secret" in caught.value.fields


@pytest.mark.django_db
@pytest.mark.parametrize("url", ["ftp://a.example/", "https://user:word@a.example/", "https://user@a.example/"])
def test_addresses_that_are_not_called(world: World, url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        registered(world, endpoint_url=url)
    assert "endpoint_url" in caught.value.fields


@pytest.fixture
def served(world: World) -> Dataset:
    return make_dataset(world.city_bureau, "婚姻登记")


@pytest.mark.django_db
def test_pages_register_it_and_the_record_shows_what_it_offers(world: World, served: Dataset) -> None:
    client = Client()
    client.force_login(world.cataloguer)
    said = {"department": str(world.city_bureau.pk), "datasets": [str(served.pk)], "new_secret": "sehr-geheim"}
    file = SimpleUploadedFile("api.yaml", b"nothing")
    assert client.post("/catalog/connections/services/new/", said | {"file": file}).status_code == 422
    file = SimpleUploadedFile("api.json", json.dumps(DOCUMENT).encode())
    answer = client.post("/catalog/connections/services/new/", said | {"file": file}, follow=True)
    page = answer.content.decode()
    assert "/check" in page
    assert "sehr-geheim" not in page
    service = DataService.objects.get()
    for person in (world.cataloguer, world.provider):
        reader = Client()
        reader.force_login(person)
        tab = reader.get(f"/catalog/{served.pk}/", {"tab": "connections"}).content.decode()
        assert "/check" in tab
        found = reader.get(f"/catalog/connections/services/{service.pk}/openapi.json")
        assert found.json() == DOCUMENT
    other = Client()
    other.force_login(world.provider)
    assert other.get(f"/catalog/connections/services/{service.pk}/edit/").status_code in (403, 404)
    assert other.post(f"/catalog/connections/services/{service.pk}/remove/").status_code in (403, 404)
    Dataset.objects.filter(pk=served.pk).update(state="draft")
    service.datasets.clear()
    assert other.get(f"/catalog/connections/services/{service.pk}/").status_code == 404
    assert client.post(f"/catalog/connections/services/{service.pk}/remove/").status_code == 302
    assert not DataService.objects.exists()
