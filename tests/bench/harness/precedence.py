"""Everybody who takes part in a run shares one session, which goes before the rest of the machine where that is allowed.

Linux schedules sessions as groups (sched_autogroup): the niceness of a process means something only within its own. So the
group gets one, and contestant, Wine server, load and target compete with each other in the usual way.
"""

import os
import signal
from contextlib import suppress
from pathlib import Path

NICENESS = -15
SIGNALS = (signal.SIGINT, signal.SIGTERM)
AWAITED = (*SIGNALS, signal.SIGCHLD)


def in_own_session(act):
    """Calls act in a child that leads a session; this process only passes signals on and answers the exit code.

    In the child, too, it returns, with what act answered. Ctrl+C and SIGTERM end a run in good order.
    """
    # Neither process may meet a signal before it knows what to do with it, and this one takes them only where it waits: a handler
    # runs too late for one that comes on the way into a call that blocks.
    signal.pthread_sigmask(signal.SIG_BLOCK, AWAITED)
    child = os.fork()
    if child == 0:
        os.setsid()
        for number in SIGNALS:
            signal.signal(number, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, AWAITED)
        return act()
    ended = 0
    while not ended:
        if signal.sigwait(AWAITED) in SIGNALS:
            os.kill(child, signal.SIGINT)
        ended, status = os.waitpid(child, os.WNOHANG)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, AWAITED)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def take():
    """For this session and whatever it starts from here on; answers the niceness. Only root may have less than 0."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
        Path("/proc/self/autogroup").write_text(str(NICENESS), encoding="ascii")
    return os.getpriority(os.PRIO_PROCESS, 0)
