//! Any inputs in any order.
