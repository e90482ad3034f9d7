"""`python -m kiungo_client`: the command line."""

from kiungo_client.cli.main import main

main(prog_name="kiungo")
