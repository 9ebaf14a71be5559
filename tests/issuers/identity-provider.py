"""A real identity provider (PyPI `canaille`, on Authlib) on a free port of 127.0.0.1; commands as in commands.py.

Clients and tokens are records of its own models, as `canaille create client` and `canaille create token` make them.
"""

import datetime
import secrets
import tempfile
import threading
from pathlib import Path

from commands import HOST, obey, serve

from canaille import create_app
from canaille.app import models
from canaille.backends import Backend

directory = tempfile.TemporaryDirectory(prefix="rescind-canaille-")
application = create_app(
    {
        "SECRET_KEY": secrets.token_urlsafe(32),
        "SERVER_NAME": HOST,
        "PREFERRED_URL_SCHEME": "http",
        "CANAILLE": {"DATABASE": "sql"},
        "CANAILLE_SQL": {"DATABASE_URI": f"sqlite:///{Path(directory.name, 'db')}"},
        "CANAILLE_OIDC": {},
    },
    init_backend=True,
)
user_name = "service-account-7"


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def in_application(command):
    """Runs a command as the server would run it while it answers a request."""

    def run(**parameters):
        with application.app_context(), Backend.instance.session():
            return command(**parameters)

    run.__name__ = command.__name__
    return run


@in_application
def client(id, secret, method="client_secret_basic"):
    """Registers a confidential client, which may be told of its own tokens."""
    made = models.Client(
        client_id=id,
        client_secret=secret,
        client_name=id,
        client_id_issued_at=now(),
        client_uri="https://app.test.invalid",
        grant_types=["authorization_code", "refresh_token", "client_credentials"],
        response_types=["code"],
        redirect_uris=["https://app.test.invalid/callback"],
        scope=["openid", "profile"],
        token_endpoint_auth_method=method,
    )
    Backend.instance.save(made)
    made.audience = [made]
    Backend.instance.save(made)


@in_application
def grant(id, audience=None):
    """What the token endpoint gives after a sign-in; with `audience`, the only client that is told of the token."""
    owner = Backend.instance.get(models.Client, client_id=id)
    told = Backend.instance.get(models.Client, client_id=audience or id)
    token = models.Token(
        token_id=secrets.token_urlsafe(24),
        access_token=secrets.token_urlsafe(32),
        refresh_token=secrets.token_urlsafe(32),
        client=owner,
        subject=Backend.instance.get(models.User, user_name=user_name),
        type="Bearer",
        scope=["openid", "profile"],
        issue_date=now(),
        lifetime=3600,
        audience=[told],
    )
    Backend.instance.save(token)
    return {"access_token": token.access_token, "refresh_token": token.refresh_token}


@in_application
def alive(token):
    """Whether the server itself would still honour a token: its own records, no endpoint in between."""
    find = Backend.instance.get
    found = find(models.Token, access_token=token) or find(models.Token, refresh_token=token)
    return {"alive": bool(found) and not found.revoked and not found.is_expired()}


@in_application
def user():
    Backend.instance.save(
        models.User(
            formatted_name="Service", family_name="Account", user_name=user_name, emails=["service@test.invalid"]
        )
    )


user()
serve(application)
obey({"issuer": f"http://{HOST}"}, client, grant, alive)
