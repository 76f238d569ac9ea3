"""A widget as one self-contained page: the same module and state, no kernel, no network."""

import base64
import hashlib
import html
import json
from pathlib import Path

from toylab._files import replacing, user_path

_PAGE = """<!doctype html>
<html lang="en" data-toylab="page"{lab}>
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main><h1>{title}</h1><div id="view"></div></main>
<noscript>{still}</noscript>
<script type="module">{script}</script>
</body>
</html>
"""

_STYLE = """
:root {{ color-scheme: light dark; }}
body {{ margin: 16px; }}
h1 {{ position: absolute; width: 1px; height: 1px; margin: 0; overflow: hidden; clip-path: inset(50%); }}
@media (prefers-color-scheme: dark) {{ body {{ background: #14171c; }} }}
{css}"""

_SCRIPT = """
{module}
const state = {state};
const bytes = (text) => new DataView(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
for (const value of Object.values(state)) if (typeof value?.data === "string") value.data = bytes(value.data);
const listeners = {{}};
const model = {{
  get: (name) => state[name],
  set(name, value) {{
    state[name] = value;
    for (const listener of listeners[`change:${{name}}`] ?? []) listener();
  }},
  on(event, listener) {{ (listeners[event] ??= new Set()).add(listener); }},
  off(event, listener) {{ listeners[event]?.delete(listener); }},
  save_changes() {{}},
}};
render({{ model, el: document.getElementById("view") }});
const tell = () => parent.postMessage({{ toylabHeight: document.documentElement.scrollHeight }}, "*");
if (parent !== window) new ResizeObserver(tell).observe(document.body); // in a frame, which may be too short
"""


def source(*names: str) -> str:
    """The text of these files of this folder, one after the other."""
    return "\n".join((Path(__file__).parent / name).read_text(encoding="utf-8") for name in names)


def inline_hash(text: str) -> str:
    """The source expression by which a content policy allows this inline script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def content_policy(allowed: dict[str, str]) -> str:
    """A content policy that forbids all that it does not name, by directive."""
    closed = {"default-src": "'none'", "img-src": "data:", "base-uri": "'none'", "form-action": "'none'"}
    return "; ".join(f"{name} {sources}" for name, sources in (closed | allowed).items())


def write_page(path: str | Path, state: dict, still: str, module: str, css: str, title: str, lab: str = "") -> Path:
    """Write the page to `path`, atomically. Returns the path.

    Args:
        state: the widget's state by trait name; bytes may stand in a dict, as its "data".
        still: HTML for browsers without JavaScript.
        module, css: the sources of the view. title: of the page. lab: the address of the live page.

    Raises FileNotFoundError or PermissionError where the folder is missing or cannot be written.
    """
    path = user_path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"no folder {path.parent} for {path.name}")
    style = _STYLE.format(css=css)
    script = _SCRIPT.format(
        module=module,
        state=json.dumps(state, default=_as_base64).replace("<", "\\u003c"),  # "<!--" hides a script's end
    )
    page = _PAGE.format(
        title=html.escape(title),
        lab=f' data-lab="{html.escape(lab)}"' if lab else "",
        policy=content_policy({"script-src": inline_hash(script), "style-src": inline_hash(style)}),
        style=style,
        still=still,
        script=script,
    )
    with replacing(path) as file:
        file.write(page.encode())
    return path


def _as_base64(value):
    """Bytes as JSON can hold them."""
    return base64.b64encode(value).decode()
