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


def in_own_session(act):
    """Calls act in a child that leads a session; this process only passes signals on and answers the exit code.

    In the child, too, it returns, with what act answered. Ctrl+C and SIGTERM end a run in good order.
    """
    # Neither process may meet a signal before it knows what to do with it.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    child = os.fork()
    for number in SIGNALS:
        signal.signal(number, (lambda *_: os.kill(child, signal.SIGINT)) if child else signal.default_int_handler)
    if child == 0:
        os.setsid()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    if child == 0:
        return act()
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def take():
    """For this session and whatever it starts from here on; answers the niceness. Only root may have less than 0."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
        Path("/proc/self/autogroup").write_text(str(NICENESS), encoding="ascii")
    return os.getpriority(os.PRIO_PROCESS, 0)
