//! Verification against servers on this machine that play an issuer (simulated).
