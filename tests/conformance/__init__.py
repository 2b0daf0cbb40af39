"""What every carrier must show, whoever it is: sound reading of any answer, and what it can do.

Importable without pytest: tools/document.py writes docs/carrier-conformance.md from it.
"""
