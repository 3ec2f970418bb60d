"""`python -m regard` is `regard`."""

from regard.doors.cli.main import main

if __name__ == "__main__":
    main()
