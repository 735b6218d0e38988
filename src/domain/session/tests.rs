//! The session machine, scenario by scenario.
