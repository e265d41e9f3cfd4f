"""A dashboard for the browser. Arguments: URL, the port or 0, options as JSON.

Prints its port as soon as it listens.
"""

from __future__ import annotations

import json
import socket
import sys

import uvicorn

from jtc.dashboard import create_app

URL, PORT, OPTIONS = sys.argv[1:4]

app = create_app(URL, **json.loads(OPTIONS))
with socket.create_server(("127.0.0.1", int(PORT))) as listening:
    print(listening.getsockname()[1], flush=True)
    config = uvicorn.Config(app, log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[listening])
