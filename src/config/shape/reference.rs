//! The reference page of the files.
