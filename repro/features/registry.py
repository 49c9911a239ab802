"""Which function makes the inputs of which tagger.

A new family is one entry: a function from four-momenta to rows of inputs, and their names.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from repro.data.jets import Jets
from repro.errors import BadInput, MissingData, NotAvailable, UnknownName
from repro.features.augpfn import augpfn_features, augpfn_inputs
from repro.features.interaction import interaction_features
from repro.features.mbns import mbns_features, mbns_inputs_of_jets
from repro.features.pfin import PFIN_CONSTITUENTS, pfin_features, pfin_inputs
from repro.features.pfn import PFN_CONSTITUENTS, pfn_features, pfn_inputs
from repro.features.summary import (
    quantities_of_jets,
    quantity_features,
    summary_features,
    summary_of_jets,
)
from repro.features.topodnn import TOPODNN, topodnn_features, topodnn_inputs
from repro.features.truth_leak import leaky_pfn_inputs, truth_of

__all__ = [
    "FAMILIES",
    "Inputs",
    "InputsOf",
    "Objects",
    "features_of",
    "find_inputs",
    "inputs_of",
    "objects_of",
]

Objects = Literal["constituents", "tracks"]
"""What a tagger sees of a jet: its constituents, or its tracks and secondary vertices."""

_Floats = NDArray[np.floating]


class InputsOf(Protocol):
    """Makes inputs from jets."""

    def __call__(
        self, four_momenta: _Floats, taus: _Floats | None = None, *, corrected: bool = False
    ) -> _Floats:
        """Return the inputs of jets.

        Args:
            four_momenta: (n, k, 4) as E, px, py, pz in GeV, ordered by pt, zero padded.
            taus: (n, 24), their subjettiness as published if it is known; only families that
                need FastJet look at it, and compute it anew if corrected.
            corrected: Whether the originals' quirks are off: azimuth is taken modulo 2π (B3),
                jets of fewer than 8 constituents have subjettiness (B16), and PFIN's axis and
                sum are those of all constituents.

        Returns:
            (n, inputs) in the precision of the network; a row of NaN where a jet has no inputs.
        """


@dataclass(frozen=True)
class Inputs:
    """The inputs of a family of taggers.

    Attributes:
        make: From jets to rows.
        features: Returns the names of the columns.
        constituents: Number of leading constituents that are looked at; None for all.
        corrected_constituents: The same if the quirks are off.
        needs_fastjet: Whether subjettiness is computed.
        leak: From jets and their truth momenta (n, 4) to rows, for a family that has the truth in
            its inputs: a mistake that is made on purpose, and not if the quirks are off (B1).
    """

    make: InputsOf
    features: Callable[[], tuple[str, ...]]
    constituents: int | None
    corrected_constituents: int | None
    needs_fastjet: bool = False
    leak: Callable[[_Floats, _Floats], _Floats] | None = None

    @property
    def needs_truth(self) -> bool:
        """Whether the inputs are made of the truth momenta, too."""
        return self.leak is not None

    def leading(self, corrected: bool) -> int | None:
        """Return how many leading constituents are looked at; None for all."""
        return self.corrected_constituents if corrected else self.constituents

    def compute(
        self,
        four_momenta: _Floats,
        taus: _Floats | None = None,
        *,
        truth: _Floats | None = None,
        corrected: bool = False,
    ) -> _Floats:
        """Return the inputs of jets.

        Args:
            four_momenta: As :class:`InputsOf` takes them.
            taus: Likewise.
            truth: (n, 4), the truth momenta as E, px, py, pz in GeV; of inputs with the leak, and
                of no others.
            corrected: Whether the originals' quirks are off.

        Raises:
            MissingData: If the truth momenta are needed and not given.
            BadInput: If they are given to inputs that must not see them.
        """
        if self.leak is None:
            if truth is not None:
                raise BadInput("truth momenta are given to inputs that must not see the truth")
            return self.make(four_momenta, taus, corrected=corrected)
        if corrected:
            return self.make(four_momenta, taus, corrected=True)
        if truth is None:
            raise MissingData(
                "inputs with the truth leak (B1) are made of the truth momenta, too: give them"
            )
        return self.leak(four_momenta, truth)

    def of_jets(self, jets: Jets, taus: _Floats | None, *, corrected: bool) -> _Floats:
        """Return the inputs of jets, as :class:`InputsOf` has them.

        Raises:
            MissingData: If the truth momentum is needed, and top jets have none.
        """
        truth = truth_of(jets) if self.needs_truth else None
        return self.compute(jets.four_momenta, taus, truth=truth, corrected=corrected)


def _topodnn(
    four_momenta: _Floats,
    taus: _Floats | None = None,  # noqa: ARG001  # the protocol
    *,
    corrected: bool = False,  # noqa: ARG001  # TopoDNN's rotation wraps azimuth anyway
) -> _Floats:
    return topodnn_inputs(four_momenta).astype(np.float32)


def _mbns(
    four_momenta: _Floats, taus: _Floats | None = None, *, corrected: bool = False
) -> _Floats:
    published = None if corrected else taus
    return mbns_inputs_of_jets(
        four_momenta, published, wrap_azimuth=corrected, small_jets=corrected
    )


def _pfn(
    four_momenta: _Floats,
    taus: _Floats | None = None,  # noqa: ARG001  # the protocol
    *,
    corrected: bool = False,
) -> _Floats:
    return pfn_inputs(four_momenta, wrap_azimuth=corrected)


def _augpfn(
    four_momenta: _Floats, taus: _Floats | None = None, *, corrected: bool = False
) -> _Floats:
    published = None if corrected else taus
    return augpfn_inputs(four_momenta, published, wrap_azimuth=corrected, small_jets=corrected)


def _jets(
    four_momenta: _Floats, taus: _Floats | None = None, *, corrected: bool = False
) -> _Floats:
    published = None if corrected else taus
    return summary_of_jets(four_momenta, published, wrap_azimuth=corrected, small_jets=corrected)


def _leading_jets(
    four_momenta: _Floats, taus: _Floats | None = None, *, corrected: bool = False
) -> _Floats:
    published, leading = (None, None) if corrected else (taus, PFIN_CONSTITUENTS)
    return summary_of_jets(
        four_momenta, published, wrap_azimuth=corrected, small_jets=corrected, leading=leading
    )


def _leading_quantities(
    four_momenta: _Floats,
    taus: _Floats | None = None,  # noqa: ARG001  # the protocol
    *,
    corrected: bool = False,
) -> _Floats:
    return quantities_of_jets(four_momenta[:, : None if corrected else PFIN_CONSTITUENTS])


def _pfin(
    four_momenta: _Floats,
    taus: _Floats | None = None,  # noqa: ARG001  # the protocol
    *,
    corrected: bool = False,
) -> _Floats:
    return pfin_inputs(four_momenta, wrap_azimuth=corrected, whole_jet=corrected)


FAMILIES: dict[str, Inputs] = {
    "topodnn": Inputs(_topodnn, topodnn_features, TOPODNN.constituents, TOPODNN.constituents),
    "mbns": Inputs(_mbns, mbns_features, None, None, needs_fastjet=True),
    "pfn": Inputs(_pfn, pfn_features, PFN_CONSTITUENTS, PFN_CONSTITUENTS),
    "augpfn": Inputs(_augpfn, augpfn_features, None, None, needs_fastjet=True),
    "pfin": Inputs(_pfin, pfin_features, PFIN_CONSTITUENTS, None),
}
"""Inputs of the taggers."""

# Not to tag with: inputs with a mistake in them, and what inputs and latent spaces are compared
# with (of all constituents, and of those that PFIN sees, with and without subjettiness).
_FURTHER: dict[str, Inputs] = {
    "leakypfn": Inputs(
        _pfn, pfn_features, PFN_CONSTITUENTS, PFN_CONSTITUENTS, leak=leaky_pfn_inputs
    ),
    "jets": Inputs(_jets, summary_features, None, None, needs_fastjet=True),
    "leading_jets": Inputs(_leading_jets, summary_features, None, None, needs_fastjet=True),
    "leading_quantities": Inputs(_leading_quantities, quantity_features, PFIN_CONSTITUENTS, None),
}

# Taggers of tracks and vertices, which jets of constituents do not have.
_OF_TRACKS: dict[str, Callable[[], tuple[str, ...]]] = {"in": interaction_features}


def features_of(family: str) -> tuple[str, ...]:
    """Return the names of the columns of a family's inputs.

    Raises:
        UnknownName: If there is no such family.

    >>> len(features_of("pfin")), len(features_of("in"))
    (184, 1870)
    """
    features = _OF_TRACKS.get(family)
    return features() if features else find_inputs(family).features()


def objects_of(family: str) -> Objects:
    """Return what a family of taggers sees of a jet.

    >>> objects_of("pfin"), objects_of("in")
    ('constituents', 'tracks')
    """
    return "tracks" if family in _OF_TRACKS else "constituents"


def find_inputs(name: str) -> Inputs:
    """Return the entry of a family, or of what is no tagger's: ``leakypfn``, ``jets``.

    Raises:
        NotAvailable: If the family takes tracks and vertices.
        UnknownName: If there is no such entry.
    """
    if name in _OF_TRACKS:
        raise NotAvailable(
            f"{name} takes tracks and secondary vertices, and these jets have constituents: "
            f"choose from {', '.join(FAMILIES)}"
        )
    found = FAMILIES.get(name) or _FURTHER.get(name)
    if found is None:
        raise UnknownName(f"no inputs for model {name!r}: choose from {', '.join(FAMILIES)}")
    return found


def inputs_of(family: str) -> InputsOf:
    """Return the function that makes a family's inputs, as :meth:`Inputs.compute`.

    Raises:
        UnknownName: If there is no such family.

    >>> inputs_of("pfin")(np.zeros((3, 200, 4))).shape
    (3, 184)
    """
    return find_inputs(family).compute
