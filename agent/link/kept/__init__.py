"""What an agent keeps until its controller has it: reports on disk, and those that were refused."""
