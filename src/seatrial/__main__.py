"""``python -m seatrial`` is the command line."""

from seatrial.cli import main

if __name__ == "__main__":
    main()
