"""Python imports this before a program; the program's own ``sitecustomize`` follows."""

import importlib
import sys
from pathlib import Path

from playhead.program import begin

begin()
sys.path[:] = [path for path in sys.path if Path(path or ".").resolve() != Path(__file__).parent]
ours = sys.modules.pop("sitecustomize")
try:
    importlib.import_module("sitecustomize")
except ModuleNotFoundError:
    sys.modules["sitecustomize"] = ours
