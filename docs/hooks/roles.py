"""Names in docstrings without the roles that Sphinx wants before them."""

import re

__all__ = ["on_page_content"]

_ROLE = re.compile(r":(?:attr|class|data|exc|func|meth|mod):(?=<code)")


def on_page_content(content: str, **_: object) -> str:
    """Leave out roles before code.

    >>> on_page_content("see :func:<code>rank_jets</code>")
    'see <code>rank_jets</code>'
    """
    return _ROLE.sub("", content)
