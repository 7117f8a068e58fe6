//! Renders: sentences, postmortems, charts, digests. Pure functions from facts to text.
