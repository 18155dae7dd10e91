"""The diagram as a page for a browser: one file, no network, light and dark."""

from __future__ import annotations

import base64
import hashlib

from .drawing import Picture, asset, picture
from .erd import Diagram
from .text import counted, html


def page(drawn: Diagram, mark: str, shapes: Picture | None = None) -> str:
    """The page as HTML. mark: a comment that says which state of the schema it shows. shapes: as drawing.svg.

    The page may load nothing at all: its policy allows its own style and its own script, by hash, and no address.
    """
    style, script = asset("erd.css") + asset("page.css"), asset("erd.js")
    body, width, height = shapes or picture(drawn)
    policy = f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:"
    told = f"{counted(len(drawn.entities), 'table')}, {counted(len(drawn.links), 'foreign key')}"
    return f"""<!doctype html>
{mark}
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{html(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Database schema</title>
<style>{style}</style>
</head>
<body>
<header>
<h1>Database schema</h1><span class="quiet">{told}</span>
<input type="search" placeholder="Find a table" aria-label="Find a table">
<span><button id="out" title="Smaller">&minus;</button> <button id="in" title="Larger">+</button>
<button id="fit">Whole</button></span>
<span class="legend"><span><b class="PK">PK</b>primary key</span><span><b class="FK">FK</b>foreign key</span>
<span><b class="UK">UK</b>unique</span><span>grey name: may be null</span></span>
</header>
<main>
<svg class="erd" viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="Entity relationship diagram">
<rect class="page" width="100%" height="100%"/>
{body}</svg>
</main>
<script>{script}</script>
</body>
</html>
"""


def _hash(text: str) -> str:
    """A source for a content security policy: the SHA-256 of an inline element's text. Source: W3C CSP level 3."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
