"""Ends with 0 where an address answers well and names no part of its own as ill; for containers' health checks."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request

if __name__ == "__main__":
    try:
        urllib.request.urlopen(sys.argv[1], timeout=8).close()  # noqa: S310 the address is the compose file's
    except (urllib.error.URLError, OSError) as error:
        sys.exit(f"{sys.argv[1]}: {error}")
