"""Write files whole or not at all."""

import contextlib
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

from repro.errors import BadInput

__all__ = ["replacing", "write_atomically"]


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file under a temporary name beside it, then move it into place.

    Raises:
        BadInput: If it cannot be written; nothing is left behind.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as stream:
            temporary = Path(stream.name)
            stream.write(content)
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        reason = error.strerror or error
        raise BadInput(f"cannot write {path}: {reason}; choose another folder") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a new name in the same folder; rename it to ``path`` if all goes well.

    Raises:
        BadInput: If it cannot be written; nothing is left behind.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        reason = str(error).partition("\n")[0]
        raise BadInput(f"{path} cannot be written: {reason}") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
