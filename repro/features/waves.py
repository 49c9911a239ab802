"""Four jets of sine waves, on which the published Interaction Networks have known outputs.

No jet looks like them.  They can be written down in one line, so whoever has the weights can make
them and compare: logits, neuron activities and relevances are claims C3, C7 and C8 of ``hbb``.

Source: dossier, section 3 (golden logits).
"""

import numpy as np
from numpy.typing import NDArray

from repro.data.hbb.branches import find_group

__all__ = ["WAVES", "wave_jets"]

WAVES = 4
"""How many there are."""


def wave_jets(jets: int = WAVES) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return tracks (n, 30, 60) and vertices (n, 14, 5), all slots filled.

    With b, f, n from 0, track n of jet b has 0.1 · sin(0.1 · (f + 1) · (n + 1) + b) as its feature
    f; vertices have a cosine.

    >>> tracks, vertices = wave_jets(2)
    >>> tracks.shape, vertices.shape, tracks.dtype
    ((2, 30, 60), (2, 14, 5), dtype('float32'))
    """
    phases = np.arange(jets)[:, None, None]

    def waves(group: str) -> NDArray[np.floating]:
        features, slots = find_group(group).shape
        return 0.1 * np.outer(np.arange(1, features + 1), np.arange(1, slots + 1)) + phases

    tracks, vertices = 0.1 * np.sin(waves("tracks")), 0.1 * np.cos(waves("vertices"))
    return tracks.astype(np.float32), vertices.astype(np.float32)
