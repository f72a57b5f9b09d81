"""Says READY=1 the way sd_notify(3) describes, and waits to be stopped."""

import os
import signal
import socket

with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
    notify.connect(os.environ["NOTIFY_SOCKET"])
    notify.send(b"READY=1\nSTATUS=waiting for SIGTERM")

signal.sigwait({signal.SIGTERM})
