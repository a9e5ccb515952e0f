# Two commands: `make run` and `make test`. Everything else is in CONTRIBUTING.md.
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test lint clean help

help:
	@echo "make run    the site with demo content, on http://127.0.0.1:$(PORT) (PORT=8199 make run for another port)"
	@echo "make test   every check and test"
	@echo "make lint   the checks without the tests"
	@echo "make clean  takes away .venv; what you made in var/ stays"

run: $(VENV)/.installed-run
	@exec $(BIN)/python manage.py serve --prepare --port $(PORT)

test: $(VENV)/.installed-test
	@exec $(BIN)/python -m prompts_app.tests.everything

lint: $(VENV)/.installed-test
	@exec $(BIN)/python -m prompts_app.tests.everything --only-lint

clean:
	rm -rf $(VENV)

$(VENV)/.installed-run: requirements.txt .python-version
	@sh .ci/venv requirements.txt $(VENV)
	@touch $@

$(VENV)/.installed-test: requirements.txt requirements-redis.txt requirements-dev.txt .python-version
	@sh .ci/venv requirements-dev.txt $(VENV)
	@touch $@ $(VENV)/.installed-run
