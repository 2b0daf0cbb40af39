"""Writes `.env` for a server out of `.env.example`, with a fresh secret for every empty value, mode 600.

An `.env` that is there is never touched: its key is what decrypts the stored connections.
"""

from __future__ import annotations

import base64
import os
import secrets
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def filled(example: str) -> str:
    """The example with a fresh secret behind every `NAME=`; other lines as they are."""
    return "".join(
        f"{line.rstrip()}{_secret(line)}\n" if _is_empty(line) else f"{line}\n" for line in example.splitlines()
    )


def main() -> int:
    target = ROOT / ".env"
    text = filled((ROOT / ".env.example").read_text())
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        sys.stderr.write("env: .env is there already and stays as it is; move it away for fresh secrets\n")
        return 1
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    sys.stdout.write("env: .env written (mode 600); next: docker compose up --detach --build --wait\n")
    return 0


def _is_empty(line: str) -> bool:
    return line.rstrip().endswith("=") and not line.startswith("#")


def _secret(line: str) -> str:
    if line.startswith("AIRFLOW_FERNET_KEY"):
        return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    return secrets.token_hex(32)


if __name__ == "__main__":
    sys.exit(main())
