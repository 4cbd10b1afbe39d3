"""Tests: quick hashing, no pool, no lockout, and files under a folder of their own for each process."""

import os
from pathlib import Path

from portal.settings.base import *  # noqa: F403
from portal.settings.base import REST_FRAMEWORK, VAR_DIR

SECRET_KEY = "tests"  # noqa: S105
DEMO = True
ALLOWED_HOSTS = ["*"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = False
SECURE_SSL_REDIRECT = False
SECURE_HSTS_SECONDS = 0
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AXES_ENABLED = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
REST_FRAMEWORK = {**REST_FRAMEWORK, "DEFAULT_THROTTLE_CLASSES": []}
_FILES = Path(VAR_DIR) / "test-files" / os.environ.get("PYTEST_XDIST_WORKER", "main")
TABLES_ROOT = _FILES / "tables"
UPLOADS_ROOT = _FILES / "uploads"
