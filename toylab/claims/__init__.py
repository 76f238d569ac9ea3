"""The paper's claims, each measured where one likes: does it hold here, and which setting breaks it?

A `Claim` is a sentence, its place in the paper (Liu et al. 2022), and a measurement of one `Setting` whose numbers are
held against what the sentence says. `check` gives verdicts, `break_claim` searches for a counterexample. Everything is
imported on first use.
"""

from typing import TYPE_CHECKING

from toylab._lazy import attach

if TYPE_CHECKING:
    from toylab.claims.breaking import Counterexample as Counterexample
    from toylab.claims.breaking import break_claim as break_claim
    from toylab.claims.claim import Claim as Claim
    from toylab.claims.judging import Verdict as Verdict
    from toylab.claims.judging import Verdicts as Verdicts
    from toylab.claims.judging import check as check
    from toylab.claims.notes import Notes as Notes
    from toylab.claims.paper import get as get
    from toylab.claims.paper import names as names
    from toylab.claims.setting import Setting as Setting

__getattr__, __dir__, __all__ = attach(__name__)
