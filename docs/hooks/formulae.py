"""Formulae as MathML, made when the site is built, so that reading them takes no script.

Texts and docstrings write ``$x^2$`` within a line and ``$$`` around a formula of its own;
``pymdownx.arithmatex`` finds them, and this turns its elements into MathML.
"""

import html
import re

from latex2mathml.converter import convert

__all__ = ["BadFormula", "on_page_content", "to_mathml"]

_ELEMENT = re.compile(
    r'<(?P<tag>span|div) class="arithmatex">\\[(\[](?P<latex>.*?)\\[)\]]</(?P=tag)>', re.DOTALL
)
_UNKNOWN = re.compile(r"<m[io]>(\\[A-Za-z]+)</m[io]>")


class BadFormula(ValueError):
    """A formula cannot be converted."""


def to_mathml(latex: str, *, block: bool = False) -> str:
    r"""Return a formula as MathML, with its LaTeX as text for those who cannot show it.

    Raises:
        BadFormula: If it has a command that is not known.

    >>> to_mathml(r"\nosuchcommand")
    Traceback (most recent call last):
    formulae.BadFormula: \nosuchcommand in \nosuchcommand
    """
    mathml: str = convert(latex, display="block" if block else "inline")
    if unknown := _UNKNOWN.search(html.unescape(mathml)):
        raise BadFormula(f"{unknown[1]} in {latex}")
    return mathml.replace("<math ", f'<math alttext="{html.escape(latex)}" ', 1)


def on_page_content(content: str, **_: object) -> str:
    """Convert the formulae of a page."""
    return _ELEMENT.sub(_replaced, content)


def _replaced(element: re.Match[str]) -> str:
    latex = html.unescape(element["latex"]).strip()
    if element["tag"] == "span":
        return to_mathml(latex)
    # Of its own, so that a long formula can be moved on a phone, and the page stays.
    return f'<div class="formula">{to_mathml(latex, block=True)}</div>'
