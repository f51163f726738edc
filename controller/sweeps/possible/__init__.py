"""What devices can do of what is asked, known before anything is made or pushed."""
