"""The public HTTP API: one module a resource, mounted at /api/v1 by hub.web."""
