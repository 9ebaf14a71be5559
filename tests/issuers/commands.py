"""How the tests talk to the servers in Python: as they do to those in JavaScript, see commands.js."""

import json
import logging
import os
import socket
import sys
import threading

from werkzeug.serving import make_server

# Standard output belongs to the answers.
_answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)
logging.disable(logging.WARNING)

_requests = []
_socket = socket.socket()
_socket.bind(("127.0.0.1", 0))

#: Where the server will listen.
HOST = "127.0.0.1:%d" % _socket.getsockname()[1]


def _recorded(application):
    def answer(environ, start_response):
        entry = {"method": environ["REQUEST_METHOD"], "path": environ["PATH_INFO"], "status": 0}
        _requests.append(entry)

        def start(status, *more):
            entry["status"] = int(status.split(" ")[0])
            return start_response(status, *more)

        return application(environ, start)

    return answer


def serve(application, **how):
    """Answers at HOST from now on."""
    _socket.listen()
    server = make_server("127.0.0.1", 0, _recorded(application), threaded=True, fd=_socket.fileno(), **how)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def requests(forget=False):
    """What has been asked so far; with `forget`, the list starts anew."""
    told = list(_requests)
    if forget:
        _requests.clear()
    return {"requests": told}


def obey(ready, *commands):
    """Says `ready`, then does what it is told to until there is no more."""
    known = {command.__name__: command for command in (requests, *commands)}

    def say(answer):
        print(json.dumps(answer), file=_answers)

    say(ready)
    for line in sys.stdin:
        try:
            parameters = json.loads(line)
            say(known[parameters.pop("do")](**parameters) or {})
        except Exception as error:
            say({"error": f"{type(error).__name__}: {error}"})
