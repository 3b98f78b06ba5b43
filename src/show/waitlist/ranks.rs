//! How many of those before one are still in line: sums over a tree of counts (Fenwick's).

/// Everybody who ever stood in line, and who still does.
#[derive(Clone, Debug, Default)]
pub(super) struct Ranks {
    /// Node `i`, counted from 1, has the count of the `lowest bit of i` places that end at `i`.
    sums: Vec<u32>,
}

impl Ranks {
    /// Somebody joins at the end; the answer is their place for [`Ranks::leave`].
    pub(super) fn join(&mut self) -> usize {
        let node = self.sums.len() + 1;
        // A new node counts itself and the nodes below it.
        let mut sum = 1;
        let mut below = node - 1;
        while below > node - lowest_bit(node) {
            sum += self.sums[below - 1];
            below -= lowest_bit(below);
        }
        self.sums.push(sum);
        node - 1
    }

    /// Somebody leaves.
    pub(super) fn leave(&mut self, place: usize) {
        let mut node = place + 1;
        while node <= self.sums.len() {
            self.sums[node - 1] -= 1;
            node += lowest_bit(node);
        }
    }

    /// How many before `place` are still there.
    pub(super) fn before(&self, place: usize) -> u32 {
        let (mut sum, mut node) = (0, place);
        while node > 0 {
            sum += self.sums[node - 1];
            node -= lowest_bit(node);
        }
        sum
    }
}

fn lowest_bit(node: usize) -> usize {
    node & node.wrapping_neg()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_told_how_many_before_them_are_still_in_line() {
        let mut ranks = Ranks::default();
        let mut there: Vec<bool> = Vec::new();
        for turn in 0..400usize {
            assert_eq!(ranks.join(), turn);
            there.push(true);
            let leaving = turn * 7 % (turn + 1);
            if turn % 3 == 0 && there[leaving] {
                there[leaving] = false;
                ranks.leave(leaving);
            }
            for place in 0..there.len() {
                let before = there[..place].iter().filter(|there| **there).count();
                assert_eq!(ranks.before(place) as usize, before);
            }
        }
    }
}
