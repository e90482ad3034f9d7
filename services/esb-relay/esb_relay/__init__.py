"""The ESB signing relay: speaks GovESB's protocol for the rest of Kiungo."""
