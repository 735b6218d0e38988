//! The playout machine, scenario by scenario.
