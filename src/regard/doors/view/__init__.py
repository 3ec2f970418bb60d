"""Pictures of attention: `terminal.draw` as text, `page.write` as one HTML file, `page.fragment` in a notebook, `plot.write` as PNG or SVG.

matplotlib is imported only where `plot.write` draws.
"""

from regard.doors.view import page as page
from regard.doors.view import plot as plot
from regard.doors.view import terminal as terminal
