"""The web page: what people see of a controller in a browser."""
