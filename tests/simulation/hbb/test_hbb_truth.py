"""Labels of jets, from records that are written by hand."""

import numpy as np
from hbb_stand_ins import record

from repro.simulation.hbb.truth import find_higgs, match_higgs

TWO = record(
    [
        (25, (1, 1), 1.0, 2.0),  # a first copy, elsewhere
        (25, (2, 3), 0.0, 3.1),
        (5, (-1, -1), 0.2, 3.0),
        (-5, (-1, -1), -0.2, 3.0),
        (25, (5, 6), 1.5, 0.0),
        (5, (-1, -1), 1.5, 0.5),
        (-5, (-1, -1), 1.5, -0.5),
    ],
    [(21, (-1, -1), 0.0, 0.0)],
    [(25, (1, 2), -1.0, 1.0), (5, (-1, -1), -1.0, 1.1), (-5, (-1, -1), -1.0, 0.9)],
)


def test_last_copies_are_found():
    assert find_higgs(TWO).tolist() == [1, 4, 8]


def test_jets_near_a_boson_of_their_own_event():
    jets = [
        (0, 0.1, -3.1, True),  # across the seam of the azimuth
        (0, 0.0, 2.0, False),
        (0, 1.0, 2.0, False),  # the first copy does not count
        (0, 1.2, 0.3, True),
        (1, 0.0, 3.1, False),  # the boson is in another event
        (2, -1.0, 1.55, True),
        (2, -1.0, 1.65, False),
        (2, 1.5, 0.0, False),
    ]
    event, eta, phi, expected = map(np.array, zip(*jets, strict=True))
    assert match_higgs(event, eta, phi, TWO, 0.6).tolist() == expected.tolist()


def test_no_bosons():
    gluons = record([(21, (-1, -1), 0.0, 0.0)])
    assert not match_higgs(np.zeros(3, int), np.zeros(3), np.zeros(3), gluons, 0.6).any()
