//! Joining what changed with what was called: who did it, through what, and what was done that
//! cannot be seen any more.
//!
//! [`explain`] matches the changes of two snapshots to the calls of the trail
//! ([`bartizan_detect::attribution::AttributionIndex`]), and [`origin`] follows a session back to
//! who began it.

mod attribute;
mod change_findings;
mod origin;

pub use attribute::{
    AttributedChange, Attribution, Attributions, RevertedCall, RevertedKind, explain,
};
pub use change_findings::{
    ChangeFindings, Consequence, GrantedAccess, ShowCommands, name_origins, origin_of, tell,
};
pub(crate) use change_findings::{origin_words, thing, things};
pub use origin::{Origin, OriginKind, origin};

#[cfg(test)]
mod tests {
    use bartizan_detect::attribution::CallMap;
    use bartizan_inventory::fact::FactKinds;

    #[test]
    fn every_kind_is_in_the_map_or_said_to_be_out_of_it() {
        let map = CallMap::builtin();
        for kind in FactKinds::builtin().names() {
            assert!(map.names(kind), "{kind}");
        }
    }
}
