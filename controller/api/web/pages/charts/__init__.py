"""The charts of the pages, as Vega-Lite specifications."""
