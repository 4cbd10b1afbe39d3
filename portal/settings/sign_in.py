"""Settings of accounts: who signs in and how, passwords, second factors, the identity service, lockouts."""

from portal.settings.environment import env

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
FORM_TARGETS = ["/".join(OIDC_ISSUER.split("/")[:3]), *env.list("OIDC_ORIGINS", default=[])] if OIDC_ISSUER else []
"""A browser follows the form on the sign-in page to the provider only when the policy names it."""

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
