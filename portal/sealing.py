"""Secrets in the database, encrypted with a key that stands in the environment only."""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def _fernet() -> Fernet:
    kdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"shuqiao webhook secrets")
    return Fernet(base64.urlsafe_b64encode(kdf.derive((settings.FIELD_KEY or settings.SECRET_KEY).encode())))


def seal(secret: str) -> str:
    """``secret`` encrypted, as text for a column."""
    return _fernet().encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """What ``seal`` was given.

    Raises:
        cryptography.fernet.InvalidToken: it was sealed with another key.
    """
    return _fernet().decrypt(sealed.encode()).decode()
