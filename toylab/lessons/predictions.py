"""The first question of each notebook: a guess, and only then the answer, measured."""

from toylab._errors import unknown_name
from toylab.lessons import truths
from toylab.lessons.exercises import progress
from toylab.lessons.guiding import METHODS as GUIDED
from toylab.lessons.memory import SAMPLES
from toylab.widgets.predict import Amount, Options, Predict, Prediction, Slope

ERROR = "end-point error"
HALVES = (
    "the gradient part, with 10 steps and with 50", "the transfer part, with 10 steps and with 50",
    "the gradient part with 10 steps, transfer part with 50", "the transfer part with 10 steps, gradient part with 50",
)  # fmt: skip


def predict(notebook: str) -> Predict:
    """The question of a notebook ("06"), as a widget: guess, commit, and only then is the answer measured.

    A guess and its answer stand in the report of ``toylab exercises``. Raises ValueError for a notebook without one.
    """
    name = notebook.strip().zfill(2) if isinstance(notebook, str) else None
    if name not in PREDICTIONS:
        raise unknown_name("notebook", notebook, PREDICTIONS)

    def kept(guess, answer=None):
        return progress.guessed(name, guess) if answer is None else progress.measured(name, answer)

    return Predict(PREDICTIONS[name], kept)


PREDICTIONS = {
    "01": Prediction(
        "who breaks first",
        "Fewer and fewer steps, from 50 down to 5. Of which method is the first half of the particles off the spiral?",
        Options(("Euler", "RK4", "DDIM", "F-PNDM"), "breaks at N ="),
        truths.first_to_break,
    ),
    "01b": Prediction(
        "a letter drawn by hand",
        "Somebody draws a letter T. DDIM takes ten steps, with an epsilon that is exactly right. How many per cent of "
        "its samples end farther than 0.1 from the letter?",
        Amount(0, 100, 1, "per cent"),
        truths.off_a_letter,
    ),
    "02": Prediction(
        "when the data can be seen",
        "Time falls from t = 1, pure noise, to t = 0. At which t are half of the particles near the spiral "
        "(scaled to its size; nearer than 0.2)?",
        Amount(0, 1, 0.01, "t"),
        truths.when_seen,
    ),
    "03": Prediction(
        "steps to a single point",
        "The data is a single point, and epsilon is exact. How many steps does RK4 need to come within 0.001 "
        "of the exact flow?",
        Options(tuple(truths.FEW_TO_MANY), "steps needed"),
        truths.steps_to_a_point,
    ),
    "04": Prediction(
        "straight paths",
        "One data point, a few particles. In which coordinates are their exact paths straight lines?",
        Options(("x against t", "y against σ", "both", "neither"), "bend / length"),
        truths.straight_paths,
    ),
    "05": Prediction(
        "which half to keep",
        "Of F-PNDM you may keep one half and give up the other. With which half do you stay nearer to the "
        "exact flow on the circle?",
        Options(HALVES, ERROR),
        truths.half_to_keep,
    ),
    "06": Prediction(
        "the order of F-PNDM",
        "How fast does the error of F-PNDM fall with its steps? Drag the line, or move the slider, to the "
        "order that you expect.",
        Slope((40, 320)),
        truths.order_seen,
    ),
    "07": Prediction(
        "the best clock",
        "F-PNDM gets 20 evaluations on the circle. Nodes that are even in which clock bring it nearest to the"
        " exact flow?",
        Options(tuple(f"even in {name}" for name in truths.CLOCKS), ERROR),
        truths.best_clock,
    ),
    "08": Prediction(
        "ten evaluations",
        "Ten evaluations, on the circle, with nodes even in t. Which method ends nearest to the exact flow?",
        Options(truths.RIVALS, ERROR),
        truths.best_at_ten,
    ),
    "09": Prediction(
        "where the fault changes hands",
        "The network of the spiral, and DDIM. From how many evaluations on is the solver's error smaller than"
        " the network's?",
        Amount(5, 505, 5, "evaluations"),
        truths.whose_fault,
    ),
    "10": Prediction(
        "digits of ten evaluations",
        "Ten evaluations each, from the same noise. Whose digits are nearest to those that many steps would give?",
        Options(("RK4", "DDIM", "S-PNDM", "F-PNDM"), "rms of a pixel"),
        truths.nearest_digits,
    ),
    "11": Prediction(
        "yours among the published",
        "Ten evaluations, on the circle, with nodes even in t. Which of these will be nearest to the exact flow?",
        Options(tuple(truths.YOURS), ERROR),
        truths.best_of_yours,
    ),
    "12": Prediction(
        "who is forgiven",
        "The network's epsilon errs by 0.1 in its first coordinate. With a hundred evaluations, whose samples"
        " on the spiral are more like the data?",
        Options(("DDIM", "DDPM"), "energy distance"),
        truths.who_is_forgiven,
    ),
    "13": Prediction(
        "copies",
        "Thirty training points and their exact epsilon. How many of 500 samples are copies of one of the thirty?",
        Amount(0, SAMPLES, 10, "copies"),
        truths.copied,
    ),
    "14": Prediction(
        "the verdicts",
        "How many of the five are bugs, that is, lose an order or the exactness on one data point?",
        Amount(0, 5, 1, "bugs"),
        truths.bugs,
    ),
    "15": Prediction(
        "claims that hold",
        "Eleven claims of the paper, on the spiral with the exact epsilon. How many hold in all their numbers?",
        Amount(0, 11, 1, "claims"),
        truths.claims_that_hold,
    ),
    "16": Prediction(
        "who leaves the class",
        "Both epsilons are exact, guidance is 4, and each method gets fifty evaluations. Who takes most particles off "
        "the class that was asked for?",
        Options(GUIDED, "off the class"),
        truths.first_to_leave,
    ),
    "17": Prediction(
        "photographs of ten evaluations",
        "Small photographs, ten evaluations each, from the same noise. Whose images are nearest to those that many "
        "steps would give?",
        Options(truths.FIRST_FIGURE, "rms of a pixel"),
        truths.nearest_photographs,
    ),
}
