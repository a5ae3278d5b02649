//! What a policy allows, and what one allows that another does not.
