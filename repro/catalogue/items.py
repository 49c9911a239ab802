"""The tables and figures of both papers, from ``<paper>/items.toml``."""

import functools
import re
from dataclasses import dataclass
from importlib import resources
from typing import Any

from repro.catalogue.toml_files import parse_toml
from repro.errors import NotAvailable, UnknownName, did_you_mean

__all__ = ["PAPERS", "Item", "catalogue_text", "find_item", "load_items", "read_catalogue"]

PAPERS = ("toptag", "hbb")

_ID = re.compile(r"(?P<paper>[a-z]+)/(?P<kind>fig|table)(?P<label>[A-Z]?\d+)")


@dataclass(frozen=True)
class Item:
    """One table or figure of a paper.

    Attributes:
        id: ``<paper>/fig<label>`` or ``<paper>/table<label>``.
        title: What it shows, in one line.
        method: The method that makes it (``occlusion``, ``lrp``, ``performance`` ...).
        models: The models that it looks at.
        data: Ids of the pinned files that the paper's version needs.
        fixtures: Ids of the authors' own arrays from which a smaller version can be made.
        cost: Rough time on two cores, in words.
        publication_label: The number in the publication, ``None`` until confirmed.
        saved_as: File names under which the authors' notebooks save it.
        quirks: Quirks of the originals that enter the item; ``--corrected`` switches them off.
        module: Module with ``compute`` and ``render``; ``None`` if not implemented yet.
    """

    id: str
    title: str
    method: str
    models: tuple[str, ...]
    data: tuple[str, ...]
    fixtures: tuple[str, ...] = ()
    cost: str = ""
    publication_label: str | None = None
    saved_as: tuple[str, ...] = ()
    quirks: tuple[str, ...] = ()
    module: str | None = None

    @property
    def paper(self) -> str:
        """The paper, ``toptag`` or ``hbb``."""
        return self._match["paper"]

    @property
    def kind(self) -> str:
        """``fig`` or ``table``."""
        return self._match["kind"]

    @property
    def label(self) -> str:
        """The catalogue number, such as ``5`` or ``K3``."""
        return self._match["label"]

    @property
    def stem(self) -> str:
        """File and module name.

        >>> Item("toptag/fig5", "", "", (), ()).stem
        'fig05'
        >>> Item("hbb/tableK3", "", "", (), ()).stem
        'tableK3'
        """
        label = f"{int(self.label):02d}" if self.label.isdigit() else self.label
        return f"{self.kind}{label}"

    def implementation(self) -> str:
        """Return the name of the module that computes it.

        Raises:
            NotAvailable: If this version cannot compute it.
        """
        if self.module is None:
            raise NotAvailable(
                f"{self.id} ({self.title}) is in the catalogue and not implemented yet: "
                "'repro list' shows what is"
            )
        return self.module

    @property
    def _match(self) -> re.Match[str]:
        match = _ID.fullmatch(self.id)
        if match is None:
            raise ValueError(f"{self.id!r} is not an item id")
        return match


@functools.cache
def load_items(paper: str | None = None) -> tuple[Item, ...]:
    """Return all items of one paper, or of both.

    Raises:
        UnknownName: If there is no such paper.
    """
    if paper is None:
        return tuple(item for name in PAPERS for item in load_items(name))
    return tuple(_item(entry) for entry in read_catalogue(paper, "items.toml")["item"])


def read_catalogue(paper: str, name: str) -> dict[str, Any]:
    """Return the content of one of a paper's files.

    Raises:
        UnknownName: If there is no such paper.
    """
    return parse_toml(catalogue_text(paper, name), f"{paper}/{name}")


def catalogue_text(paper: str, name: str) -> str:
    """Return one of a paper's files as text.

    Raises:
        UnknownName: If there is no such paper.
    """
    if paper not in PAPERS:
        raise UnknownName(
            f"unknown paper {paper!r}{did_you_mean(paper, PAPERS)}: choose from {', '.join(PAPERS)}"
        )
    return resources.files("repro.catalogue").joinpath(paper, name).read_text("utf-8")


def find_item(item_id: str) -> Item:
    """Return the item with this id.

    Raises:
        UnknownName: If the catalogue has no such item.

    >>> find_item("toptag/fig5").stem
    'fig05'
    """
    for item in load_items():
        if item.id == item_id:
            return item
    hint = did_you_mean(item_id, [item.id for item in load_items()])
    raise UnknownName(f"unknown item {item_id!r}{hint}: 'repro list' shows them all")


def _item(entry: dict[str, Any]) -> Item:
    lists = ("models", "data", "fixtures", "saved_as", "quirks")
    fields: dict[str, Any] = {k: tuple(v) if k in lists else v for k, v in entry.items()}
    return Item(**fields)
