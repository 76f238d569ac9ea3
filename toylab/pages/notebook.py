"""A stored notebook as HTML: its text, its code folded, its outputs, and its players and galleries alive."""

import ast
import html
import io
import re
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from typing import Any

from toylab.pages.text import to_html
from toylab.widgets.predict import Predict
from toylab.widgets.stage import Stage

LIVE = ("Player(", "Gallery(", "Predict(")  # how the words of an output begin whose widget a page can carry
LABS = ("Lab(", "Pad(")  # of those in whose place the live lab may stand
CHECKED = "<p><em>An answer is checked where Python runs: open this notebook with <code>toylab lab</code>.</em></p>"


def code_of(cell: dict) -> str:
    """The Python of a code cell, without the lines that only a notebook understands."""
    return re.sub(r"^\s*[%!].*$", "pass", "".join(cell["source"]), flags=re.MULTILINE)


def words_of(cell: dict) -> str:
    """The plain text of a cell's outputs."""
    return "".join("".join(output.get("data", {}).get("text/plain", "")) for output in cell.get("outputs", []))


def live_views(book: dict) -> Iterator[tuple[int, Stage | Predict]]:
    """(place of the cell, widget) of every player, gallery and prediction, computed now with what they need alone."""
    codes = {i: code_of(cell) for i, cell in enumerate(book["cells"]) if cell["cell_type"] == "code"}
    wanted = {i for i in codes if words_of(book["cells"][i]).startswith(LIVE)}
    space: dict[str, Any] = {"__name__": "__main__"}
    for i in sorted(_needed(codes, wanted)):
        value = _run(codes[i], space)
        if i in wanted and isinstance(value, (Stage, Predict)):
            yield i, value


def _needed(codes, wanted):
    """The cells whose names those in `wanted` use, directly or not."""
    trees = {i: ast.parse(code) for i, code in codes.items()}
    needed, names = set(wanted), set()
    for i in sorted(codes, reverse=True):
        stored, loaded = _names(trees[i])
        if i in needed or stored & names:
            needed.add(i)
            names |= loaded
    return needed


def _names(tree):
    """The names that code gives a value, and those that it uses."""
    stored, loaded = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (stored if isinstance(node.ctx, ast.Store) else loaded).add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            stored.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            stored |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    return stored, loaded


def _run(code, space):
    """Run a cell; returns the value of its last expression, None where it ends otherwise."""
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with redirect_stdout(io.StringIO()):
        exec(compile(tree, "<cell>", "exec"), space)
        return eval(compile(ast.Expression(last.value), "<cell>", "eval"), space) if last else None


def page_of(
    book: dict,
    resolve: Callable[[str], str | None],
    views: dict[int, tuple[str, str]],
    lab: str | None,
) -> tuple[str, str]:
    """The title and the HTML of a notebook.

    Args:
        book: as its file holds it. resolve: as for `toylab.pages.text.to_html`.
        views: by place of the cell, the address of a page with its live widget, and the widget in words.
        lab: the address of what stands live in the place of a lab; None: the lab's picture does.
    """
    parts, heading, title = [], "", ""
    for i, cell in enumerate(book["cells"]):
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            headings = re.findall(r"^#+ (.*)$", source, re.MULTILINE)
            heading = headings[-1] if headings else heading
            title = title or heading
            parts.append(to_html(source, resolve))
        elif cell["cell_type"] == "code":
            code = html.escape(source)
            asks = "exercise(" in source
            fold = f"<details{' open' if asks else ''}><summary>Code</summary>"
            parts.append(f'{fold}<pre tabindex="0"><code>{code}</code></pre></details>')
            shown = CHECKED if asks else _outputs(cell, heading or title)
            if lab and words_of(cell).startswith(LABS):
                shown = _view(lab, f"Lab, computed in this browser: {heading or title}")
            kind = "live low" if words_of(cell).startswith("Predict(") else "live"
            parts.append(_view(*views[i], kind) if i in views else shown)
    return title, "\n".join(parts)


def _view(address, words, kind="live"):
    return (
        f'<figure class="{kind}"><iframe src="{html.escape(address)}" title="{html.escape(words)}" loading="lazy">'
        f'</iframe><figcaption><a href="{html.escape(address)}">Open this view alone</a></figcaption></figure>'
    )


def _outputs(cell, heading):
    return "\n".join(filter(None, (_output(output, heading) for output in cell.get("outputs", []))))


def _output(output, heading):
    if output["output_type"] == "stream":
        return f'<pre tabindex="0">{html.escape("".join(output["text"]))}</pre>' if output["name"] == "stdout" else ""
    data = {kind: "".join(text) for kind, text in output.get("data", {}).items() if isinstance(text, str | list)}
    plain = data.get("text/plain", "")
    if "image/png" in data:
        alt = output.get("metadata", {}).get("image/png", {}).get("alt") or f"Figure: {re.sub('[$*`]', '', heading)}"
        picture = "".join(data["image/png"].split())
        source = f"data:image/png;base64,{picture}"
        return f'<figure class="wide"><img alt="{html.escape(alt)}" src="{source}"></figure>'
    if "text/html" in data:
        return f'<div class="scroll" tabindex="0">{data["text/html"]}</div>'
    return f'<pre tabindex="0">{html.escape(plain)}</pre>' if plain else ""
