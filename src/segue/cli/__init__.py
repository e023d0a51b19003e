"""The command line: one file a verb, named in the table of `segue.cli.main`."""
