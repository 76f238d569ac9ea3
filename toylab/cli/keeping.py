"""Measurements of points in the plane: on one thread, and not lost when Ctrl-C stops them."""


def kept(measure):
    """(what `measure()` returns, None), or (what an interrupted one has kept, its exception) for `deliver`."""
    from toylab._threads import single_thread
    from toylab.analysis import Interrupted

    try:
        with single_thread():
            return measure(), None
    except Interrupted as stop:
        if stop.done is None:
            raise
        return stop.done, stop


def one_by_one(measure, methods):
    """(the list of `measure(method, results before)` for all methods, None); at Ctrl-C (those that are done, with
    what the last one has kept, the KeyboardInterrupt), and the exception itself where nothing is done."""
    from toylab._threads import single_thread

    results = []
    try:
        with single_thread():
            for method in methods:
                results.append(measure(method, results))
    except KeyboardInterrupt as stop:
        partial = getattr(stop, "done", None)
        results += [partial] if partial else []
        if not results:
            raise
        return results, stop
    return results, None
