"""Who we are and short-lived tokens: token file → STS → a session that carries the access token.

The only place that holds tokens. Credential flows are google-auth's own; this package hardens them.
"""
