"""Exercises of notebook 14: verdicts on real changes, and a repair."""

from toylab.lessons.court import CASES, averaged_step, lower_order_last, ruling, two_data
from toylab.lessons.exercises.base import Exercise, Wrong
from toylab.lessons.exercises.forms import Choice, Method
from toylab.lessons.exercises.measuring import evaluations, is_exact_on_one_point, is_of_order, same_states

# fmt: off


def ruled(case, verdict, answer):
    """Measures a case; `answer` where the court's rule says `verdict`."""
    def derive():
        return answer if ruling(*CASES[case]) == verdict else "?"
    return derive


def two_data_with(**changed):
    """DPM-Solver++2M with a part changed."""

    def answer(eps, schedule, x, times):
        yield from two_data(eps, schedule, x, times, **changed)

    return answer


def repaired(eps, schedule, x, times):
    """Two predictions of the data, a line through them in log-SNR, and the move over the step as long as it is."""
    last, k = None, 1.0
    for t, s in zip(times[:-1], times[1:], strict=True):
        data = (x - schedule.noise_std(t) * eps(x, t)) / schedule.alpha_bar(t) ** 0.5
        h = (schedule.sigma(t) / schedule.sigma(s)).log()
        mean = data if last is None else data + h / (2 * k) * (data - last)
        x = schedule.noise_std(s) / schedule.noise_std(t) * x + schedule.alpha_bar(s) ** 0.5 * (1 - (-h).exp()) * mean
        last, k = data, h
        yield x


EXERCISES = (
    Exercise(
        "14.1", "explain", "the case of the repeated node", """
A scheduler lists its second node twice and takes 21 evaluations for 20 steps (case a). Measure, then rule.
""", Choice({
            "a": "bug: a node is used twice, so the state there is wrong",
            "b": "bug: the order falls",
            "c": "feature: a second slope in the first step raises the order",
            "d": "feature: more evaluations bring it nearer",
            "e": "neither: the first step is an improved Euler step, dearer by one evaluation, and nothing is gained "
                 "by it from ten steps on",
            "f": "neither: the node is listed twice but paid for once",
        }), right=("e",), derive=ruled("a", "neither", "e"),
        wrong=(
            Wrong("repetition taken for a mistake", "a", "It goes back to where it came from and steps again "
                  "with the mean "
                  "of two slopes. On one data point it is exact: look at the table."),
            Wrong("an order not looked up", "b", "The two orders are the same on both grids."),
            Wrong("an order hoped for", "c", "The steps after it are the same as before, and so is the order."),
            Wrong("more is nearer", "d", "Compare the errors with ten and twenty steps. The evaluation is paid, and "
                                         "buys nothing there."),
            Wrong("evaluations not counted", "f", "Count them: the first row of the table says 21."),
        ),
        because="Evidence: 21 evaluations against 20; order 1.9 with both; error 0.129 against 0.128 with ten "
              "steps, 0.0478 "
        "with both in twenty. It is the start that S-PNDM has. Whoever counts steps does not see that it is paid for.",
        hints=("trial(*CASES[\"a\"]) measures it beside PLMS.", "Is a property lost? Does an error fall to less "
              "than half?"),
    ),
    Exercise(
        "14.2", "explain", "the case of the averaged step", """
In a multistep formula the length of the step is replaced by the mean of this step and the one before (case b).
Those who
use it like the images. Measure, then rule.
""", Choice({
            "a": "feature: with five and ten steps on nodes even in t it is nearer",
            "b": "neither: on nodes even in log-SNR no number changes",
            "c": "bug: wherever steps differ in length the order falls from two to one and a single data point "
            "is missed",
            "d": "bug: it takes more evaluations",
            "e": "bug: the order falls on every grid",
            "f": "feature: a mean of two steps is smoother, and so more stable",
        }), right=("c",), derive=ruled("b", "bug", "c"),
        wrong=(
            Wrong("two numbers of the table", "a", "True, and with twenty steps it is the other way round. Where both "
                                                   "are far off, luck decides. Look at order and at the single point."),
            Wrong("one grid only", "b", "There this step and the last are equally long, and their mean changes "
                                        "nothing. Look at the other grid."),
            Wrong("a price that is none", "d", "Both take 20."),
            Wrong("every grid", "e", "On nodes even in log-SNR the order stays two: all steps are equally long there."),
            Wrong("a mean sounds safe", "f", "The step from t to s has one length. With another one x is moved to "
                                             "where no exact epsilon would move it: one data point shows it."),
        ),
        because="Evidence: order 0.9 against 2.0 on nodes even in t, and an error of 0.0974 on one data point, where "
                "the original has none. On nodes even in log-SNR all numbers agree: right on one grid only.",
        hints=("When are this step and the last equally long?", "Compare the rows of the two grids, and the "
              "single point."),
    ),
    Exercise(
        "14.3", "write", "the repair", r"""
Repair case b: a generator that continues the line through the last two predictions of the data, $x_0$ at `t`, in
$\lambda = -\log\sigma$, and moves over the step *as long as it is*. With the step `h` and the one before `k`
the mean is
`x0 + h / (2 * k) * (x0 - last)`, and $x_s = \frac{\sqrt{1 - \bar\alpha_s}}{\sqrt{1 - \bar\alpha_t}}\, x_t +
\sqrt{\bar\alpha_s}\,(1 - e^{-h})$ times that mean.
""", Method(("eps", "schedule", "x", "times")),
        right=(repaired, two_data_with(), lower_order_last),
        wrong=(
            Wrong("the averaged step", averaged_step, "This is case b as it was: the move takes the mean of two "
                  "lengths."),
            Wrong("the step before", two_data_with(length=lambda h, k: k), "The move goes from t to s: its length is "
                                                                           "h, not that of the step before."),
            Wrong("weights of an even grid", two_data_with(share=lambda h, k: 0.5), "Half of the difference is "
                  "right where "
                  "both steps are equally long."),
            Wrong("ratio upside down", two_data_with(share=lambda h, k: k / (2 * h)), "A long step reaches far "
                  "ahead and "
                  "needs a large correction: h over k."),
            Wrong("half forgotten", two_data_with(share=lambda h, k: h / k), "The line's average over the step is its "
                                                                             "value in the middle: h / (2 k)."),
            Wrong("no memory", two_data_with(share=lambda h, k: 0), "One prediction alone: this is DDIM, of "
                  "order one."),
            Wrong("looks back", two_data_with(share=lambda h, k: -h / (2 * k)), "The line is continued ahead: plus."),
        ),
        because="Exact on one data point and of order two on every grid: DPM-Solver++2M.",
        hints=(
            "Two lengths are needed: h for the move and for the line, k for the line alone.",
            "h = (schedule.sigma(t) / schedule.sigma(s)).log(); keep it for the next step as k.",
            "In each step: x0; h; the mean, x0 alone in the first step; x; then last, k = x0, h, and yield x.",
        ),
        holds=(
            ("On one data point it must be exact.", is_exact_on_one_point),
            ("Ten steps must take ten evaluations.", lambda m: evaluations(m) == 10),
            ("It must be of order two on nodes even in t: half the step, a quarter of the error.",
             lambda m: is_of_order(m, 2, 0.3)),
            ("It must use the line through the last two predictions in log-SNR, where steps are not equally long.",
             lambda m: same_states(m, "DPM-Solver++2M") or same_states(m, lower_order_last)),
        ),
    ),
    Exercise(
        "14.4", "explain", "the case of the humble last step", """
"Use a lower order in the last step" (case c): a method of order two makes its last step with one slope. Measure, then
rule.
""", Choice({
            "a": "bug: a method with a step of order one is of order one",
            "b": "bug: it is no longer exact on one data point",
            "c": "neither: one step among many cannot matter",
            "d": "feature: the order stays two, and with few steps the error falls severalfold",
            "e": "feature: it saves an evaluation",
            "f": "feature: the order rises",
        }), right=("d",), derive=ruled("c", "feature", "d"),
        wrong=(
            Wrong("one step for all steps", "a", "A step of order one errs like h^2, and there is one of it: the sum "
                  "stays of order two."),
            Wrong("exactness not looked up", "b", "The table says none: one slope moved by phi is exact, too."),
            Wrong("the last step is one of many", "c", "It is the one nearest to the data, where the slope changes "
                  "fastest. Compare the errors with ten steps on nodes even in t."),
            Wrong("a saving that is none", "e", "One slope is new in each step anyway; the other one was remembered. "
                                                "Both take 20."),
            Wrong("an order that rises", "f", "Both are of order two. The factor before the error falls, not the "
                  "power."),
        ),
        because="Evidence: order 2.0 with both; with ten steps on nodes even in t an error of 0.0609 against "
              "0.55, on nodes "
        "even in log-SNR 0.0346 against 0.112 with five. At the data a line through two slopes is continued too far.",
        hints=("How large is the error of a single step of order one, and how many of them are there?", "Compare "
              "the errors "
        "with five and ten steps."),
    ),
    Exercise(
        "14.5", "explain", "the case of the other direction", """
Somebody's DDIM takes the direction term of `eta = 1`, and adds no noise (case d). With twenty steps on nodes even in
log-SNR its samples are nearer to the circle than those of DDIM, and than those of the exact flow. Measure, then rule.
""", Choice({
            "a": "feature: nearer to the data is better",
            "b": "neither: eta is a matter of taste",
            "c": "bug: noise is taken out that is not put back; of order zero, and a single data point is missed",
            "d": "bug: it takes more evaluations",
            "e": "neither: with more steps it comes to the exact flow",
            "f": "bug: it is of order one only",
        }), right=("c",), derive=ruled("d", "bug", "c"),
        wrong=(
            Wrong("nearer is better", "a", "Nearer than the exact flow is not better: too much noise was taken out. "
                                           "The error of its particles is twice DDIM's in the same row."),
            Wrong("a matter of taste", "b", "eta says how much noise is put back, and the direction term makes room "
                                            "for it. One without the other does not fit."),
            Wrong("a price that is none", "d", "Both take 20."),
            Wrong("convergence hoped for", "e", "Its order is zero: more steps do not bring it nearer to the flow."),
            Wrong("DDIM's own order", "f", "Order one is DDIM's, and no fault. Read this one's."),
        ),
        because="Evidence: order 0.0 against 1.0; 0.0151 off on one data point; a distance of 0.00388 where the exact "
                "flow has 0.00878, with an error of 0.0107 against 0.00525. A distance alone would have acquitted it.",
        hints=("Which of the measures knows where a particle should have ended?", "Read the orders."),
    ),
    Exercise(
        "14.6", "explain", "the case of the two names", """
Two schedulers, one called Euler, in sigma, the other DDIM (case e): "is there any difference between them?" Measure,
then rule.
""", Choice({
            "a": "bug: sigma is large at t = 1, so that rounding spoils it",
            "b": "feature: in other variables the same step is nearer",
            "c": "feature: one of them saves an evaluation",
            "d": "neither: one method under two names",
            "e": "neither: they differ, but too little to care",
            "f": "bug: what is called Euler must go along a straight line in t",
        }), right=("d",), derive=ruled("e", "neither", "d"),
        wrong=(
            Wrong("rounding feared", "a", "Both are exact on one point to rounding, and every other number agrees."),
            Wrong("names taken for things", "b", "Which number is better? None is."),
            Wrong("a saving that is none", "c", "Both take 20."),
            Wrong("a difference that nobody measured", "e", "They agree in every digit of the table, and in every "
                                                            "state to rounding."),
            Wrong("the variable forgotten", "f", "Euler's method belongs to an equation in some variable, here sigma. "
                                                 "See notebook 11."),
        ),
        because="Evidence: no row differs. sqrt(alpha_bar_s) (y + (sigma_s - sigma_t) eps) is phi, written otherwise. "
                "Two schedulers differ when their nodes or their limits do; with the same ones, not.",
        hints=("Look for a row in which the two differ.", "What did exercise 11.1 say?"),
    ),
)
