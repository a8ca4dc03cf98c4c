"""Files come whole or not at all, from servers that cut, stall, lie or are gone."""

import gzip
import hashlib
import http.server
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from idx_files import idx_bytes

from tinygrad_cnn.data import families, fetch, fetching, read

SERVED = {}  # what the server does for each file: a function of its handler, and the content


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Range")))
        behave, content = SERVED.get(self.path.rpartition("/")[2], (missing, b""))
        behave(self, content)

    def log_message(self, *args):
        pass

    def begin(self, status, length, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


def whole(handler, content):
    start = int((handler.headers.get("Range") or "bytes=0-")[6:-1])
    if start >= len(content) > 0:
        return handler.begin(416, 0)
    handler.begin(206 if start else 200, len(content) - start)
    return handler.wfile.write(content[start:])


def without_ranges(handler, content):
    handler.begin(200, len(content))
    handler.wfile.write(content)


def cut(handler, content):
    """Send a third of what is left, at least a little, and close."""
    start = int((handler.headers.get("Range") or "bytes=0-")[6:-1])
    handler.begin(206 if start else 200, len(content) - start)
    handler.wfile.write(content[start : start + max(50, (len(content) - start) // 2)])


def stalled(handler, content):
    handler.begin(200, len(content))
    handler.wfile.write(content[:10])
    handler.wfile.flush()
    time.sleep(1)


def slow(handler, content):
    handler.begin(200, len(content))
    for i in range(0, len(content), 1 + len(content) // 5):
        handler.wfile.write(content[i : i + 1 + len(content) // 5])
        handler.wfile.flush()
        time.sleep(0.02)


def wrong(handler, content):
    without_ranges(handler, b"<html>log in</html>")


def missing(handler, content):
    handler.begin(404, 0)


@pytest.fixture(scope="module")
def server():
    found = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.asked = []
    thread = threading.Thread(target=found.serve_forever)
    thread.start()
    yield found
    found.shutdown()
    found.server_close()
    thread.join()


@pytest.fixture
def tiny(server, tmp_path, monkeypatch):
    """MNIST with a handful of images, served by a server of our own under two addresses."""
    contents = {}
    for part, n in (("train", 6), ("t10k", 3)):
        contents[f"{part}-images-idx3-ubyte.gz"] = np.full((n, 28, 28), n, np.uint8)
        contents[f"{part}-labels-idx1-ubyte.gz"] = np.arange(n, dtype=np.uint8)
    contents = {name: gzip.compress(idx_bytes(array), mtime=0) for name, array in contents.items()}
    SERVED.clear()
    SERVED.update({name: (whole, content) for name, content in contents.items()})
    server.asked.clear()
    base = f"http://127.0.0.1:{server.server_address[1]}"
    family = families.FAMILIES["mnist"]._replace(
        files={name: hashlib.sha256(content).hexdigest() for name, content in contents.items()},
        mirrors=(f"{base}/first/", f"{base}/second/"),
    )
    monkeypatch.setitem(families.FAMILIES, "mnist", family)
    monkeypatch.setenv("TINYGRAD_CNN_CACHE", str(tmp_path / "a cache"))
    monkeypatch.setattr(fetching, "TIMEOUT", 0.2)
    return server


FIRST = "train-images-idx3-ubyte.gz"


def serve(behave, name=FIRST):
    SERVED[name] = (behave, SERVED[name][1])


def complaint():
    with pytest.raises(OSError, match=f"cannot fetch {FIRST}") as caught:
        fetch("mnist")
    message = str(caught.value)
    assert "\n" not in message
    assert "Put the file into" in message
    return message


def test_what_is_missing_is_fetched_once_and_then_read_from_the_cache(tiny, tmp_path):
    train, test, classes = read("mnist")
    assert (train.labels.tolist(), len(test.labels), classes[7]) == ([0, 1, 2, 3, 4, 5], 3, "7")
    assert len(tiny.asked) == 4
    read("mnist")
    assert fetch("mnist") == tmp_path / "a cache" / "mnist"
    assert len(tiny.asked) == 4
    (tmp_path / "a cache/mnist" / FIRST).unlink()
    fetch("mnist")
    assert tiny.asked[4:] == [(f"/first/{FIRST}", None)]
    assert sorted(path.name for path in (tmp_path / "a cache/mnist").iterdir()) == sorted(SERVED)


@pytest.mark.parametrize("behave", [without_ranges, slow, cut])
def test_servers_that_are_slow_or_cut_or_know_no_ranges_are_enough(behave, tiny):
    serve(behave)
    shown = []

    class Progress:
        def __init__(self, size, label):
            shown.append([size, label, 0])

        def __enter__(self):
            return self.advance

        def __exit__(self, *error):
            pass

        def advance(self, count):
            shown[-1][2] += count

    fetch("mnist", progress=Progress)
    content = SERVED[FIRST][1]
    assert Path(fetch("mnist"), FIRST).read_bytes() == content
    of_first = [part for part in shown if part[1] == "train-images-idx3-ubyte"]
    assert sum(part[2] for part in of_first) == of_first[0][0] == len(content)
    ranges = [range_ for path, range_ in tiny.asked if path == f"/first/{FIRST}"]
    assert ranges[0] is None
    assert all(range_.startswith("bytes=") for range_ in ranges[1:])
    assert (len(ranges) > 1) == (behave is cut)


def test_a_file_that_was_cut_is_taken_up_by_a_later_call(tiny):
    content = SERVED[FIRST][1]
    serve(stalled)
    complaint()
    serve(whole)
    tiny.asked.clear()
    assert Path(fetch("mnist"), FIRST).read_bytes() == content
    assert tiny.asked[0] == (f"/first/{FIRST}", "bytes=10-")


def test_a_part_that_is_damaged_or_too_long_is_fetched_anew(tiny, tmp_path):
    content = SERVED[FIRST][1]
    part = tmp_path / "a cache/mnist" / f"{FIRST}.{hashlib.sha256(content).hexdigest()[:8]}.part"
    for kept in (b"garbage", content + b"more", content[:-3] + b"xyz"):
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(kept)
        assert Path(fetch("mnist"), FIRST).read_bytes() == content
        assert not part.exists()
        Path(fetch("mnist"), FIRST).unlink()


def test_a_second_mirror_helps_and_a_wrong_file_is_never_kept(tiny, tmp_path):
    content = SERVED[FIRST][1]

    def by_mirror(handler, content):
        (wrong if handler.path.startswith("/first/") else whole)(handler, content)

    serve(by_mirror)
    assert Path(fetch("mnist"), FIRST).read_bytes() == content
    Path(fetch("mnist"), FIRST).unlink()
    serve(wrong)
    assert "gives another file, whose SHA-256 is wrong" in complaint()
    assert not list((tmp_path / "a cache/mnist").glob(f"{FIRST}*"))


def test_no_server_is_a_clear_word(tiny, monkeypatch):
    serve(missing)
    assert "Not Found" in complaint()
    family = families.FAMILIES["mnist"]
    monkeypatch.setitem(families.FAMILIES, "mnist", family._replace(mirrors=("http://127.0.0.1:9/",)))
    assert "refused" in complaint()
    serve(stalled)
    monkeypatch.setitem(families.FAMILIES, "mnist", family)
    assert "timed out" in complaint()


def test_only_known_names_are_fetched():
    with pytest.raises(ValueError, match=r"fetch: name: expected 'mnist' or .*, got 'imagenet'"):
        fetch("imagenet")
