//! Revocation: plan, policy, ledger, execution, proof.
