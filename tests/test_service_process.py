"""The service as a process: started by the command, killed without warning, asked for a port that is taken."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from crm_rl.cli import main
from crm_rl.files import PROJECT
from crm_rl.serving.decisions import read_decisions

MOVE = json.dumps({"state": [2, 4, 3, 1, 0, 0, 0], "action": 2})


def ask(port: int) -> str:
    """The id of one decision."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", "/get-next-action", MOVE, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    assert answer.status == 200
    return answer.getheader("X-Decision")


def test_a_killed_service_loses_no_acknowledged_decision_and_needs_no_torch(tmp_path):
    url = f"sqlite:///{tmp_path}/decisions.db"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "crm_rl", "serve", "--port", str(port), "--decisions", url]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert f":{port}" in server.stdout.readline(), "it says where it answers"
            acknowledged, stop = [], threading.Event()

            def keep_asking() -> None:
                while not stop.is_set():
                    try:
                        acknowledged.append(ask(port))
                    except OSError:
                        if acknowledged:  # it has been killed
                            return
                        time.sleep(0.05)  # not yet up

            clients = [threading.Thread(target=keep_asking) for _ in range(4)]
            for client in clients:
                client.start()
            while len(acknowledged) < 200:
                assert server.poll() is None and any(client.is_alive() for client in clients)
                time.sleep(0.01)
            maps = Path(f"/proc/{server.pid}/maps")
            loaded = maps.read_text() if maps.exists() else ""
        finally:
            server.send_signal(signal.SIGKILL) if os.name == "posix" else server.kill()
            stop.set()
        for client in clients:
            client.join()
    assert set(acknowledged) <= set(read_decisions(url).id)
    assert "torch" not in loaded, "answers come from NumPy weights"


def test_a_port_that_is_taken_is_an_error_of_the_command_line(tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["serve", "--port", str(taken.getsockname()[1]), "--decisions", f"sqlite:///{tmp_path}/d.db"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("Reading the network"), "it says at once what takes its time"
    assert "Address already in use" in error and "Traceback" not in error


@pytest.mark.parametrize("wrong", [["--explore", "1.5"], ["--port", "70000"], ["--workers", "0"]])
def test_settings_that_make_no_sense_are_refused(wrong, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["serve", *wrong])
    assert stop.value.code == 2 and wrong[0] in capsys.readouterr().err


def test_a_network_of_another_kind_is_refused_with_the_remedy(tmp_path, capsys):
    table = PROJECT / "data" / "results" / "policies" / "funnel_twin-described-q_learning.npz"
    arguments = ["--decisions", f"sqlite:///{tmp_path}/d.db", "--policy", str(table)]
    assert main(["serve", "--port", "8799", *arguments]) == 1
    error = capsys.readouterr().err
    assert table.name in error and "train dqn" in error and "Traceback" not in error
