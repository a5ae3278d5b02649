//! Who made a call, and rules that could never say so.
