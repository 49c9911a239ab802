"""The package's own weights, or random ones in their place while a variant has none."""

import contextlib
import json

import pytest
from safetensors.torch import save_file

from repro.data.integrity import hash_file
from repro.models import augpfn, embedded_weights
from repro.models.cards import load_cards


@contextlib.contextmanager
def shipped_or_random(folder):
    """Let AugPFN have weights: those that are shipped, or random ones in a folder."""
    cards = load_cards("augpfn").values()
    if all(embedded_weights.has_embedded(card) for card in cards):
        yield
        return
    for card in cards:
        path = folder / f"{embedded_weights.stem_of(card)}.safetensors"
        save_file(augpfn.build(card).state_dict(), path)
        document = {"weights": {"sha256": hash_file(path)}}
        path.with_suffix(".json").write_text(json.dumps(document), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedded_weights, "_folder", lambda: folder)
        yield
