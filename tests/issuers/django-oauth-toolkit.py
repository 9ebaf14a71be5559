"""A real authorization server (PyPI `django-oauth-toolkit`) on a free port of 127.0.0.1; commands as in commands.py.

Tokens are rows of its own models: the same ones that its endpoints make after a sign-in, without a browser to drive.
"""

import secrets
import tempfile
from datetime import timedelta
from pathlib import Path

import django
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import include, path
from django.utils import timezone

from commands import HOST, obey, serve

directory = tempfile.TemporaryDirectory(prefix="rescind-dot-")
key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)
APPLICATIONS = ["contenttypes", "auth", "oauth2_provider"]
settings.configure(
    SECRET_KEY=secrets.token_urlsafe(32),
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "oauth2_provider"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": Path(directory.name, "db"),
            "OPTIONS": {"timeout": 20},
        }
    },
    # Made for tests: each question would take a third of a second otherwise.
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    # The tables as the models are now, without their history.
    MIGRATION_MODULES={application: None for application in APPLICATIONS},
    USE_TZ=True,
    OAUTH2_PROVIDER={
        "OIDC_ENABLED": True,
        "OIDC_RSA_PRIVATE_KEY": key.decode(),
        "SCOPES": {"openid": "", "read": "", "introspection": ""},
    },
)
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from oauth2_provider.models import AccessToken, Application, RefreshToken  # noqa: E402
from oauth2_provider.urls import metadata_urlpatterns  # noqa: E402

urlpatterns = [
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    # At the root, too, as its documentation says.
    path("", include((metadata_urlpatterns, "metadata"))),
]
call_command("migrate", run_syncdb=True, verbosity=0)
user = User.objects.create(username="service-account-7")


def client(id, secret):
    """Registers a confidential client."""
    Application.objects.create(
        client_id=id,
        client_secret=secret,
        user=user,
        name=id,
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE,
        redirect_uris="https://app.test.invalid/callback",
        algorithm=Application.RS256_ALGORITHM,
    )


def grant(id):
    """What the token endpoint gives after a sign-in."""
    application = Application.objects.get(client_id=id)
    access = AccessToken.objects.create(
        user=user,
        application=application,
        token=secrets.token_urlsafe(32),
        expires=timezone.now() + timedelta(hours=1),
        scope="openid read",
    )
    refresh = RefreshToken.objects.create(
        user=user, application=application, token=secrets.token_urlsafe(32), access_token=access
    )
    return {"access_token": access.token, "refresh_token": refresh.token}


def alive(token):
    """Whether the server itself would still honour a token: its own rows, no endpoint in between."""
    access = AccessToken.objects.filter(token=token).first()
    refresh = RefreshToken.objects.filter(token=token, revoked__isnull=True).exists()
    return {"alive": refresh or (access is not None and access.is_valid())}


def living(id):
    """How many refresh tokens of a client the server would still honour, and how many access tokens."""
    mine = {"application__client_id": id}
    access = [token for token in AccessToken.objects.filter(**mine) if token.is_valid()]
    return {"refresh": RefreshToken.objects.filter(revoked__isnull=True, **mine).count(), "access": len(access)}


serve(get_wsgi_application())
obey({"issuer": f"http://{HOST}/o"}, client, grant, alive, living)
