"""The command ``demo``, which serves a page to draw on; its server is imported for it alone."""

from __future__ import annotations

import argparse
import webbrowser

from ..train import SavedModel
from .output import emit, say
from .sources import load_model


def run(args: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C, on which it ends with the status of an interrupt."""
    from ..demo import serve

    model = load_model(args, args.saved) if args.saved else _trained()

    def ready(url: str) -> None:
        emit({"url": url}) if args.json else say(f"{url} is the page; Ctrl-C stops it")
        if not args.no_browser:
            webbrowser.open(url)

    try:
        serve(model, args.port, ready=ready)
    except KeyboardInterrupt:
        if not args.json:
            say("stopped")
    except OSError as error:
        raise ValueError(f"--port: {args.port} cannot be served: {error.strerror}") from error
    return 130


def _trained() -> SavedModel:
    """Train a network, and say how far it is."""
    from ..demo.quick_model import quick_model

    say("no model given: training one on generated digits, for some seconds", "stderr")

    def told(epoch: int, epochs: int, accuracy: float) -> None:
        say(f"epoch {epoch} of {epochs}: {accuracy:.1%} of the digits read", "stderr")

    return quick_model(told)
