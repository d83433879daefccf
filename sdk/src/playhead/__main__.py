"""``python -m playhead`` is the command ``playhead``."""

import sys

from playhead.cli import main

sys.exit(main())
