"""What an honest sweep costs while everybody attacks the controller, and what is left after."""
