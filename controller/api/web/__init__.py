"""What a controller answers over HTTP: pages, and questions of programs."""
