"""Which addresses inside the network the portal may open connections to."""

from __future__ import annotations

import ipaddress
import socket

from django.conf import settings
from django.utils.translation import gettext as _

from portal.errors import PortalError


class SourceFailed(PortalError):
    """A database or an interface could not be reached or read; the message says what it answered."""

    code = "source_failed"


def reachable(host: str, port: int) -> str:
    """The address to connect to; it is the one that was checked, so a name cannot point elsewhere a moment later.

    Raises:
        SourceFailed: no such host, or one of its addresses is outside SOURCE_NETWORKS.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise SourceFailed(_("No such host.")) from error
    addresses = [str(row[4][0]) for row in found]
    if not addresses or not all(map(_is_allowed, addresses)):
        message = _("The portal may not connect to this address. The system administrator names allowed networks.")
        raise SourceFailed(message)
    return addresses[0]


def _is_allowed(text: str) -> bool:
    address: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(text.partition("%")[0])
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in ipaddress.ip_network(network) for network in settings.SOURCE_NETWORKS)
