"""The demo that ``make run`` starts: plain http on this machine, with demo people whose passwords are shown."""

import base64

from portal.settings.base import *
from portal.settings.base import AUDIT_SIGNING_KEY, DEMO_SECRET_KEY, env

DEMO = True
SECRET_KEY = DEMO_SECRET_KEY
AUDIT_SIGNING_KEY = AUDIT_SIGNING_KEY or base64.b64encode(DEMO_SECRET_KEY[:32].encode()).decode()
ALLOWED_HOSTS = ["*"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = False
SECURE_SSL_REDIRECT = False
SECURE_HSTS_SECONDS = 0

EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"

# --- Sign-in: the demo's accounts sign in with the passwords that are shown, and with nothing else
SECOND_FACTOR_DUTIES = env.list("SECOND_FACTOR_DUTIES", default=[])
PASSWORD_MAX_AGE_DAYS = 0
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True
