"""python -m instructions: what scripts/instructions.sh runs."""

import sys

from .main import main

sys.exit(main(sys.argv[1:]))
