"""AWS's IAM and STS (PyPI `moto`) on a free port of 127.0.0.1; commands as in commands.py.

The first three actions, which make an administrator, need no signature; from then on every request is checked, as at AWS.
"""

import json
import os

os.environ.update(
    INITIAL_NO_AUTH_ACTION_COUNT="3",
    # Nothing of whoever runs this is read.
    AWS_CONFIG_FILE=os.devnull,
    AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    AWS_EC2_METADATA_DISABLED="true",
)

import boto3  # noqa: E402
from moto.moto_server.werkzeug_app import (  # noqa: E402
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)

from commands import HOST, obey, serve  # noqa: E402

URL = f"http://{HOST}"


def iam(id, secret):
    return boto3.client(
        "iam", endpoint_url=URL, region_name="us-east-1", aws_access_key_id=id, aws_secret_access_key=secret
    )


def made_by(maker, name, policy):
    maker.create_user(UserName=name)
    key = maker.create_access_key(UserName=name)["AccessKey"]
    maker.put_user_policy(UserName=name, PolicyName="of-the-test", PolicyDocument=json.dumps(policy))
    return key


serve(DomainDispatcherApplication(create_backend_app), request_handler=MotoRequestHandler)
everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
key = made_by(iam("nobody", "nobody"), "administrator", everything)
administrator = iam(key["AccessKeyId"], key["SecretAccessKey"])


def user(name, policy):
    """Makes a user who may do what the policy says, and an access key."""
    key = made_by(administrator, name, policy)
    return {"id": key["AccessKeyId"], "secret": key["SecretAccessKey"]}


def key_status(user, id):
    """`Active`, `Inactive`, or nothing for a key that is gone, as the administrator is told."""
    keys = administrator.list_access_keys(UserName=user)["AccessKeyMetadata"]
    return {"status": next((key["Status"] for key in keys if key["AccessKeyId"] == id), None)}


obey({"url": URL}, user, key_status)
