"""Markdown as HTML without scripts: formulas as MathML, links only to what is there."""

import html
import re
from collections.abc import Callable

from toylab._extras import extra

with extra("site"):
    from latex2mathml.converter import convert
    from markdown_it import MarkdownIt

# code, which holds no formulas; then formulas
_CODE_OR_MATH = re.compile(r"(```.*?```|`[^`\n]+`)|\$\$(.+?)\$\$|\$(?=\S)([^$]+?)(?<=\S)\$(?!\d)", re.DOTALL)
LONG = 24  # characters of a formula in a line, beyond which it may be wider than a phone, and scrolls
_HELD = "\ue000{}\ue001"  # a formula's place while Markdown is read


def to_html(text: str, resolve: Callable[[str], str | None]) -> str:
    """Markdown with $formulas$ as HTML; headings get ids.

    Args:
        text: CommonMark with tables; HTML in it stays.
        resolve: the address that a link or picture leads to, or None where the site has no such page: then only its
            words stay.
    """
    formulas = []

    def hold(found):
        code, block, inline = found.groups()
        if code:
            return code
        formulas.append(mathml(block or inline, display=bool(block)))
        return _HELD.format(len(formulas) - 1)

    reader = MarkdownIt("commonmark").enable("table")
    tokens = reader.parse(_CODE_OR_MATH.sub(hold, text))
    for i, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", slug(tokens[i + 1].content))
        if token.children:
            token.children = _linked(token.children, resolve)
    page = reader.renderer.render(tokens, reader.options, {})
    page = re.sub(r"<th([^>]*)></th>", r"<td\1></td>", page)  # a corner is no header
    page = page.replace("<table>", '<div class="scroll" tabindex="0"><table>').replace("</table>", "</table></div>")
    page = page.replace("<pre>", '<pre tabindex="0">')
    return re.sub(_HELD.format(r"(\d+)"), lambda found: formulas[int(found[1])], page)


def mathml(formula: str, display: bool = False) -> str:
    """A formula of LaTeX as MathML, which every browser draws; its source is what those without get to read."""
    source = " ".join(formula.split())
    made = convert(source, display="block" if display else "inline")
    made = made.replace("<math ", f'<math alttext="{html.escape(source)}" ', 1)
    made = re.sub(r"<mi>&#x000(\w\w);</mi>", r'<mi mathvariant="normal">&#x\1;</mi>', made)  # \mathrm{d}
    if display or len(source) > LONG:
        return f'<span class="{"block" if display else "long"}" tabindex="0">{made}</span>'
    return made


def levelled(page: str) -> str:
    """The page with each heading one level below the one that it belongs to: a notebook goes from # to ### at times."""
    above: list[str] = []

    def moved(found):
        if found[1] == "":
            while above and above[-1] >= found[2]:
                above.pop()
            above.append(found[2])
        return f"<{found[1]}h{len(above)}"

    return re.sub(r"<(/?)h([1-6])\b", moved, page)


def slug(heading: str) -> str:
    """The id of a heading: its words with hyphens."""
    return "-".join(re.findall(r"[a-z0-9]+", heading.lower())) or "part"


def _linked(tokens, resolve):
    """Inline tokens with their links resolved; those that lead nowhere are taken out."""
    kept, dropped = [], False
    for token in tokens:
        if token.type == "link_open":
            target = resolve(token.attrs["href"])
            dropped = target is None
            if not dropped:
                token.attrSet("href", target)
        elif token.type == "image":
            token.attrSet("src", resolve(token.attrs["src"]) or "data:,")
        if not (dropped and token.type in ("link_open", "link_close")):
            kept.append(token)
    return kept
