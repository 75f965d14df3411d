"""The REST interface of operator-service: routes, who may call them, and what they answer."""
