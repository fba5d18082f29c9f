"""`python -m musiscene_daemon`: the same as `musiscened`."""

import sys

from musiscene_daemon.main import main

if __name__ == "__main__":
    sys.exit(main())
