"""Tests: a database server and files of their own, quick hashing, no pool, no lockout, no throttling."""

import os
from pathlib import Path

from portal.database import embedded_url

_VAR = Path(__file__).resolve().parent.parent.parent / "var"
_NAMED_SERVER = os.environ.get("TEST_DATABASE_URL", "")
os.environ["DATABASE_URL"] = _NAMED_SERVER or embedded_url(_VAR / "test-postgres", durable=False)
os.environ["DATABASE_POOL"] = "0"

from portal.settings.base import *  # noqa: E402
from portal.settings.base import DATABASES, REST_FRAMEWORK  # noqa: E402

DEMO = True
AUDIT_SIGNING_KEY = "c2h1cWlhby10ZXN0cy1zaWduaW5nLWtleS0zMi1iISE="
SECRET_KEY = "tests"  # noqa: S105
ALLOWED_HOSTS = ["*"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = False
SECURE_SSL_REDIRECT = False
SECURE_HSTS_SECONDS = 0
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AXES_ENABLED = False
SECOND_FACTOR_DUTIES = []
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
REST_FRAMEWORK = {**REST_FRAMEWORK, "DEFAULT_THROTTLE_CLASSES": []}

# Runs at the same time share the server; each has databases and files under its own process id.
RUN = f"{os.getpid()}-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
if not _NAMED_SERVER:
    DATABASES["default"]["TEST"] = {"NAME": f"test_{os.getpid()}"}
RUN_FILES = _VAR / "test-files" / RUN
TABLES_ROOT = RUN_FILES / "tables"
UPLOADS_ROOT = RUN_FILES / "uploads"
PREPARED_ROOT = RUN_FILES / "prepared"
AUDIT_ARCHIVE_ROOT = RUN_FILES / "archive"
