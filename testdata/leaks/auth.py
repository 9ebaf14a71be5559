import requests

CLIENT_ID = "shop"
CLIENT_SECRET = "<<base62:40>>"
TOKEN_URL = "https://login.acme-corp.io/oauth2/token"


def token():
    return requests.post(TOKEN_URL, auth=(CLIENT_ID, CLIENT_SECRET), data={"grant_type": "client_credentials"})
