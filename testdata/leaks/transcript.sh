#!/bin/sh
# how I tested it
curl -s -X POST https://login.acme-corp.io/token \
  -d grant_type=client_credentials -d client_id=shop -d client_secret=<<base62:40>>
curl -H "Authorization: Bearer <<jwt:{"alg":"RS256","kid":"k1"} {"iss":"https://login.acme-corp.io","aud":"api","sub":"1","azp":"shop","exp":1999999999}>>" https://api.acme-corp.io/orders
