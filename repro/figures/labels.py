"""Names of features, nodes and quantities as they are printed in pictures."""

import re

__all__ = ["CLASS_LABELS", "one_decimal", "symbol"]

CLASS_LABELS = {
    "qcd": "QCD jets",
    "top": "top jets",
    "hbb": r"$H\to b\bar{b}$ jets",
    "all": "all jets",
}

_NAMES = {
    "pT_J": "$p_{T,J}$",
    "m_J": "$m_J$",
    "tau_21": r"$\tau_{21}$",
    "tau_32": r"$\tau_{32}$",
    # Jet quantities, as the authors' tables name them.
    "E": "$E_J$",
    "m": "$m_J$",
    "pT": "$p_{T,J}$",
    "eta": r"$\eta_J$",
    "phi": r"$\phi_J$",
    "ptsum": r"$\Sigma p_T$",
    "nconst": r"$n_\mathrm{const}$",
    "tau21": r"$\tau_{21}$",
    "tau32": r"$\tau_{32}$",
}
_PATTERNS = {
    r"pt_(\d+)": r"$p_{T,\1}$",
    r"(eta|phi)_(\d+)": r"$\\\1_{\2}$",
    r"tau_(\d+)_05": r"$\\tau_{\1}^{(0.5)}$",
    r"tau_(\d+)_(\d+)": r"$\\tau_{\1}^{(\2)}$",
    r"tau(\d)": r"$\\tau_{\1}^{(1)}$",
    r"z(\d+)": r"$z_{\1}$",
    r"pc(\d+)": r"PC$_{\1}$",
}


def symbol(name: str) -> str:
    r"""Return the name of a feature, node, component or jet quantity as maths.

    >>> symbol("pt_0"), symbol("tau_2_05"), symbol("z151"), symbol("pc3"), symbol("mine")
    ('$p_{T,0}$', '$\\tau_{2}^{(0.5)}$', '$z_{151}$', 'PC$_{3}$', 'mine')
    """
    if name in _NAMES:
        return _NAMES[name]
    for pattern, printed in _PATTERNS.items():
        if found := re.fullmatch(pattern, name):
            return found.expand(printed)
    return name


def one_decimal(value: float) -> str:
    """Return a number with one decimal; what rounds to zero has no sign.

    >>> one_decimal(-0.04), one_decimal(-0.31)
    ('0.0', '−0.3')
    """
    rounded = round(value, 1)
    return f"{rounded or 0.0:.1f}".replace("-", "−")
