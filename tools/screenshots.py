"""Take pictures of the built book, to look at its pages with your own eyes.

    python tools/screenshots.py        every page, wide and narrow, light and dark, into _build/screenshots
    python tools/screenshots.py book/welcome --width 390 --theme dark --open
"""

from __future__ import annotations

import argparse
import functools
import http.server
import shutil
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import yaml
from console import finish

ROOT = Path(__file__).resolve().parent.parent
BROWSERS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

STILL = "*, *::before, *::after { transition: none !important; animation: none !important; }"


def find_browser() -> str | None:
    """The system's Chromium or Chrome; nothing is ever downloaded."""
    return next((path for path in map(shutil.which, BROWSERS) if path), None)


def toc_pages(toc: Path = ROOT / "_toc.yml") -> list[str]:
    """The pages of the book in reading order, without suffix."""
    pages: list[str] = []

    def collect(entry):
        if isinstance(entry, list):
            for item in entry:
                collect(item)
        elif isinstance(entry, dict):
            if "root" in entry:
                pages.append(entry["root"])
            if "file" in entry:
                pages.append(entry["file"])
            for key in ("parts", "chapters", "sections"):
                collect(entry.get(key))

    collect(yaml.safe_load(toc.read_text(encoding="utf-8")))
    return pages


@contextmanager
def serve(directory: Path):
    """Serve a directory on 127.0.0.1 at a free port; yields its address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(directory))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pages", nargs="*", help="pages as _toc.yml names them (default: all)")
    parser.add_argument("--html", type=Path, default=ROOT / "_build" / "html", help="the built book")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "_build" / "screenshots", help="where the pictures go"
    )
    parser.add_argument(
        "--width", type=int, action="append", help="in pixels, repeatable (default: 1440 and 390)"
    )
    parser.add_argument(
        "--theme", choices=["light", "dark"], action="append", help="repeatable (default: both)"
    )
    parser.add_argument("--open", action="store_true", help="open every dropdown first")
    parser.add_argument("--screen", action="store_true", help="one screen rather than the full page")
    args = parser.parse_args()

    browser = find_browser()
    if not browser:
        print("error: no Chromium or Chrome on the PATH", file=sys.stderr)
        return 2
    if not args.html.is_dir():
        print(f"error: there is no built book at {args.html}; run `make book` first", file=sys.stderr)
        return 2
    from playwright.sync_api import sync_playwright

    args.out.mkdir(parents=True, exist_ok=True)
    with serve(args.html) as address, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=FLAGS)
        for theme in args.theme or ["light", "dark"]:
            for width in args.width or [1440, 390]:
                # A sidebar that is sliding out or a colour that is fading would be caught half-way.
                context = chromium.new_context(
                    viewport={"width": width, "height": 900}, color_scheme=theme, reduced_motion="reduce"
                )
                context.route(
                    "**/*",
                    lambda route: route.continue_() if "127.0.0.1" in route.request.url else route.abort(),
                )
                page = context.new_page()
                for name in args.pages or toc_pages():
                    page.goto(f"{address}/{name}.html", wait_until="load")
                    page.add_style_tag(content=STILL)
                    page.evaluate("t => { document.documentElement.dataset.theme = t }", theme)
                    if args.open:
                        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
                    page.wait_for_timeout(500)
                    target = args.out / f"{name.replace('/', '-')}-{width}-{theme}.png"
                    page.screenshot(path=str(target), full_page=not args.screen)
                    print(target)
                context.close()
        chromium.close()
    return 0


if __name__ == "__main__":
    finish(main)
