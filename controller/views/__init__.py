"""All words for people: on the terminal, in the report, in exports."""
