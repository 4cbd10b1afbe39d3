"""Pages as PDF, with WeasyPrint; it reads nothing from anywhere but the page itself."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import segno
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from portal.errors import PortalError

LANGUAGE = "zh-hans"


class PrintingUnavailable(PortalError):
    """The libraries of the system that make PDF files are missing (docs/operations.md)."""

    code = "printing_unavailable"
    status = HTTPStatus.SERVICE_UNAVAILABLE
    message = _("PDF files cannot be made on this server at present. Print the page instead.")


def _refuse(url: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Nothing a page names is fetched: neither files of the server nor anything in the network."""
    raise ValueError(f"not fetched: {url[:80]}")


def qr(text: str) -> SafeString:
    """``text`` as a QR code in SVG, to stand inside a page."""
    return mark_safe(segno.make(text, error="m").svg_inline(scale=3, omitsize=False))


def pdf(template: str, context: dict[str, Any]) -> bytes:
    """A template as a PDF file, in Chinese.

    Raises:
        PrintingUnavailable: Pango is not installed.
    """
    with translation.override(LANGUAGE):
        html = render_to_string(template, context)
    try:
        from weasyprint import HTML
    except OSError as error:
        raise PrintingUnavailable from error
    return HTML(string=html, url_fetcher=_refuse).write_pdf() or b""
