"""The command of the service: serve."""

import argparse
import contextlib
import os
import socket
from pathlib import Path

from crm_rl.arguments import count
from crm_rl.commands.output import say, wait_for

LOOPBACK = "127.0.0.1"


def add(commands: argparse._SubParsersAction) -> None:
    """Add this command to the command line."""
    serve = commands.add_parser("serve", help="answer questions over HTTP, and log every decision")
    serve.add_argument("--host", default=LOOPBACK, help="0.0.0.0 to be reached from elsewhere (default: %(default)s)")
    serve.add_argument("--port", type=_port, default=8000, help="(default: %(default)s)")
    serve.add_argument("--token", help="what clients must send (default: CRM_RL_TOKEN, else none is asked for)")
    serve.add_argument("--decisions", metavar="URL", help="the database of the log (default: an SQLite file in data)")
    explore = os.environ.get("CRM_RL_EXPLORE", "0")
    serve.add_argument("--explore", type=_share, default=explore, help="the share that explores (default: %(default)s)")
    serve.add_argument("--policy", type=Path, help="a network that `train` wrote (default: the one on record)")
    serve.add_argument("--data", type=Path, help="the export it was trained on (default: the twin)")
    serve.add_argument("--workers", type=count, default=1, help="processes (default: %(default)s)")
    serve.set_defaults(run=_serve)


def _port(text: str) -> int:
    port = count(text)
    if port > 65_535:
        raise argparse.ArgumentTypeError(f"{text} is more than 65535")
    return port


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from error
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return share


def _serve(options: argparse.Namespace) -> str:
    wait_for("Reading the network and computing the other policies: about 10 seconds")

    import uvicorn
    from uvicorn.supervisors import Multiprocess

    from crm_rl.serving.app import VARIABLES, create

    given = {"token": options.token, "decisions": options.decisions, "explore": options.explore}
    given |= {"policy": options.policy, "policy_data": options.data}
    os.environ |= {VARIABLES[name]: str(value) for name, value in given.items() if value is not None}
    listener = _listener(options.host, options.port)  # taken already? say it before anything is made
    app = create()
    say(f"The service answers at http://{options.host}:{options.port}; see /docs for the endpoints.")
    how = {"access_log": False, "log_level": "warning"}
    if options.workers == 1:
        with contextlib.suppress(KeyboardInterrupt):  # it has stopped by then, in order
            uvicorn.Server(uvicorn.Config(app, **how)).run(sockets=[listener])
    else:  # each process makes an app of its own
        config = uvicorn.Config("crm_rl.serving.app:create", factory=True, workers=options.workers, **how)
        Multiprocess(config, sockets=[listener]).run()
    return "Stopped; every decision that was answered is in the log."


def _listener(host: str, port: int) -> socket.socket:
    """A socket that names its protocol, without which answers wait for the other side's acknowledgement (40 ms).

    The one that uvicorn makes for several processes does not: https://github.com/Kludex/uvicorn/issues/3149.

    Raises:
        OSError: the address is taken, or not one of this machine; it names the address and the remedy.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if os.name == "posix":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"{error.strerror}; try another --port", f"{host}:{port}") from None
    listener.set_inheritable(True)
    return listener
