"""Pictures of attention: `terminal.draw` as text, `page.write` as one HTML file, `page.fragment` in a notebook, `plot.write` as PNG or SVG.

matplotlib is imported only where `plot.write` draws.
"""

from regard.view import page as page
from regard.view import plot as plot
from regard.view import terminal as terminal
