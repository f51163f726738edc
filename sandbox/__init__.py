"""What keeps others out: of processes that read a stranger's file, and of our folders."""
