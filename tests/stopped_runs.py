"""Progress that stops a run, or writes down what it does: of a context, or given to a problem."""


def stopping_after(done):
    """Press Ctrl-C after some steps."""

    def progress(*arguments, **_how):
        *_context, steps, _label = arguments
        for number, step in enumerate(steps):
            if number == done:
                raise KeyboardInterrupt
            yield step

    return progress


def recording(seen):
    """Add the steps that are done to a list."""

    def progress(*arguments, **_how):
        *_context, steps, _label = arguments
        for step in steps:
            seen.append(step)
            yield step

    return progress
