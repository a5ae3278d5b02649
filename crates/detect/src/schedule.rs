//! Scanning many objects with several threads, and evaluating them in their own order.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use crate::evaluator::Evaluator;
use crate::scan::Scanner;
use crate::scan_output::ScanOutput;

/// Scans all objects and lets the evaluator take their outputs in the order of `objects`, so that
/// the number of threads changes nothing that is found. `name` is what messages call an object;
/// `scan` opens and reads it, with the `scanner` of its thread.
pub fn scan_in_order<'p, T: Sync>(
    objects: &[T],
    name: impl for<'t> Fn(&'t T) -> &'t str + Sync,
    scan: impl Fn(&T, &mut Scanner<'_>) -> ScanOutput + Sync,
    (scanner, threads): (impl Fn() -> Scanner<'p> + Sync, usize),
    evaluator: &mut Evaluator<'_>,
) {
    if threads <= 1 || objects.len() <= 1 {
        let mut scanner = scanner();
        for object in objects {
            let spare = evaluator.take(name(object), scan(object, &mut scanner));
            scanner.reuse(spare);
        }
        evaluator.take_rest(scanner.finish());
        return;
    }
    let (evaluator, queue, moved) = (
        Mutex::new(evaluator),
        Mutex::new(OutputQueue::default()),
        Condvar::new(),
    );
    let queued = || queue.lock().unwrap_or_else(PoisonError::into_inner);
    let claimed = AtomicUsize::new(0);
    let ahead_max = threads * 4;
    // Whoever finds the evaluator free lets it take all that is in turn; nobody waits for it.
    let settle = || {
        while queued().in_turn()
            && let Ok(mut evaluator) = evaluator.try_lock()
        {
            loop {
                let next = queued().pop();
                let Some((number, output)) = next else { break };
                moved.notify_all();
                let spare = evaluator.take(name(&objects[number]), output);
                queued().spare.push(spare);
            }
        }
    };
    let work = || {
        let mut scanner = scanner();
        loop {
            let number = claimed.fetch_add(1, Ordering::Relaxed);
            let Some(object) = objects.get(number) else {
                break;
            };
            // Nobody runs far ahead: what waits is held in memory.
            drop(
                moved
                    .wait_while(queued(), |q| number >= q.next + ahead_max)
                    .unwrap_or_else(PoisonError::into_inner),
            );
            if let Some(spare) = queued().spare.pop() {
                scanner.reuse(spare);
            }
            let output = scan(object, &mut scanner);
            queued().waiting.insert(number, output);
            settle();
        }
        let rest = scanner.finish();
        evaluator
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take_rest(rest);
        // Somebody may have found the evaluator taken just now.
        settle();
    };
    std::thread::scope(|scope| {
        (0..threads.min(objects.len())).for_each(|_| {
            scope.spawn(work);
        });
    });
}

/// Outputs that wait for those of earlier objects.
#[derive(Default)]
struct OutputQueue {
    next: usize,
    waiting: BTreeMap<usize, ScanOutput>,
    /// Empty ones, to be used again.
    spare: Vec<ScanOutput>,
}

impl OutputQueue {
    fn in_turn(&self) -> bool {
        self.waiting.contains_key(&self.next)
    }

    fn pop(&mut self) -> Option<(usize, ScanOutput)> {
        let output = self.waiting.remove(&self.next)?;
        self.next += 1;
        Some((self.next - 1, output))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_leave_the_queue_in_the_order_of_the_objects() {
        let mut queue = OutputQueue::default();
        queue.waiting.insert(1, ScanOutput::unreadable());
        assert!(!queue.in_turn() && queue.pop().is_none());
        queue.waiting.insert(0, ScanOutput::unreadable());
        let order: Vec<usize> = std::iter::from_fn(|| queue.pop().map(|(n, _)| n)).collect();
        assert_eq!(order, [0, 1]);
    }
}
