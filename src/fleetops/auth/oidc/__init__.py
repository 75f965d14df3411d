"""OpenID Connect: people come in with their company's account. Authorization code with PKCE, nothing else.

`handshake` begins a login, `provider` talks to the provider, `keys` checks its signatures,
`claims` what it says. Nothing here reads the database or knows of sessions.
"""
