"""The dock "Crystal": which crystal a map shows, and structures as points."""
