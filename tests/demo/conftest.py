"""A Chromium to draw in, where there is one, and the command that serves the page."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from typing import NamedTuple

import pytest

_ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="session")
def chromium():
    """A browser; the tests are skipped where it or its driver is absent."""
    driver = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no chromium on the path")
    with driver.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(_ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium):
    """A function that opens a page; whatever its scripts complain about fails the test."""
    complaints, contexts = [], []

    def opened(url, **options):
        contexts.append(chromium.new_context(**options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.extend(noted(message.text)))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: loads_from_here(request.url, url, complaints))
        page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def noted(text):
    """List a message of the console, but for that about a request that was to be refused."""
    return (
        []
        if text.startswith("Failed to load resource: the server responded with a status of 400")
        else [text]
    )


def loads_from_here(address, url, complaints):
    """Note what a page loads from elsewhere."""
    if not address.startswith((url.rpartition("/")[0], "data:")):
        complaints.append(address)


class Demo(NamedTuple):
    """A page that is served, and by which process."""

    url: str
    process: subprocess.Popen


@pytest.fixture(scope="session")
def demo():
    """A page that the command serves with a network that it has trained itself."""
    command = [sys.executable, "-m", "tinygrad_cnn", "demo", "--no-browser", "--json"]
    begin = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as process:
        url = json.loads(process.stdout.readline())["url"]
        print(f"the page was there after {time.monotonic() - begin:.1f} s")
        yield Demo(url, process)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
