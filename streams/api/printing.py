"""A page as it is printed, through Chromium."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from streams.exits import Exit, NamedExit

__all__ = ["BROWSERS", "as_pdf"]

#: Programs that print a page, the first that is there.
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_PRINTING_S = 60


def as_pdf(html: str, browser: str | None = None) -> bytes:
    """The page as it is printed on A4.

    Raises:
        NamedExit: exit code 2 without a Chromium, 1 if it prints nothing.
    """
    found = browser or next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        raise NamedExit(
            Exit.USAGE,
            "a PDF is printed by Chromium, and there is none: install it, or write HTML"
            " (without --pdf) and print that",
        )
    with tempfile.TemporaryDirectory(prefix="vitals-") as folder:
        page, out = Path(folder, "page.html"), Path(folder, "page.pdf")
        page.write_text(html, encoding="utf-8")
        command = [
            found, "--headless", "--disable-gpu", "--no-first-run",
            f"--user-data-dir={Path(folder, 'profile')}", "--no-pdf-header-footer",
            f"--print-to-pdf={out}", page.as_uri(),
        ]  # fmt: skip
        if os.geteuid() == 0:
            command.insert(1, "--no-sandbox")  # the sandbox refuses to be run by root
        try:
            done = subprocess.run(  # noqa: S603 - our own arguments, no shell
                command, capture_output=True, timeout=_PRINTING_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NamedExit(Exit.FAILED, f"{found} printed nothing: {error}") from None
        if done.returncode or not out.exists():
            said = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
            raise NamedExit(Exit.FAILED, f"{found} printed nothing: {''.join(said)}")
        return out.read_bytes()
