"""`regard warm-up`: what the first answer would wait for, made now."""

from __future__ import annotations

from regard.cli import options


def warm_up(run: options.Run, quiet: options.Quiet = False, trust: options.Trust = None) -> None:
    """Make a run answer within half a second.

    Its export is proved and kept in its folder, RUN/ready: `regard predict` and `regard view` then need no PyTorch. After more training,
    call it again: an export of other weights is not asked.
    """
    from regard.export.ready import make_ready

    make_ready(run, trust=trust or (), say=options.teller(quiet))
