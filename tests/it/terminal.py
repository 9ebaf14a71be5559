"""Runs a program at a terminal of its own, and types an answer where it asks for one.

Usage: terminal.py ANSWER PROGRAM [ARGUMENT]...

What the terminal showed goes to standard output. A program that a signal has ended gives 128 and the signal's number.
"""

import os
import pty
import signal
import sys

answer, program = sys.argv[1].encode(), sys.argv[2:]
child, terminal = pty.fork()
if child == 0:
    # Whoever runs the tests in the background of a shell hands on that nobody is to be interrupted.
    for interruption in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(interruption, signal.SIG_DFL)
    os.execv(program[0], program)
shown = b""
while True:
    try:
        piece = os.read(terminal, 4096)
    except OSError:
        # On Linux, the end of a terminal that nobody holds any more.
        break
    if not piece:
        break
    shown += piece
    if answer and b" to go on: " in shown:
        os.write(terminal, answer)
        answer = b""
sys.stdout.buffer.write(shown)
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
sys.exit(code if code >= 0 else 128 - code)
