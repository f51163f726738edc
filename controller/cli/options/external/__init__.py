"""The layouts in which exporters write models, each as the files that a controller takes."""
