//! What only Linux needs of the board: its notification services come and go while toasts are up.

use super::Board;

impl Board {
    /// Whether anything should be up.
    pub(crate) fn wants_any(&self) -> bool {
        self.slots.values().any(|slot| slot.wanted.is_some() && !slot.dismissed)
    }

    /// The server is gone and its toasts with it; what is wanted will be put up anew.
    pub(crate) fn server_gone(&mut self) {
        for slot in self.slots.values_mut() {
            slot.server = None;
            slot.shown = None;
            slot.busy = false;
        }
        self.in_flight = 0;
        self.early.clear();
        self.tidy();
    }

    /// Whether an answer of the server is still to come.
    pub(crate) fn is_busy(&self) -> bool {
        self.slots.values().any(|slot| slot.busy)
    }

    /// Server ids of everything that is up.
    pub(crate) fn up(&self) -> Vec<u32> {
        self.slots.values().filter_map(|slot| slot.server).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{notify, ringing};
    use super::*;

    #[test]
    fn a_server_that_comes_back_gets_everything_again() {
        let mut board = Board::default();
        board.want(&[ringing(1, "a"), ringing(3, "b")]);
        board.next();
        board.notified(1, Some(5));
        board.next();
        board.server_gone();
        assert!(board.wants_any());
        assert_eq!(notify(board.next()).1, 0);
        assert_eq!(notify(board.next()).1, 0);
        assert_eq!(board.next(), None);
    }
}
