"""The Query service: what people and programs ask and want."""
