//! Files, encodings, times and envelopes: what is read is judged, or counted as not judged.
