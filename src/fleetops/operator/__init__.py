"""operator-service: from anomalies to alerts, and from alerts to what people do about them."""
