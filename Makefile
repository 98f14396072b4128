# For habit's sake: everything is done by dev.py, which also runs where there is no make.
PYTHON ?= $(shell command -v python3 || command -v python)

.PHONY: setup lab test test-long docs pictures lite bench fix
setup lab test test-long docs pictures lite bench fix:
	$(PYTHON) dev.py $@
