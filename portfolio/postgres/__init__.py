"""Django's Postgres backend, for servers that restart, pause and come back."""
