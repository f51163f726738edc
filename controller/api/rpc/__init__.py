"""The one place of the controller where the contract's messages are seen: servicers and client."""
