//! Any bytes in windows of any size: no panic, and every byte is consumed.
#![no_main]

use bartizan_trail::Splitter;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (u8, &[u8])| {
    let (step, bytes) = (usize::from(data.0) + 1, data.1);
    let mut splitter = Splitter::new();
    let (mut window, mut rest) = (Vec::new(), bytes);
    loop {
        let n = step.min(rest.len());
        window.extend_from_slice(&rest[..n]);
        rest = &rest[n..];
        let done = splitter.push(&window, rest.is_empty(), &mut |_| {});
        assert!(done <= window.len());
        window.drain(..done);
        if rest.is_empty() {
            assert!(window.is_empty());
            break;
        }
    }
});
