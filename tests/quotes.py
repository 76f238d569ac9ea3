"""The numbers that prose quotes, and whether the results page holds them.

Every number in prose is a quote, settings included, and must be on the page where it belongs, unless it is
- code (but comments in code count), a heading, a list's number, the text of a link, or a formula with letters in it;
- part of a name or of a cost: RK4, float32, Adams-Bashforth 4, notebook 3, Python 3.11, the year 2022, 4N, N + 9;
- what a control is to be set to: *t_end* to 0.01, *N* to 5 to 160;
- in a question, which asserts nothing.
Numbers in words count after "order" and before "times". A quote is on the page when a number there, rounded as the
quote is, is the quote. An integer must be there as one. Percentages, orders and "times" must be such there too, in
columns or tables that say "%", "order" or "ratio"; a bare power of ten must be the nearest one.
"""

import math
import re
from dataclasses import dataclass

WORDS = {word: str(value) for value, word in enumerate("one two three four five six seven eight nine ten".split(), 1)}
NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?|\.\d+)(?:e[+-]?\d+)?"
WORD = "|".join(WORDS)
KINDS = {  # in the order in which they are looked for
    "order": rf"\border (?:of )?({WORD}|{NUMBER})(?!\w)",
    "times": rf"(?<![\w.^])({WORD}|{NUMBER})(?: times\b|-fold|×)",
    "percent": rf"(?<![\w.^])({NUMBER}) ?(?:%|per cent\b)",
    "magnitude": r"10\^(-?\d+)",
    "plain": rf"(?<![\w.^])(-?{NUMBER})(?!\w)",
}
NAMES = (
    r"\b[A-Za-z][\w+-]*\d\w*(?:-\d)?\b",
    r"(?:Runge–Kutta|Adams–Bashforth|[Nn]otebooks?|[Ee]xercises?|Python|steps? of) \d[\d.]*(?! steps)",
    r"\b(?:19|20)\d\d\b",
    r"\b\d+ ?N\b",
    r"\bN [+–-] \d+",
    rf"\*\w+\* to {NUMBER}(?: to {NUMBER})?",
)


@dataclass(frozen=True)
class Number:
    """A number as written, and its kind: "order", "times", "percent", "magnitude" or "plain"."""

    text: str
    kind: str = "plain"

    @property
    def value(self):
        return float(WORDS.get(self.text, self.text).replace(",", ""))

    @property
    def is_integer(self):
        return re.fullmatch(rf"-?[\d,]+|{WORD}", self.text) is not None

    @property
    def half_a_unit(self):
        """Half a unit of its last digit."""
        mantissa, _, exponent = WORDS.get(self.text, self.text).replace(",", "").partition("e")
        return 0.5 * 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))

    def is_found_in(self, numbers):
        """Whether one of `numbers` of the page says the same."""
        if self.kind == "magnitude":
            found = [each.value for each in numbers if each.kind in ("plain", "times") and each.value > 0]
            return any(round(math.log10(value)) == self.value for value in found)
        if self.kind == "plain":
            found = [each for each in numbers if each.kind != "percent" and (each.is_integer or not self.is_integer)]
        else:
            found = [each for each in numbers if each.kind == self.kind]
        return any(abs(each.value - self.value) <= self.half_a_unit * (1 + 1e-9) for each in found)


def quotes(markdown):
    """The `Number`s that a text in Markdown quotes."""
    return [number for sentence in _sentences(markdown) for number in numbers(sentence)]


def numbers(text):
    """All numbers of a text, each once."""
    found = []
    for kind, pattern in KINDS.items():
        found += [Number(text, kind) for text in re.findall(pattern, text)]
        text = re.sub(pattern, " ", text)
    return found


def _sentences(markdown):
    """What is asserted, without code, formulas, names and questions."""
    text = re.sub(r"```.*?```", lambda block: "\n\n".join(re.findall(r"# (.*)", block[0])), markdown, flags=re.S)
    text = re.sub(r"\$\$.*?\$\$|`[^`]*`|(?<!!)\[[^\]]*\]\([^)]*\)", " ", text, flags=re.S)
    text = re.sub(r"!\[([^\]]*)\]\([^)]*\)", r"\1.", text)
    text = re.sub(r"\$([^$]*)\$", lambda formula: _plain(formula[1]), text)
    text = re.sub(r"^(?:#+ .*|\s*\d+\. )", "", text, flags=re.M)
    for name in NAMES:
        text = re.sub(name, " name ", text)
    for paragraph in re.split(r"\n\s*\n|\n\s*[-*] |\||\n(?=\|)", text):
        for sentence in re.split(r"(?<=[.!?])[*_)]*\s+", paragraph.replace("\n", " ")):
            if not sentence.rstrip("*_) ").endswith("?"):
                yield sentence


def _plain(formula):
    """A formula that is nothing but a number, as text; anything else has no numbers of its own."""
    formula = re.sub(r"\\[,;! ]|[{}]", "", formula).replace("\\%", " %")
    power = re.fullmatch(rf"({NUMBER})?(?: ?\\(?:cdot|times) ?)?10\^(-?\d+)", formula)
    if power:
        return f"{power[1]}e{power[2]}" if power[1] else f"10^{power[2]}"
    return formula if re.fullmatch(rf"{NUMBER}(?: %)?", formula) else " formula "


@dataclass(frozen=True)
class Part:
    """A section of the page: its name, who quotes it, and its tables as (header, rows, note), all strings."""

    name: str
    quoted_by: str
    settings: str
    tables: tuple

    def numbers(self):
        """All its numbers; those under a header or a note that says so are orders or ratios ("times")."""
        found = numbers(self.settings)
        for header, rows, note in self.tables:
            found += [number for text in (*header, note) for number in numbers(text)]
            for row in rows:
                for title, cell in zip(header, row, strict=True):
                    kind = _kind(title, note)
                    for number in numbers(cell):
                        found.append(Number(number.text, kind) if number.kind == "plain" else number)
        return found


def _kind(title, note):
    if "order" in title:
        return "order"
    return "times" if "ratio" in title or "ratio" in note else "plain"


def parts(page):
    """The sections of a results page."""
    found = []
    for chapter in page.split("\n## ")[1:]:
        quoted_by, *texts = chapter.split("\n### ")
        for text in texts:
            name, settings = re.search(r"^`([\w-]+)`: (.*)$", text, re.M).groups()
            found.append(Part(name, quoted_by.strip().lower(), settings, tuple(_tables(text))))
    return found


def _tables(text):
    blocks = text.split("\n\n")
    for block, below in zip(blocks, [*blocks[1:], ""], strict=True):
        if block.startswith("|"):
            header, _, *rows = ([cell.strip() for cell in line[1:-1].split(" | ")] for line in block.splitlines())
            note = "" if below.startswith(("|", "!", "#")) else below.strip()
            yield tuple(header), tuple(map(tuple, rows)), note
