"""Writes docs/session-semantics.md anew, and says what is still unproven."""

from tests.semantics.page import PAGE, page, proofs

PAGE.write_text(page(), encoding="utf-8")
unproven = [number for number, tests in proofs().items() if not tests]
print(f"{PAGE.name} written; without a test: {', '.join(unproven) or 'no line'}")
