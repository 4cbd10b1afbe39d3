"""A real installation: everything from the environment, and no start without a secret of its own."""

from django.core.exceptions import ImproperlyConfigured

from portal.settings.base import *
from portal.settings.base import AUDIT_SIGNING_KEY, SECRET_KEY, check_secret

check_secret(SECRET_KEY, is_demo=False)
if not AUDIT_SIGNING_KEY:
    raise ImproperlyConfigured("Set AUDIT_SIGNING_KEY to 32 random bytes in base64: openssl rand -base64 32.")
