//! The client against hostile servers on this machine.
