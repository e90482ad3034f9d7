"""The command line `kiungo`."""
