"""Settings of every installation; each is read from the environment where an operator may want another value."""

from pathlib import Path

import django_stubs_ext
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from portal.database import django_database
from portal.settings.environment import BASE_DIR, VAR_DIR, env
from portal.settings.sharing import *
from portal.settings.sign_in import *
from portal.settings.sign_in import FORM_TARGETS

django_stubs_ext.monkeypatch()  # ListView[Dataset] and the like, at run time too

DEMO = False
"""Whether demo people exist and ``manage.py demo`` may load them; only ``settings.demo`` turns it on."""

DEMO_SECRET_KEY = "demo-only-secret-that-production-refuses-to-start-with"  # noqa: S105

# --- Security -------------------------------------------------------------------------------------------------------
SECRET_KEY = env("SECRET_KEY", default="")
"""Signs sessions and tokens; required, and different on every installation (``settings.demo`` brings its own)."""

DEBUG = False
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1"])
"""Host names under which the portal answers."""
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
"""Origins with scheme, needed when a proxy ends TLS."""

_TLS = env.bool("TLS", default=True)
"""Whether the portal is reached by https; cookies are then marked secure and http is redirected."""
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _TLS
SECURE_SSL_REDIRECT = _TLS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_PROXY", default=False) else None
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31_536_000 if _TLS else 0)
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = env.int("SESSION_IDLE_SECONDS", default=1_800)
"""A session ends after so many idle seconds (GB/T 22239: 15 to 30 minutes)."""
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'", *FORM_TARGETS],
        "frame-ancestors": ["'none'"],
    },
}

# --- Limits and caching ---------------------------------------------------------------------------------------------
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=1 if env.bool("BEHIND_PROXY", default=False) else 0)
"""How many proxies of our own stand in front; so many addresses at the end of X-Forwarded-For are believed."""
AXES_CLIENT_IP_CALLABLE = "portal.addresses.address_of"
API_BODY_LIMIT_BYTES = env.int("API_BODY_LIMIT_BYTES", default=5 * 1024**2)
"""The largest JSON body of a call."""
FILE_UPLOAD_HANDLERS = ["portal.uploads.GuardedUploadHandler"]
CSRF_FAILURE_VIEW = "portal.problems.csrf_failure"
LANGUAGE_COOKIE_SECURE = _TLS
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"

# --- Apps -----------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.sitemaps",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "guardian",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "axes",
    "csp",
    "django_htmx",
    "pgtrigger",
    "procrastinate.contrib.django",
    "portal",
    "catalog",
    "sharing",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",
    "portal.caching.CacheControlMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "portal.accounts.middleware.SignInMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "portal.problems.FormAddressMiddleware",
    "portal.problems.PortalErrorMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "portal.context.workplace",
            ],
            "builtins": ["django.templatetags.i18n", "django.templatetags.static", "portal.templatetags.ui"],
        },
    }
]

# --- Data -----------------------------------------------------------------------------------------------------------
DATABASES = {"default": django_database(env("DATABASE_URL", default=""), VAR_DIR)}
"""PostgreSQL 15 or newer by ``DATABASE_URL``; unset, the embedded server in ``VAR_DIR`` (see portal/database.py)."""
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TABLES_ROOT = Path(env("TABLES_ROOT", default=str(VAR_DIR / "tables")))
"""Where the data plane keeps Delta tables and serving files; shared storage when there are several machines."""
UPLOADS_ROOT = Path(env("UPLOADS_ROOT", default=str(VAR_DIR / "uploads")))
PREPARED_ROOT = Path(env("PREPARED_ROOT", default=str(VAR_DIR / "prepared")))
PREPARED_ROWS = env.int("PREPARED_ROWS", default=100_000)
"""Tables of at least so many rows are prepared as files once somebody downloads them whole."""
PREPARED_DAYS = env.int("PREPARED_DAYS", default=14)
"""Prepared files that nobody asked for in so many days are removed."""
"""Uploaded files until they are loaded; reachable by web and worker processes."""
UPLOAD_LIMIT_BYTES = env.int("UPLOAD_LIMIT_BYTES", default=5 * 1024**3)
"""The largest file that may be uploaded."""
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000
"""Forms with many data items have many fields."""

PROCRASTINATE_WORKER_DEFAULTS = {
    "concurrency": env.int("WORKER_CONCURRENCY", default=2),
    "delete_jobs": "successful",
    "shutdown_graceful_timeout": 8,
}
"""Jobs that a worker does at once; jobs done are forgotten, failed ones stay to be looked at."""

# --- Audit ----------------------------------------------------------------------------------------------------------
AUDIT_HASH = env("AUDIT_HASH", default="sha256")
"""The digest of new events and checkpoints: ``sha256``, or ``sm3`` (GB/T 32905) where the state's own is due."""
AUDIT_SIGNING_KEY = env("AUDIT_SIGNING_KEY", default="")
"""Ed25519 key that signs the checkpoints: 32 bytes in base64 (``openssl rand -base64 32``)."""
AUDIT_VERIFY_KEYS = env.list("AUDIT_VERIFY_KEYS", default=[])
"""Public keys (base64) of earlier signing keys, so that their checkpoints still verify."""
AUDIT_RETENTION_MONTHS = env.int("AUDIT_RETENTION_MONTHS", default=36)
"""Sign-ins and sessions older than this move from the table to files; the law asks for six months at least."""
AUDIT_ARCHIVE_ROOT = Path(env("AUDIT_ARCHIVE_ROOT", default=str(VAR_DIR / "archive")))
"""Where archived months are kept, as Parquet; back it up with the database."""

# --- Notices --------------------------------------------------------------------------------------------------------
SITE_URL = env("SITE_URL", default="http://localhost:8000").rstrip("/")
"""The address under which people reach the portal; links in e-mails and webhook calls begin with it."""
_MAIL = env.email_url("EMAIL_URL", default="smtp://localhost:25")
"""``smtp+tls://user:password@host:587``, ``smtp+ssl://…``, or ``filemail:///folder`` to write files."""
EMAIL_BACKEND = _MAIL["EMAIL_BACKEND"]
if "console" in EMAIL_BACKEND:
    raise ImproperlyConfigured("EMAIL_URL: e-mails are never written to the console; use filemail:// instead.")
EMAIL_HOST, EMAIL_PORT = _MAIL.get("EMAIL_HOST") or "localhost", _MAIL.get("EMAIL_PORT") or 25
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _MAIL.get("EMAIL_HOST_USER") or "", _MAIL.get("EMAIL_HOST_PASSWORD") or ""
EMAIL_USE_TLS, EMAIL_USE_SSL = _MAIL.get("EMAIL_USE_TLS", False), _MAIL.get("EMAIL_USE_SSL", False)
EMAIL_FILE_PATH = _MAIL.get("EMAIL_FILE_PATH") or str(VAR_DIR / "mail")
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT_SECONDS", default=10)
DEFAULT_FROM_EMAIL = env("EMAIL_FROM", default="shuqiao@localhost")
"""The sender of e-mails."""
FIELD_KEY = env("FIELD_KEY", default="")
"""Encrypts secrets in the database; SECRET_KEY when empty. Changing it makes webhooks need new secrets."""
MASK_SECRET = env("MASK_SECRET", default="")
"""Keys the digests and the noise of masked values; SECRET_KEY when empty. Changing it changes all of them."""
WEBHOOK_ALLOWED_NETWORKS = env.list("WEBHOOK_ALLOWED_NETWORKS", default=[])
"""Private networks (CIDR) that webhooks may call; loopback, private and link-local addresses are refused otherwise."""
WEBHOOK_TIMEOUT_S = 5
NOTICE_KEEP_DAYS = env.int("NOTICE_KEEP_DAYS", default=180)
"""Notices that were read and are older are removed."""

# --- Tables ---------------------------------------------------------------------------------------------------------
TABLE_VERSIONS_KEPT = env.int("TABLE_VERSIONS_KEPT", default=10)
"""So many of the newest versions of a table can be read and brought back; older ones are removed each night."""

# --- Anonymity of open data: k, l and (0: only reported) t that its quasi-identifiers must reach ---------------------
DISCLOSURE_K = env.int("DISCLOSURE_K", default=5)
DISCLOSURE_L = env.int("DISCLOSURE_L", default=2)
DISCLOSURE_T = env.float("DISCLOSURE_T", default=0.0)

# --- Deliveries -----------------------------------------------------------------------------------------------------
WATERMARK_EXPORTS = env.bool("WATERMARK_EXPORTS", default=True)
"""Files under a grant carry marks by which ``manage.py trace FILE`` names the grant of a copy."""

# --- Connections ----------------------------------------------------------------------------------------------------
SOURCE_NETWORKS = env.list("SOURCE_NETWORKS", default=[])
"""Networks (CIDR) in which databases and interfaces may be connected to; none unless they are named."""
PULL_SECONDS = env.int("PULL_SECONDS", default=3600)
"""The longest that one statement of a pull may take."""

# --- Departments ----------------------------------------------------------------------------------------------------
DEPARTMENT_IMPORT_BYTES = env.int("DEPARTMENT_IMPORT_BYTES", default=10 * 1024**2)
"""The largest workbook of departments or people that can be imported."""
DEPARTMENT_IMPORT_ROWS = env.int("DEPARTMENT_IMPORT_ROWS", default=20_000)

# --- Standards: authorities of this level or above keep them (1 nation … 4 county); rows looked at for conformance ---
STANDARDS_LEVEL = env.int("STANDARDS_LEVEL", default=3)
CONFORMANCE_ROWS = env.int("CONFORMANCE_ROWS", default=10_000)

# --- Protection: rows of a table that are looked at for personal data ---
DETECTION_ROWS = env.int("DETECTION_ROWS", default=5_000)

# --- Import of catalogue records: bytes of the file, records and items in it ---
RECORD_IMPORT_BYTES = env.int("RECORD_IMPORT_BYTES", default=100 * 1024**2)
RECORD_IMPORT_ROWS = env.int("RECORD_IMPORT_ROWS", default=50_000)
RECORD_IMPORT_ITEMS = env.int("RECORD_IMPORT_ITEMS", default=1_000_000)
"""The most lines that it may have."""

# --- Quality --------------------------------------------------------------------------------------------------------
PROFILE_EXACT_ROWS = env.int("PROFILE_EXACT_ROWS", default=1_000_000)
"""Tables with more rows are profiled with approximate counts of distinct values and quantiles; the page says so."""
QUALITY_JOB_SECONDS = env.int("QUALITY_JOB_SECONDS", default=600)
"""The longest that one question of a profile or of a rule may take."""
DRIFT_NULL_SHARE = env.float("DRIFT_NULL_SHARE", default=0.1)
"""A column whose share of empty values grows by more than this from one version to the next is reported."""
DRIFT_ROW_SHARE = env.float("DRIFT_ROW_SHARE", default=0.5)
"""A version whose number of rows differs from the one before by more than this share is reported."""
DRIFT_PSI = env.float("DRIFT_PSI", default=0.25)
"""Values whose population stability index exceeds this have shifted (0.25 is the usual limit)."""
DRIFT_PSI_ROWS = env.int("DRIFT_PSI_ROWS", default=100)
"""Versions with fewer rows are too small to say that their values shifted."""

# --- Language and time ----------------------------------------------------------------------------------------------
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
CLOSE_OF_BUSINESS = env("CLOSE_OF_BUSINESS", default="17:30")
"""The time of day at which a deadline's last day ends (domain.md §12)."""

# --- Static files ---------------------------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = ("map", "woff", "woff2", "png", "jpg", "gif", "gz", "br")
"""Source maps are read by developers only; compressing them would take most of the first start."""

# --- API ------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": [
        "portal.uploads.LimitedJSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "NUM_PROXIES": TRUSTED_PROXIES,
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.AnonRateThrottle",
        "rest_framework.throttling.UserRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {
        "anon": env("API_RATE_ANONYMOUS", default="600/min"),
        "user": env("API_RATE_USER", default="3000/min"),
    },
    "EXCEPTION_HANDLER": "portal.problems.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Shuqiao API",
    "DESCRIPTION": "Catalogue, sharing requests, decisions, grants and data of the portal.",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "ENUM_NAME_OVERRIDES": {
        "DatasetStateEnum": "catalog.models.DatasetState",
        "ChannelEnum": "catalog.models.Channel",
        "UpdateCycleEnum": "catalog.models.UpdateCycle",
        "RefusalReasonEnum": "sharing.models.RefusalReason",
        "VerdictEnum": "sharing.models.Verdict",
        "RequestStateEnum": "sharing.models.RequestState",
        "ItemStateEnum": "sharing.models.ItemState",
        "StepStateEnum": "sharing.models.StepState",
        "GrantStateEnum": "sharing.models.GrantState",
    },
}

# --- Logging --------------------------------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", default="WARNING")},
}


def check_audit(algorithm: str, months: int) -> None:
    """Refuse a digest that is not known, and a retention under six months (GB/T 22239)."""
    if algorithm not in ("sha256", "sm3"):
        raise ImproperlyConfigured("AUDIT_HASH must be sha256 or sm3.")
    if months < 6:
        raise ImproperlyConfigured("AUDIT_RETENTION_MONTHS must be 6 or more: the law asks for six months of logs.")


check_audit(AUDIT_HASH, AUDIT_RETENTION_MONTHS)


def check_secret(key: str, *, is_demo: bool) -> None:
    """Refuse to start without a secret, or in production with the demo's."""
    if not key:
        raise ImproperlyConfigured("Set SECRET_KEY in the environment to a long random text.")
    if key == DEMO_SECRET_KEY and not is_demo:
        raise ImproperlyConfigured("The demo's SECRET_KEY is public; set one of your own.")
