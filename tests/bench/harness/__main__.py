import sys

from . import precedence
from .main import main

sys.exit(precedence.in_own_session(lambda: main(sys.argv[1:])))
