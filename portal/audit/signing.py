"""The key that signs checkpoints (Ed25519, RFC 8032), and the public keys that verify them."""

from __future__ import annotations

import base64
import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def _private_key() -> Ed25519PrivateKey | None:
    if not settings.AUDIT_SIGNING_KEY:
        return None
    try:
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(settings.AUDIT_SIGNING_KEY, validate=True))
    except ValueError as error:
        raise ImproperlyConfigured("AUDIT_SIGNING_KEY must be 32 bytes in base64.") from error


def public_key() -> str:
    """The public half of the signing key in base64; empty without a key."""
    key = _private_key()
    return base64.b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode() if key else ""


def key_id(public: str) -> str:
    """The name of a public key: the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(base64.b64decode(public)).hexdigest()[:16]


def sign(message: bytes) -> tuple[str, str]:
    """(key id, signature in base64), both empty without a key."""
    key = _private_key()
    if key is None:
        return "", ""
    return key_id(public_key()), base64.b64encode(key.sign(message)).decode()


def verifies(message: bytes, signature: str, wanted: str) -> bool | None:
    """Whether the signature by the key named ``wanted`` is right; None when that key is not known."""
    for public in filter(None, [public_key(), *settings.AUDIT_VERIFY_KEYS]):
        if key_id(public) == wanted:
            try:
                Ed25519PublicKey.from_public_bytes(base64.b64decode(public)).verify(
                    base64.b64decode(signature), message
                )
            except (InvalidSignature, ValueError):
                return False
            return True
    return None
