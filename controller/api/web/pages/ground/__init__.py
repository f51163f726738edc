"""What all pages stand on: who asks, how a page is written and sent, and what is kept meanwhile."""
