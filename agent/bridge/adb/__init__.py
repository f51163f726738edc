"""What an adb server is asked, and the phones that hang on it."""
