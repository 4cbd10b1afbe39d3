"""Calling a department's webhook: signed, only at addresses that may be called, no redirects, five seconds."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.client
import ipaddress
import json
import socket
import ssl
import threading
import time
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from portal.notices.models import Delivery
from portal.notices.texts import outside_words
from portal.sealing import unseal

SIGNATURE_HEADER = "X-Shuqiao-Signature"
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_TUNNELS = [ipaddress.ip_network(n) for n in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")]
"""IPv6 networks whose addresses hold an IPv4 address, private ones too."""


class AddressRefused(Exception):
    """The portal does not call this address."""


def signature(secret: str, body: bytes, at: int) -> str:
    """The value of the signature header: HMAC-SHA256 over the time, a dot and the body."""
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={mac.hexdigest()}"


def may_call(text: str) -> bool:
    """Whether an IP address is a public one, or in WEBHOOK_ALLOWED_NETWORKS."""
    address: _Address = ipaddress.ip_address(text.partition("%")[0])
    address = getattr(address, "ipv4_mapped", None) or address
    if any(address in ipaddress.ip_network(network) for network in settings.WEBHOOK_ALLOWED_NETWORKS):
        return True
    return address.is_global and not address.is_multicast and not any(address in network for network in _TUNNELS)


def resolved(url: str) -> tuple[str, int]:
    """The address and port to call for ``url``.

    Raises:
        AddressRefused: not https (http only in the demo), with a password, or one of its addresses may not be called.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise AddressRefused(_("This is not an address.")) from error
    if parts.scheme != "https" and not (parts.scheme == "http" and (settings.DEBUG or settings.DEMO)):
        raise AddressRefused(_("The address must begin with https://."))
    if not parts.hostname or parts.username or parts.password:
        raise AddressRefused(_("The address must hold a host and no user name or password."))
    try:
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AddressRefused(_("No such host.")) from error
    addresses = [str(row[4][0]) for row in found]
    if not addresses or not all(map(may_call, addresses)):
        raise AddressRefused(_("Addresses inside the network are not called."))
    return addresses[0], port


def body_of(delivery: Delivery) -> bytes:
    """The JSON that is sent: no more than an e-mail says."""
    notice = delivery.notice
    content = {
        "id": str(delivery.pk),
        "kind": notice.kind if notice else "test",
        "text": outside_words(notice) if notice else _("A test of the webhook"),
        "link": settings.SITE_URL + (notice.url if notice else "/"),
        "created_at": (notice or delivery).created_at.isoformat(),
    }
    return json.dumps(content, ensure_ascii=False).encode()


def post(delivery: Delivery) -> tuple[int, str]:
    """Call the webhook; returns the status and the first 200 characters of the answer.

    The connection goes to the address that was checked, so that a name cannot point elsewhere a moment later.

    Raises:
        AddressRefused, OSError: it could not be called, or did not answer in time.
    """
    hook = delivery.webhook
    assert hook is not None
    address, port = resolved(hook.url)
    parts, limit = urlsplit(hook.url), settings.WEBHOOK_TIMEOUT_S
    body, connection = body_of(delivery), _connection(parts.scheme, str(parts.hostname), address, port)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Shuqiao",
        SIGNATURE_HEADER: signature(unseal(hook.sealed_secret), body, int(time.time())),
    }
    timer = threading.Timer(limit, _cut, [connection])
    timer.start()
    try:
        connection.request("POST", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), body, headers)
        response = connection.getresponse()
        return response.status, response.read(800).decode("utf-8", "replace").replace("\x00", "")[:200]
    except (http.client.HTTPException, ValueError) as error:
        raise OSError(type(error).__name__) from error
    finally:
        timer.cancel()
        connection.close()


def _connection(scheme: str, host: str, address: str, port: int) -> http.client.HTTPConnection:
    limit = settings.WEBHOOK_TIMEOUT_S
    made = (
        http.client.HTTPSConnection(host, port, timeout=limit, context=ssl.create_default_context())
        if scheme == "https"
        else http.client.HTTPConnection(host, port, timeout=limit)
    )
    made._create_connection = lambda *_args, **_kw: socket.create_connection((address, port), limit)  # type: ignore
    return made


def _cut(connection: http.client.HTTPConnection) -> None:
    """End a call whose time is up, however slowly it still answers."""
    sock = connection.sock
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
