"""What holds a process that reads a stranger's file: the kernel's own means, and no privilege."""
