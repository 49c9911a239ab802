"""Marks in hand-written pages: HTML comments that hooks replace by what results say.

A mark is ``<!-- NAME -->`` or ``<!-- NAME ARGUMENT … -->``.  Each hook knows some names, and leaves
the others alone; :mod:`left_over` fails the build for those that none of them knew.
"""

import re
from collections.abc import Callable, Mapping

__all__ = ["MARK", "BadMark", "Maker", "fill"]

Maker = Callable[..., str]

MARK = re.compile(r"<!-- (?P<name>[a-z][\w-]*)(?P<arguments>(?:\s+[^\s<>]+)*) -->")


class BadMark(LookupError):
    """A mark asks for what is not there: the text speaks of something that the results have not."""


def fill(markdown: str, makers: Mapping[str, Maker]) -> str:
    """Replace the marks that are known.

    Args:
        markdown: A page.
        makers: Functions by the names of their marks; they get the arguments as text.

    Raises:
        BadMark: If a mark has too many or too few arguments.

    >>> fill("<!-- twice ab --> <!-- other -->", {"twice": lambda text: text * 2})
    'abab <!-- other -->'
    """

    def replace(mark: re.Match[str]) -> str:
        if mark["name"] not in makers:
            return mark[0]
        try:
            return makers[mark["name"]](*mark["arguments"].split())
        except TypeError as error:
            raise BadMark(f"{mark[0]}: {error}") from error

    return MARK.sub(replace, markdown)
