"""The OpenAPI document without a server: `python -m dovetail.serve.openapi`."""

from __future__ import annotations

import json
import sys
import tempfile

from dovetail.serve.app import make_app
from dovetail.serve.workbench import Workbench


def document() -> str:
    """The document as JSON text."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Workbench(folder, work=False)
        try:
            return json.dumps(make_app(bench).openapi(), indent=1)
        finally:
            bench.close()


if __name__ == "__main__":
    sys.stdout.write(document() + "\n")
