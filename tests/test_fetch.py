"""Fetching: the right file or nothing. The server is on this machine."""

import hashlib
import http.server
import socket
import threading

import pytest

from crm_rl.cli import main
from crm_rl.data import DataError
from crm_rl.data.fetch import fetch

CONTENT = b"an export, for all that the downloader knows"
RIGHT = hashlib.sha256(CONTENT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requested.append(self.path)
        if self.path != "/file.xlsx":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT) + self.server.missing))
        self.end_headers()
        self.wfile.write(CONTENT)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.requested, server.missing = [], 0
        server.home = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_the_right_file_is_kept(server, tmp_path):
    path = fetch(tmp_path / "raw" / "file.xlsx", f"{server.home}/file.xlsx", RIGHT, progress=False)
    assert path.read_bytes() == CONTENT
    assert [file.name for file in path.parent.iterdir()] == ["file.xlsx"]


def test_what_is_there_already_is_not_downloaded_again(server, tmp_path):
    (tmp_path / "file.xlsx").write_bytes(CONTENT)
    fetch(tmp_path / "file.xlsx", f"{server.home}/file.xlsx", RIGHT)
    assert server.requested == []


def test_another_file_is_not_kept(server, tmp_path):
    with pytest.raises(DataError, match=r"file\.xlsx: not the file this book describes .*Remedy"):
        fetch(tmp_path / "file.xlsx", f"{server.home}/file.xlsx", "0" * 64, progress=False)
    assert list(tmp_path.iterdir()) == []


def test_half_a_file_is_not_kept(server, tmp_path):
    server.missing = 100
    with pytest.raises(DataError, match="Remedy"):
        fetch(tmp_path / "file.xlsx", f"{server.home}/file.xlsx", RIGHT, progress=False)
    assert list(tmp_path.iterdir()) == []


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/file.xlsx", "{home}/gone.xlsx", "gopher://a/b", "nowhere"])
def test_what_cannot_be_had_is_said_and_leaves_nothing(server, tmp_path, url):
    url = url.format(port=closed_port(), home=server.home)
    with pytest.raises(DataError, match=r"cannot be downloaded .*Remedy: check the connection") as refusal:
        fetch(tmp_path / "file.xlsx", url, RIGHT, progress=False)
    assert str(refusal.value).startswith(url)
    assert list(tmp_path.iterdir()) == []


def test_a_closed_door_is_told_in_a_few_words(tmp_path):
    url = f"http://127.0.0.1:{closed_port()}/file.xlsx"
    with pytest.raises(DataError, match=r"cannot be downloaded \(Connection refused\)\. Remedy"):
        fetch(tmp_path / "file.xlsx", url, RIGHT, progress=False)


def test_folders_made_for_a_file_that_does_not_come_are_taken_away(server, tmp_path):
    (tmp_path / "old").mkdir()
    for url, sha256 in ((f"{server.home}/gone.xlsx", RIGHT), (f"{server.home}/file.xlsx", "0" * 64)):
        with pytest.raises(DataError):
            fetch(tmp_path / "old" / "new" / "newer" / "file.xlsx", url, sha256, progress=False)
        assert [path.name for path in tmp_path.rglob("*")] == ["old"]


def test_something_else_in_the_files_place_is_left_alone(server, tmp_path):
    (tmp_path / "file.xlsx").write_text("mine")
    (tmp_path / "folder").mkdir()
    for place in ("file.xlsx", "folder"):
        with pytest.raises(DataError, match=f"{place}: something else stands there. Remedy"):
            fetch(tmp_path / place, f"{server.home}/file.xlsx", RIGHT)
    assert (tmp_path / "file.xlsx").read_text() == "mine"
    assert server.requested == []


def test_the_command_says_what_went_wrong(server, tmp_path, capsys):
    assert main(["fetch", "--to", str(tmp_path / "file.xlsx"), "--url", f"{server.home}/gone.xlsx"]) == 1
    assert main(["fetch", "--to", str(tmp_path / "file.xlsx"), "--url", f"{server.home}/file.xlsx"]) == 1
    errors = capsys.readouterr().err
    assert "404" in errors
    assert "not the file this book describes" in errors
    assert list(tmp_path.iterdir()) == []


def test_the_original_here_is_the_one_that_would_be_fetched(original):
    assert fetch(original, "http://127.0.0.1:9/never-asked") == original
