"""Settings of every installation; each is read from the environment where an operator may want another value."""

from pathlib import Path

import django_stubs_ext
import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from portal.database import django_database

django_stubs_ext.monkeypatch()  # ListView[Dataset] and the like, at run time too

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent.parent

DEMO = False
"""Whether demo people exist and ``manage.py demo`` may load them; only ``settings.demo`` turns it on."""

DEMO_SECRET_KEY = "demo-only-secret-that-production-refuses-to-start-with"  # noqa: S105

VAR_DIR = Path(env("VAR_DIR", default=str(BASE_DIR / "var")))
"""Everything the portal writes on the local disk: embedded database, tables, uploads, collected static files."""

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
SESSION_SAVE_EVERY_REQUEST = True
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
_FORM_ACTION = ["'self'"]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": _FORM_ACTION,
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

# --- People ---------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "portal.User"
ANONYMOUS_USER_NAME = None
GUARDIAN_MONKEY_PATCH_USER = False

# --- Sign-in --------------------------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
    "guardian.backends.ObjectPermissionBackend",
]
LOGIN_URL = "accounts:sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = ACCOUNT_LOGOUT_REDIRECT_URL = "open:home"
ACCOUNT_ADAPTER = "portal.accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_NOTIFICATIONS = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_FORMS = {"login": "portal.accounts.forms.SignInForm"}
ACCOUNT_RATE_LIMITS = {
    "login": env("SIGN_IN_RATE", default="300/m/ip"),
    "login_failed": "20/5m/key",
    "reauthenticate": "10/m/user",
}
"""Sign-ins of one address (an office may stand behind it), wrong codes of one person, passwords asked again."""
SESSION_MAX_SECONDS = env.int("SESSION_MAX_SECONDS", default=8 * 3600)
"""A session ends so long after the sign-in, however busy it is."""

PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
PASSWORD_MIN_LENGTH = env.int("PASSWORD_MIN_LENGTH", default=10)
PASSWORD_CLASSES = env.int("PASSWORD_CLASSES", default=3)
"""Of small letters, capital letters, digits and other characters, how many a password must have."""
PASSWORD_HISTORY = env.int("PASSWORD_HISTORY", default=5)
"""How many former passwords cannot be chosen again."""
PASSWORD_MAX_AGE_DAYS = env.int("PASSWORD_MAX_AGE_DAYS", default=90)
"""After so many days a password must be changed; 0 for never."""
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": PASSWORD_MIN_LENGTH},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "portal.accounts.passwords.CharacterClassesValidator"},
    {"NAME": "portal.accounts.passwords.HistoryValidator"},
]

SECOND_FACTOR_DUTIES = env.list(
    "SECOND_FACTOR_DUTIES",
    default=["system", "security", "audit", "authority_head", "provider_approver", "security_officer"],
)
"""Administrators and duties that need a second factor; without one they get no further than setting it up."""
MFA_ADAPTER = "portal.accounts.adapters.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_FORMS = {
    "authenticate": "portal.accounts.forms.SecondFactorForm",
    "reauthenticate": "portal.accounts.forms.SecondFactorAgainForm",
}
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = env("TOTP_ISSUER", default="数桥 Shuqiao")
"""The name under which an authenticator app lists the account."""
MFA_TOTP_TOLERANCE = 1
"""Codes of the half minute before and after are taken, too: clocks differ. None is taken twice."""

OIDC_ISSUER = env("OIDC_ISSUER", default="")
"""The OpenID Connect provider of the government's own identity service; empty for none."""
OIDC_NAME = env("OIDC_NAME", default="OpenID Connect")
OIDC_CLAIM = env("OIDC_CLAIM", default="preferred_username")
"""The claim that names the account."""
OIDC_CREATE = env.bool("OIDC_CREATE", default=False)
"""Whether somebody the provider knows and the portal does not gets an account, without any duty."""
SOCIALACCOUNT_ADAPTER = "portal.accounts.adapters.IdentityAdapter"
SOCIALACCOUNT_AUTO_SIGNUP = True
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "APPS": [
            {
                "provider_id": "oidc",
                "name": OIDC_NAME,
                "client_id": env("OIDC_CLIENT_ID", default=""),
                "secret": env("OIDC_CLIENT_SECRET", default=""),
                "settings": {"server_url": OIDC_ISSUER, "oauth_pkce_enabled": True},
            }
        ]
        if OIDC_ISSUER
        else []
    }
}
if OIDC_ISSUER:
    # A browser follows the form on the sign-in page to the provider only when the policy names it.
    _FORM_ACTION += ["/".join(OIDC_ISSUER.split("/")[:3]), *env.list("OIDC_ORIGINS", default=[])]

AXES_HANDLER = "portal.accounts.lockouts.Handler"
AXES_FAILURE_LIMIT = env.int("SIGN_IN_FAILURES", default=5)
"""Failed sign-ins of one name from one address before it is locked out there (GB/T 22239)."""
SIGN_IN_FAILURES_OF_NAME = env.int("SIGN_IN_FAILURES_OF_NAME", default=30)
"""Failed sign-ins of one name from all addresses together before it is locked out everywhere."""
AXES_COOLOFF_TIME = env.float("SIGN_IN_LOCKOUT_HOURS", default=0.25)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_CALLABLE = "portal.accounts.lockouts.name_of"
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_DISABLE_ACCESS_LOG = True
AXES_LOCKOUT_TEMPLATE = "portal/locked_out.html"
AXES_VERBOSE = False

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

# --- Three lists ----------------------------------------------------------------------------------------------------
DEMAND_ASSIGN_DAYS = env.int("DEMAND_ASSIGN_DAYS", default=5)
"""Working days in which the authority names the holder of data that are asked for (practice of the provinces)."""
DEMAND_ANSWER_DAYS = env.int("DEMAND_ANSWER_DAYS", default=10)
"""Working days in which the holder answers a demand, or a question why a record is not shared (practice)."""
DEMAND_CONFIRM_DAYS = env.int("DEMAND_CONFIRM_DAYS", default=10)
"""Working days that the asker has to object, after which a demand whose data are in the catalogue is fulfilled."""
DEMAND_EMAIL_KEEP_DAYS = env.int("DEMAND_EMAIL_KEEP_DAYS", default=30)
"""Days after the end of a citizen's demand after which their e-mail address is deleted."""
OPEN_APPLICATIONS_AN_HOUR = env.int("OPEN_APPLICATIONS_AN_HOUR", default=5)
"""Applications for conditionally open data that one address may send within an hour."""
OPEN_CONTACT_KEEP_DAYS = env.int("OPEN_CONTACT_KEEP_DAYS", default=30)
"""Days after the end of an application from outside, and of its last grant, after which its contact is deleted."""
DEMANDS_AN_HOUR = env.int("DEMANDS_AN_HOUR", default=5)
"""Demands that one address may send to the public section within an hour."""
CORRECTION_ANSWER_DAYS = env.int("CORRECTION_ANSWER_DAYS", default=10)
"""Working days in which the holder answers a report of an error; one extension adds as many (R809)."""
CORRECTION_CONFIRM_DAYS = env.int("CORRECTION_CONFIRM_DAYS", default=10)
"""Working days that the reporter has to object to the answer, after which the report is closed (practice)."""
CORRECTION_SETTLE_DAYS = env.int("CORRECTION_SETTLE_DAYS", default=15)
"""Working days in which the data authority settles an objection, as it does a dispute (R809)."""
CORRECTIONS_AN_HOUR = env.int("CORRECTIONS_AN_HOUR", default=5)
"""Reports of errors that one address may send to the public section within an hour."""
CORRECTION_EMAIL_KEEP_DAYS = env.int("CORRECTION_EMAIL_KEEP_DAYS", default=30)
"""Days after the end of a citizen's report after which their e-mail address is deleted."""
RESPONSIBILITY_WARN_DAYS = env.int("RESPONSIBILITY_WARN_DAYS", default=5)
"""Working days before a due day of the responsibility list on which the department is told."""
RESPONSIBILITY_IMPORT_ROWS = env.int("RESPONSIBILITY_IMPORT_ROWS", default=5_000)
"""The most lines that a workbook of responsibilities may have."""
NOT_SHARING_LONGEST_DAYS = env.int("NOT_SHARING_LONGEST_DAYS", default=730)
"""Days after a review of not sharing within which the next one must be set."""

# --- Grants: renewal and yearly review (practice; none of these is in the text of a regulation) ---------------------
GRANT_RENEW_WINDOW_DAYS = env.int("GRANT_RENEW_WINDOW_DAYS", default=60)
"""Days before its end from which a grant can be renewed in one step."""
GRANT_RENEW_LONGEST_DAYS = env.int("GRANT_RENEW_LONGEST_DAYS", default=365)
"""The longest term of a renewal; the first term of the grant limits it, too."""
GRANT_RENEW_DECIDE_DAYS = env.int("GRANT_RENEW_DECIDE_DAYS", default=5)
"""Working days in which the provider decides on the renewal of a conditionally shared dataset."""
GRANT_EXPIRY_NOTICE_DAYS = env.list("GRANT_EXPIRY_NOTICE_DAYS", cast=int, default=[60, 30, 7])
"""Days before the end of a grant on which its department is told."""
GRANT_REVIEW_AFTER_DAYS = env.int("GRANT_REVIEW_AFTER_DAYS", default=365)
"""Days since its issue or last confirmation after which the use of a grant is to be confirmed."""
GRANT_REVIEW_DAYS = env.int("GRANT_REVIEW_DAYS", default=30)
"""Days that the department has for it, after which the grant is suspended."""
GRANT_REVIEW_REMIND_DAYS = env.int("GRANT_REVIEW_REMIND_DAYS", default=15)
"""Days before that end on which it is reminded."""
GRANT_REVIEW_WARN_DAYS = env.int("GRANT_REVIEW_WARN_DAYS", default=7)
"""Days before the suspension on which it is warned; never suspended sooner after the warning."""

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
