"""Keeping the interfaces that departments run: their OpenAPI documents, keys, and the records that they serve."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import InvalidToken
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.connections import openapi
from catalog.connections.addresses import SourceFailed, reachable
from catalog.models import DataService, Dataset
from portal import access
from portal.access import Actor, Permission
from portal.audit import record
from portal.departments.models import Department
from portal.errors import InvalidInput
from portal.sealing import seal, unseal

FIELDS = ("title", "endpoint_url", "version", "description", "header")
TIMEOUT_S = 5
FINE = 400


def save(
    *,
    service: DataService,
    department: Department,
    values: dict[str, Any],
    document: bytes | None,
    secret: str,
    datasets: Sequence[Dataset],
    actor: Actor,
) -> DataService:
    """Make or change an interface; without a new ``document`` or ``secret`` those that are there stay.

    What the form leaves empty is taken from the document: title, version, description, address.

    Raises:
        InvalidInput: the document or an entry is not as it must be.
    """
    actor = access.require(actor, Permission.CONNECTION_MANAGE, department)
    with transaction.atomic():
        is_new = service._state.adding
        if not is_new:
            service = DataService.objects.select_for_update().get(pk=service.pk)
            access.require(actor, Permission.CONNECTION_MANAGE, service.department)
        if document:
            service.document = openapi.read(document)
            service.operations = openapi.operations(service.document)
        elif is_new:
            raise InvalidInput(fields={"document": [_("Choose the OpenAPI document.")]})
        values = _completed(values, service.document)
        if service.secret and service.endpoint_url != values["endpoint_url"] and not secret:
            raise InvalidInput(fields={"secret": [_("Enter the key again when the address changes.")]})
        for name in FIELDS:
            setattr(service, name, values[name])
        service.department = department
        service.tested_at, service.fault = None, ""
        if secret:
            service.secret = seal(secret)
        if is_new:
            assert actor.user is not None
            service.created_by = actor.user
        try:
            with transaction.atomic():
                service.save()
        except IntegrityError as error:
            raise InvalidInput(fields={"title": [_("The department has an interface of this name.")]}) from error
        for dataset in datasets:
            access.require(actor, Permission.DATASET_EDIT, dataset)
        service.datasets.set(datasets)
        data = {"title": service.title, "department": department.name, "operations": len(service.operations)}
        verb = "service.created" if is_new else "service.changed"
        record.append(stream=record.stream_of(service), verb=verb, actor=actor, data=data)
    return service


def _completed(values: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    info = document.get("info") or {}
    found = {
        "title": str(info.get("title", ""))[:200],
        "version": str(info.get("version", ""))[:40],
        "description": str(info.get("description", "")),
        "endpoint_url": openapi.server_of(document)[:500],
        "header": "",
    }
    values = {name: values.get(name) or found[name] for name in FIELDS}
    if not values["endpoint_url"]:
        raise InvalidInput(fields={"endpoint_url": [_("The document names no address. Enter it.")]})
    parts = urlsplit(values["endpoint_url"])
    if parts.scheme not in ("http", "https") or parts.username or parts.password:
        message = _("The address begins with https:// or http:// and holds no user name.")
        raise InvalidInput(fields={"endpoint_url": [message]})
    return values


def test(*, service: DataService, actor: Actor) -> int:
    """Call the interface's address once with its key and note how it went; returns the status it answered with.

    Raises:
        SourceFailed: it cannot be reached, or answers with an error.
    """
    access.require(actor, Permission.CONNECTION_MANAGE, service.department)
    fault = ""
    try:
        status = _call(service)
        if status >= FINE and status != http.HTTPStatus.NOT_FOUND:
            raise SourceFailed(_("It answered with the status %(status)s.") % {"status": status})
    except SourceFailed as error:
        fault = str(error)
        raise
    finally:
        DataService.objects.filter(pk=service.pk).update(tested_at=timezone.now(), fault=fault)
    return status


def _call(service: DataService) -> int:
    parts = urlsplit(service.endpoint_url)
    is_secure, host = parts.scheme == "https", parts.hostname or ""
    port = parts.port or (443 if is_secure else 80)
    address = reachable(host, port)
    connection = http.client.HTTPConnection(address, port, timeout=TIMEOUT_S)
    try:
        headers = {"Host": parts.netloc, "Accept": "application/json", "User-Agent": "Shuqiao"}
        if service.secret:
            headers[service.header or "Authorization"] = unseal(service.secret)
        connection.connect()
        if is_secure:
            connection.sock = ssl.create_default_context().wrap_socket(connection.sock, server_hostname=host)
        connection.request("GET", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), headers=headers)
        return connection.getresponse().status
    except InvalidToken as error:
        raise SourceFailed(_("The key cannot be read any more. Enter it again.")) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise SourceFailed(_("It cannot be reached: %(error)s") % {"error": type(error).__name__}) from error
    finally:
        connection.close()


@transaction.atomic
def remove(*, service: DataService, actor: Actor) -> None:
    """Forget an interface and its key."""
    actor = access.require(actor, Permission.CONNECTION_MANAGE, service.department)
    service = DataService.objects.select_for_update().get(pk=service.pk)
    data = {"title": service.title, "department": service.department.name}
    record.append(stream=record.stream_of(service), verb="service.removed", actor=actor, data=data)
    service.delete()
