"""The look of all pictures: mplhep's style of high-energy physics, in sizes for many panels.

It holds while a picture is drawn and written, and no longer: nothing global changes.  What a user
has set for matplotlib does not enter, so that the same numbers give the same picture.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib.style
import mplhep

__all__ = ["hep_style"]

# mplhep's sizes are those of one panel on a slide.
_SIZES: dict[str, Any] = {
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.labelsize": 10,
    "axes.linewidth": 0.9,
    "figure.titlesize": 12,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.4,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "xtick.major.size": 5,
    "ytick.major.size": 5,
    "xtick.minor.size": 2.5,
    "ytick.minor.size": 2.5,
    "xtick.major.pad": 4,
    "ytick.major.pad": 4,
    "hatch.linewidth": 0.6,
}
# Both fonts come with mplhep and matplotlib: no machine has to have them.  Of the sets of
# mathematical letters, STIX has digits that stand upright beside letters that do not.
_LETTERS: dict[str, Any] = {
    "font.family": ["TeX Gyre Heros", "DejaVu Sans"],
    "mathtext.fontset": "stixsans",
    "mathtext.default": "it",
    "axes.unicode_minus": True,
}
_REST: dict[str, Any] = {
    "legend.frameon": False,
    "legend.handlelength": 1.8,
    "savefig.dpi": "figure",
    "figure.dpi": 100,
    "image.interpolation": "none",
}


@contextmanager
def hep_style() -> Iterator[None]:
    """Draw in the package's style; what was set before is back afterwards."""
    styles = [mplhep.style.CMS, _SIZES, _LETTERS, _REST]
    with matplotlib.style.context(styles, after_reset=True):
        yield
