//! The plan as a file: JSON for people, with the hash of everything else in it.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{PLAN_SCHEMA, PlanHash, RevocationPlan};

/// Why a file is not a plan that can be executed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PlanError {
    /// It does not have the form of a plan. Its content is not told: it might be any file.
    #[error("not a revocation plan: line {line}, column {column}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// It is of another version.
    #[error("a plan of schema {schema}, and this program executes schema {PLAN_SCHEMA}")]
    Schema {
        /// The version.
        schema: u32,
    },
    /// Its hash is not that of its content.
    #[error("the plan was changed after it was made: it is sha256:{actual} now, which is not the hash in it")]
    Changed {
        /// The hash of what the file holds.
        actual: PlanHash,
    },
}

/// A plan as it is stored: with its hash, for those who read or pass it on. The hash covers everything but itself.
#[derive(Serialize, Deserialize)]
struct StoredPlan<P> {
    #[serde(default)]
    hash: Option<String>,
    #[serde(flatten)]
    plan: P,
}

impl RevocationPlan {
    /// The plan as it is stored: JSON for people, with its hash.
    pub fn to_json(&self) -> Vec<u8> {
        let stored = StoredPlan { hash: Some(self.hash().to_string()), plan: self };
        let mut json = serde_json::to_vec_pretty(&stored).expect("plans have string keys and serialise");
        json.push(b'\n');
        json
    }

    /// Reads a stored plan back.
    ///
    /// # Errors
    /// When it is no plan of this version, or not what its own hash says.
    pub fn from_json(json: &[u8]) -> Result<Self, PlanError> {
        let stored: StoredPlan<Self> = serde_json::from_slice(json)
            .map_err(|error| PlanError::Syntax { line: error.line(), column: error.column() })?;
        let plan = stored.plan;
        if plan.schema != PLAN_SCHEMA {
            return Err(PlanError::Schema { schema: plan.schema });
        }
        let actual = plan.hash();
        match stored.hash {
            Some(written) if !actual.is_written_as(&written) => Err(PlanError::Changed { actual }),
            _ => Ok(plan),
        }
    }
}
