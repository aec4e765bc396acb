"""Pages for tests in a browser: the book's style sheets and scripts without its theme, opened from disk."""

from collections.abc import Iterable
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
STATIC = ROOT / "book" / "_static"
SPHINX = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["sphinx"]["config"]


def write_html(folder: Path, title: str, scripts: Iterable[str], body: str, style: str = "") -> Path:
    """Write a page with this body, the scripts named (below `book/_static`), and a style of its own."""
    sheets = "".join(f'<link rel="stylesheet" href="{(STATIC / name).as_uri()}">' for name in SPHINX["html_css_files"])
    loaded = "".join(f'<script defer src="{(STATIC / name).as_uri()}"></script>' for name in scripts)
    path = folder / "page.html"
    path.write_text(
        '<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title>{sheets}<style>{style}</style>'
        f'{loaded}</head><body><main class="bd-article"><h1>{title}</h1>{body}</main></body></html>',
        encoding="utf-8",
    )
    return path
