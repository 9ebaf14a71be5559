import os
from typing import Optional

CLIENT_SECRET = os.environ["CLIENT_SECRET"]
client_secret = config.get("oauth", "client_secret")
refresh_token: Optional[str] = None
access_token = response.json()["access_token"]
password = getpass.getpass("Password: ")
headers = {"Authorization": f"Bearer {access_token}"}


def rotate(client_secret: str, refresh_token: str) -> None:
    assert client_secret != refresh_token, "client_secret and refresh_token must differ"
