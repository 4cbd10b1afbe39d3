"""Access keys on the wire: ``Authorization: Bearer sq_…``."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from sharing.errors import BadCredential
from sharing.grants import key_hash
from sharing.models import Credential

USED_EVERY = dt.timedelta(minutes=1)


def find_credential(key: str) -> Credential:
    """The living credential of a key: one indexed read.

    Raises:
        BadCredential: unknown or withdrawn.
    """
    related = "grant__dataset__provider__region", "grant__department"
    credential = Credential.objects.select_related(*related).filter(key_hash=key_hash(key)).first()
    if credential is None:
        raise BadCredential
    now = timezone.now()
    if credential.last_used_at is None or now - credential.last_used_at > USED_EVERY:
        Credential.objects.filter(pk=credential.pk).update(last_used_at=now)
    return credential


class CredentialAuthentication(BaseAuthentication):
    """DRF authentication by a grant's key; the request's ``auth`` is the Credential."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, Credential] | None:
        scheme, _space, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            return None
        return AnonymousUser(), find_credential(key.strip())

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def schema_extension() -> Any:
    """Describe the keys in the OpenAPI schema."""
    from drf_spectacular.extensions import OpenApiAuthenticationExtension

    class CredentialScheme(OpenApiAuthenticationExtension):
        target_class = CredentialAuthentication
        name = "grantKey"

        def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
            return {"type": "http", "scheme": "bearer", "description": "The access key of a grant."}

    return CredentialScheme
