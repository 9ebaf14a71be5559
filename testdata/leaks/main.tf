provider "auth0" {
  domain        = "acme.eu.auth0.com"
  client_id     = "<<base62:32>>"
  client_secret = "<<base64url:64>>"
}
